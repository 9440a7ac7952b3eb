/** May this broker start on this database? Same key-encryption key, same audience, a log that holds; then a mark in the log. */
import { base64UrlOf, parseBase64Url, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { advanceCheckpoint } from "./checkpoints.ts";
import { refuseEarlierClock } from "./clock.ts";
import { keptHead } from "./heads.ts";
import { refuseLostHead } from "./lost-head.ts";
import { keepHead, refuseRolledBack } from "./rollback.ts";
import { recordRoot } from "./root-record.ts";
import { type Store, UNFINISHED } from "./store.ts";
import { edgeOf } from "./tiles.ts";
import type { Kek, World } from "./world.ts";

const KEK_CHECK = "kek-check";
const KEK_CHECK_AAD = utf8("ostiary/kek-check/v1");
const AUDIENCE = "audience";

/** Puts the check value of this database under the key that wraps now: from then on no earlier key opens it. */
export async function claimStore(store: Pick<Store, "meta" | "putMeta">, kek: Kek): Promise<void> {
  const kept = await store.meta(KEK_CHECK);
  await store.putMeta(KEK_CHECK, kept, await checkValueOf(kek));
}

async function checkValueOf(kek: Kek): Promise<string> {
  return base64UrlOf(await kek.wrap(KEK_CHECK_AAD, KEK_CHECK_AAD));
}

/**
 * Refuses a database that belongs to another key or another broker. The first start leaves its marks.
 *
 * @throws {@link Fault} `kek/wrong-key`, `kek/unavailable`, `store/incompatible`.
 */
export async function refuseForeignStore(
  store: Pick<Store, "meta" | "putMeta">,
  kek: Kek,
  audience: string,
): Promise<void> {
  const unfinished = await store.meta(UNFINISHED);
  if (unfinished !== undefined) {
    throw new Fault("store/incompatible", `expected a whole database, the ${unfinished} to it did not end`);
  }
  const kept = await firstOrKept(store, KEK_CHECK, await checkValueOf(kek));
  await kek.unwrap(parseBase64Url(kept) ?? new Uint8Array(0), KEK_CHECK_AAD);
  const known = await firstOrKept(store, AUDIENCE, audience);
  if (known !== audience) {
    throw new Fault("store/incompatible", "expected the database of this audience", {
      expected: audience,
      received: known,
    });
  }
}

/**
 * Checks the log against the last head that was signed and the clock against its last entry.
 *
 * @param wasAhead - Somebody said that the clock stood ahead before, and is right now.
 * @throws {@link Fault} `ledger/rolled-back`; `ledger/inconsistent` where what was signed is not what is there, `clock/behind` where time would
 * run again that has run already: then nothing is served.
 */
export async function checkLedger(world: World, wasAhead = false): Promise<void> {
  await refuseRolledBack(world);
  await refuseLostHead(world);
  await advanceCheckpoint(world);
  await refuseOtherTiles(world);
  if (!wasAhead) await refuseTimeAgain(world);
}

/** The same, and marks the start in the log. @throws {@link Fault} as {@link checkLedger}. */
export async function beginEpoch(world: World, wasAhead = false): Promise<void> {
  await checkLedger(world, wasAhead);
  await recordRoot(world);
  await refuseAltered(world);
  await world.store.appendEntry({ v: 1, kind: "epoch", time: world.now(), act: "start" });
  await keepHead(world);
}

/** Admins and policy are opened before anything is served: what is not as it was signed keeps a broker from starting. */
export async function refuseAltered(world: Pick<World, "roster" | "liveBundle">): Promise<void> {
  await world.roster();
  await world.liveBundle();
}

/** What a further process of a running broker looks at: another has checked what was signed, and marked the start. */
export async function joinEpoch(world: World, wasAhead = false): Promise<void> {
  await refuseRolledBack(world);
  await refuseAltered(world);
  if (!wasAhead) await refuseTimeAgain(world);
}

/** The tiles that the next ones grow at are looked at before anything is served. */
async function refuseOtherTiles(world: World): Promise<void> {
  const head = await keptHead(world);
  if (head !== undefined) await edgeOf(head.frontier, world);
}

async function refuseTimeAgain(world: World): Promise<void> {
  const size = await world.store.ledgerSize();
  const [last] = size === 0 ? [] : await world.store.entries(size - 1, 1);
  if (last !== undefined) refuseEarlierClock(world.now(), last.draft.time);
}

async function firstOrKept(
  store: Pick<Store, "meta" | "putMeta">,
  name: string,
  value: string,
): Promise<string> {
  const kept = await store.meta(name);
  if (kept !== undefined) return kept;
  if (await store.putMeta(name, undefined, value)) return value;
  return (await store.meta(name)) ?? value;
}
