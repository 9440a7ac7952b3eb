/** What would a candidate have said to the guests of the past? Stored decisions, believed by their hashes, judged again (WRIT section 8.3). */
import { equalBytes, hexOf, utf8 } from "../base/bytes.ts";
import type { JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import { encodeEntry } from "../ledger/entry.ts";
import { HASH_SIZE, leafHash } from "../ledger/merkle.ts";
import { TILE_WIDTH, widthIn } from "../ledger/tiles.ts";
import { type ReplaySides, replayItem } from "../policy/replay.ts";
import type { ReplayedDecision } from "../policy/replay-tally.ts";
import { toldItems } from "../policy/told-decision.ts";
import { type HeadWorld, keptHead } from "./heads.ts";
import { provenTile } from "./proofs.ts";
import { settle } from "./settle.ts";
import type { StoredDecision } from "./store.ts";
import type { World } from "./world.ts";

/** Which decisions: at most `limit`, below a position of the log, within [since, until). */
export interface ReplayRange {
  readonly before?: number;
  readonly limit: number;
  readonly since?: Instant;
  readonly until?: Instant;
}

interface ReplayedPage {
  /** Newest first. */
  readonly decisions: readonly ReplayedDecision[];
  /** Where the next page goes on; `undefined` where there is none. */
  readonly next: number | undefined;
}

type ReplayWorld = HeadWorld & Pick<World, "turn" | "chipIds">;

/** So many are judged in one turn of the event loop: guests do not wait for an admin's question. */
const DECISIONS_PER_TURN = 16;

/**
 * Judges one page of stored decisions again. The same store and sides give the same answer, whenever they are asked.
 *
 * @throws {@link Fault} `ledger/filling`, `store/unavailable`.
 */
export async function replayPage(
  sides: ReplaySides,
  { before, limit, since, until }: ReplayRange,
  world: ReplayWorld,
): Promise<ReplayedPage> {
  const stored = await world.store.decisionsBefore(before, limit);
  const last = stored.at(-1);
  const isOver = last === undefined || stored.length < limit || (since !== undefined && last.at < since);
  const wanted = stored.filter(
    ({ at }) => (since === undefined || at >= since) && (until === undefined || at < until),
  );
  const isSigned = await signedLeaves(wanted, world);
  const decisions: ReplayedDecision[] = [];
  for (const [i, decision] of wanted.entries()) {
    if (i > 0 && i % DECISIONS_PER_TURN === 0) await world.turn?.(); // in order: one turn after the other
    decisions.push(replayDecision(decision, isSigned(decision.seq, decision), { sides, world }));
  }
  return { decisions, next: isOver ? undefined : last.seq };
}

/** Whoever can write the database can alter a trace, but not so that it has the hash in its entry. */
function replayDecision(
  stored: StoredDecision,
  isSigned: boolean,
  { sides, world }: { readonly sides: ReplaySides; readonly world: ReplayWorld },
): ReplayedDecision {
  const { id, trace } = stored;
  const entry = settle(stored);
  const bytes = utf8(trace);
  const isWhole =
    isSigned &&
    entry.kind === "decision" &&
    entry.id === id &&
    entry.trace_hash === hexOf(world.primitives.digest("sha256", bytes));
  if (!isWhole) return { id, items: undefined };
  const items = toldItems(jsonOf(world.chipIds?.show(trace) ?? trace));
  return { id, items: items?.map((item) => replayItem(item, entry.policy_hash, sides)) };
}

/** Text that has the hash in its entry is text that a broker wrote: nothing is left for a strict reader to find. */
function jsonOf(trace: string): JsonValue | undefined {
  try {
    const value: JsonValue = JSON.parse(trace);
    return value;
  } catch {
    return undefined;
  }
}

type IsSigned = (seq: number, decision: StoredDecision) => boolean;

/** What lies under the signed head has to be what was signed; what is newer nobody has signed yet. */
async function signedLeaves(decisions: readonly StoredDecision[], world: ReplayWorld): Promise<IsSigned> {
  const size = (await keptHead(world))?.checkpoint.size ?? 0;
  const covered = decisions.filter(({ seq }) => seq < size);
  const positions = [...new Set(covered.map(({ seq }) => Math.floor(seq / TILE_WIDTH)))];
  const tiles = new Map<number, Uint8Array>();
  for (const position of positions) {
    const hashes = await signedTile(position, size, world); // in order: a page touches two or three
    if (hashes !== undefined) tiles.set(position, hashes);
  }
  return (seq, decision) => {
    if (seq >= size) return true;
    const hashes = tiles.get(Math.floor(seq / TILE_WIDTH));
    const at = (seq % TILE_WIDTH) * HASH_SIZE;
    const signed = hashes?.subarray(at, at + HASH_SIZE);
    return signed !== undefined && equalBytes(signed, leafOf(decision, world));
  };
}

/** An entry that has no bytes is none that was signed. */
function leafOf(decision: StoredDecision, { primitives }: ReplayWorld): Uint8Array {
  return leafHash(encodeEntry(settle(decision)), primitives.digest);
}

async function signedTile(
  position: number,
  size: number,
  world: ReplayWorld,
): Promise<Uint8Array | undefined> {
  const place = { level: 0, position };
  try {
    return (await provenTile({ ...place, width: widthIn(size, place) }, world)).hashes;
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === "ledger/inconsistent") return undefined;
    throw thrown;
  }
}
