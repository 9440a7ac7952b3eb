/** What do AMD's bulletins ask, as far as this broker was told? The newest edition, whose signatures are looked at each time it is read. */
import { hexOf } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";
import {
  advisoryIn,
  advisorySigners,
  dayOf,
  encodeAdvisory,
  openAdvisory,
  type SignedAdvisory,
} from "../policy/advisory.ts";
import { loweredFigures } from "../policy/advisory-floors.ts";
import type { StoredAdvisory } from "./advisory-store.ts";
import { lastActs } from "./last-acts.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { World } from "./world.ts";

/** What reading it takes. */
export type AdvisoryWorld = Pick<World, "store" | "primitives" | "settings" | "ledgerSigner" | "roster">;

/** The newest edition as it was imported. */
export interface KeptAdvisory extends SignedAdvisory {
  readonly envelope: string;
  readonly at: StoredAdvisory["at"];
  readonly by: string;
}

const SKEW_SECONDS = 300;

/**
 * Reads the newest edition. The database is believed in nothing: admins of now signed it, and the log has none that is newer.
 *
 * @returns `undefined` where none was ever imported.
 * @throws {@link Fault} `advisory/altered`; `roster/altered`.
 */
export async function liveAdvisory(world: AdvisoryWorld): Promise<KeptAdvisory | undefined> {
  const { advisory: logged } = await lastActs(world); // first: what is read after it holds as much, or more
  const row = await world.store.newestAdvisory();
  if (row === undefined) {
    if (logged !== undefined) throw altered("the one in the log is gone");
    return undefined;
  }
  const opened = await opensStill(row, world);
  if (opened.digest !== row.digest || opened.advisory.serial !== row.serial)
    throw altered("a row is not what it holds");
  if (logged !== undefined && logged !== opened.digest) await refuseOlder(opened, logged, world);
  return { ...opened, envelope: row.envelope, at: row.at, by: row.by };
}

async function opensStill({ envelope }: StoredAdvisory, world: AdvisoryWorld): Promise<SignedAdvisory> {
  const { now: roster } = await world.roster();
  try {
    return await opened(envelope, roster, world);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    throw altered(thrown.message);
  }
}

function opened(
  envelope: string,
  roster: Parameters<typeof advisorySigners>[0],
  { settings, primitives }: AdvisoryWorld,
): Promise<SignedAdvisory> {
  const { advisorySigners: threshold = 1 } = settings.governance;
  return openAdvisory(envelope, { signers: advisorySigners(roster), threshold }, primitives);
}

/** The log's head is seconds behind: an edition that is newer than the one it has is good, an older one was put back. */
async function refuseOlder(
  { advisory: { serial } }: SignedAdvisory,
  logged: string,
  { store, primitives }: AdvisoryWorld,
): Promise<void> {
  const row = await store.advisory(logged);
  const known = row && advisoryIn(row.envelope);
  const isIt = known && hexOf(primitives.digest("sha256", encodeAdvisory(known))) === logged;
  if (isIt !== true || known.serial >= serial)
    throw altered("an older one is in the place of the one in the log");
}

/**
 * Takes an edition: signed by enough operators, of a day that has begun, with a higher serial than the one before, and lowering no
 * figure in silence. The newest one again, with other signatures, is taken too: so it outlives whoever signed it first.
 *
 * @throws {@link Fault} `advisory/bad-signature`, `advisory/malformed`, `advisory/early`, `advisory/older`, `advisory/lowers`;
 *   `request/conflict` where somebody was first, or the roster changed meanwhile.
 */
export async function importAdvisory(envelope: string, actor: Actor, world: World): Promise<KeptAdvisory> {
  const { now: roster } = await world.roster();
  const next = await opened(envelope, roster, world);
  refuseEarly(next, world);
  await refuseUnlogged(next, world);
  const before = await world.store.newestAdvisory();
  if (before !== undefined) refuseBackwards(next, before);
  const { serial, issued } = next.advisory;
  const row = { serial, digest: next.digest, envelope, at: world.now(), by: actor.kid };
  const act = { act: "advisory-import", subject: `advisory ${serial} of ${issued}`, digest: next.digest };
  const expected = { roster: roster.serial, newest: before?.serial ?? 0 };
  if (!(await world.store.putAdvisory(row, expected, adminEntry(act, actor, world)))) {
    throw new Fault(
      "request/conflict",
      "expected that nobody imports another edition, or changes the roster, meanwhile",
    );
  }
  return { ...next, envelope, at: row.at, by: row.by };
}

function refuseEarly({ advisory: { issued } }: SignedAdvisory, { now }: Pick<World, "now">): void {
  const day = dayOf(issued);
  if (day !== undefined && day <= now() + SKEW_SECONDS) return;
  throw new Fault(
    "advisory/early",
    `expected an advisory of a day that has begun, received one of ${issued}`,
  );
}

/** Where the edition that the log names is gone, nobody knows what another one would lower: that one comes first. */
async function refuseUnlogged({ digest }: SignedAdvisory, world: AdvisoryWorld): Promise<void> {
  const { advisory: logged } = await lastActs(world);
  if (logged === undefined || logged === digest || (await world.store.advisory(logged)) !== undefined) return;
  throw altered(`the one in the log is gone; import it first, its SHA-256 is ${logged}`);
}

/** What the edition before says is taken from its row whoever signed it: at worst a row that somebody wrote refuses a newer one. */
function refuseBackwards({ advisory: next, digest }: SignedAdvisory, row: StoredAdvisory): void {
  if (next.serial === row.serial && digest === row.digest) return;
  if (next.serial <= row.serial) {
    throw new Fault("advisory/older", `expected a serial above ${row.serial}, received ${next.serial}`);
  }
  const before = advisoryIn(row.envelope);
  if (next.issued < before.issued) {
    throw new Fault(
      "advisory/older",
      `expected an advisory of ${before.issued} or later, received one of ${next.issued}`,
    );
  }
  const lowered = loweredFigures(before, next);
  if (lowered.length === 0) return;
  throw new Fault(
    "advisory/lowers",
    `expected every figure of the edition before at its level, or under \`withdrawn\`: ${lowered.slice(0, 8).join(", ")}`,
    { figures: lowered.length },
  );
}

function altered(why: string): Fault {
  return new Fault(
    "advisory/altered",
    `the advisory in the database is not the one that was signed and logged: ${why}`,
  );
}
