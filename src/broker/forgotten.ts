/** Which traces may nobody have any more? Those before a position that an admin said, in the log; the entries stay, with their hashes. */
import { Fault } from "../base/fault.ts";
import { addSeconds, type Instant } from "../base/time.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import type { TraceForgetting } from "../wire/ledger-messages.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { World } from "./world.ts";

const ACT = "traces-forget";
const SUBJECT = /^entries before (?<seq>0|[1-9]\d{0,14})$/;
/** The position up to which traces are to go, and the one up to which they are gone. */
const WANTED = "traces-forgotten-before";
const DONE = "traces-forgotten-to";
const ENTRIES_PER_TURN = 1000;

/** Before which position an entry has traces forgotten, if it is such an act. */
export function forgottenBefore(entry: LedgerEntry): number | undefined {
  if (entry.kind !== "admin" || entry.act !== ACT) return undefined;
  const seq = SUBJECT.exec(entry.subject)?.groups?.["seq"];
  return seq === undefined ? undefined : Number(seq);
}

/**
 * Writes into the log that traces are to be forgotten, and only then lets them go, some at each turn of `forgetSome`.
 *
 * @returns The position before which nobody has any trace soon.
 * @throws {@link Fault} `ledger/kept` where the configuration keeps them, or for so many days.
 */
export async function forgetTraces(order: TraceForgetting, actor: Actor, world: World): Promise<number> {
  const { traceDays } = world.settings;
  if (traceDays === undefined || order.olderThanDays < traceDays) {
    const kept = traceDays === undefined ? "for ever" : `for ${traceDays} days`;
    throw new Fault("ledger/kept", `the configuration keeps traces ${kept}`, {
      received: order.olderThanDays,
      ...(traceDays === undefined ? {} : { expected: traceDays }),
    });
  }
  const seq = await firstSince(addSeconds(world.now(), -order.olderThanDays * 86_400), world);
  const entry = adminEntry({ act: ACT, subject: `entries before ${seq}`, digest: "" }, actor, world);
  await world.store.appendEntry(entry);
  await raise(WANTED, seq, world);
  return seq;
}

/** The first position whose entry is no older: times rise but for minutes, so that it is found by halves. */
async function firstSince(since: Instant, { store }: Pick<World, "store">): Promise<number> {
  let [from, to] = [0, await store.ledgerSize()];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    const [entry] = await store.entries(middle, 1); // in order: each answer says where to look next
    if (entry !== undefined && entry.draft.time < since) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Lets go of some traces that are to be forgotten. @returns Whether some are left. */
export async function forgetSome(world: Pick<World, "store">): Promise<boolean> {
  const [wanted, start] = [await numberIn(WANTED, world), await numberIn(DONE, world)];
  if (start >= wanted) return false;
  const end = Math.min(start + ENTRIES_PER_TURN, wanted);
  await world.store.forgetTraces({ start, end });
  await raise(DONE, end, world);
  return end < wanted;
}

async function numberIn(name: string, { store }: Pick<World, "store">): Promise<number> {
  return Number((await store.meta(name)) ?? "0");
}

/** Never lower: of two that raise it, the higher one stays. */
async function raise(name: string, to: number, { store }: Pick<World, "store">): Promise<void> {
  for (let kept = await store.meta(name); Number(kept ?? "0") < to; kept = await store.meta(name)) {
    if (await store.putMeta(name, kept, String(to))) return; // in order: until it is as high
  }
}
