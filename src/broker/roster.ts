/** Who are the admins of this broker? The configuration's, and those in the database that its root signed, looked at anew for each act. */
import { Fault, isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { followRoster, type RosterEdges, type RosterHistory, rootRoster } from "../policy/roster.ts";
import type { GovernanceStore, StoredRosterChange } from "./governance-store.ts";
import type { LastActs } from "./last-acts.ts";
import type { BrokerSettings } from "./world.ts";

export interface RosterSources {
  readonly store: Pick<GovernanceStore, "rosterHead" | "rosterChanges">;
  readonly primitives: Primitives;
  readonly settings: BrokerSettings;
  /** What the log's newest head says (`last-acts.ts`). */
  readonly lastActs: () => Promise<LastActs>;
}

/** The roster that was followed last: facts, which requests may share. */
export interface RosterMemory {
  kept?: RosterHistory;
}

/**
 * Makes the function that answers the roster. The newest change is asked for every time; the chain is followed from the root
 * again where there are more.
 *
 * @throws {@link Fault} `roster/altered` where the database holds fewer changes than were seen here or stand in the log, or others
 *   than the root signed.
 */
export function createRosterCache(
  sources: RosterSources,
  memory: RosterMemory = {},
): () => Promise<RosterHistory> {
  return async () => {
    const { roster: logged } = await sources.lastActs(); // first: what is read after it holds as much, or more
    const head = await sources.store.rosterHead();
    const { kept } = memory;
    const isSame =
      kept !== undefined && kept.now.serial === (head?.serial ?? 0) && kept.now.head === head?.digest;
    const history = isSame ? kept : await loaded(sources);
    if (kept !== undefined && history.each[kept.now.serial]?.head !== kept.now.head)
      throw cut("was seen here");
    if (logged !== undefined && !history.each.some((one) => one.head === logged))
      throw cut("stands in the log");
    memory.kept = history;
    return history;
  };
}

/** What chains are followed with. */
export function rosterEdges({
  settings,
  primitives,
}: Pick<RosterSources, "settings" | "primitives">): RosterEdges {
  return { governance: settings.governance, audience: settings.audience, primitives };
}

async function loaded(sources: RosterSources): Promise<RosterHistory> {
  const changes = await sources.store.rosterChanges();
  const history = await followed(changes, sources);
  const isWhole = changes.every(
    ({ serial, digest }, i) => serial === i + 1 && digest === history.each[i + 1]?.head,
  );
  if (!isWhole) throw altered("its rows are not in order");
  return history;
}

async function followed(
  changes: readonly StoredRosterChange[],
  sources: RosterSources,
): Promise<RosterHistory> {
  const edges = rosterEdges(sources);
  if (changes.length === 0 && edges.governance.accepts.roster === undefined) {
    const now = rootRoster(edges.governance);
    return { now, each: [now], statements: [] };
  }
  try {
    return await followRoster(
      changes.map(({ envelope }) => envelope),
      edges,
    );
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    throw altered(thrown.message, changes.at(-1));
  }
}

function cut(where: string): Fault {
  return altered(`a change that ${where} is gone`);
}

function altered(why: string, last?: StoredRosterChange): Fault {
  return new Fault(
    "roster/altered",
    `the roster of admins in the database is not the one that was signed: ${why}`,
    {
      ...(last === undefined ? {} : { changes: last.serial, last: last.digest }),
    },
  );
}
