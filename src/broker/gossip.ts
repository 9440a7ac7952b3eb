/** Does a log look the same to others? Heads that are heard of it are held against our own, and those of other logs against what was heard before. */
import { equalBytes } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";
import { addSeconds, type Instant, isBefore } from "../base/time.ts";
import { openCheckpoint, originOf } from "../ledger/checkpoint.ts";
import { encodeEntry } from "../ledger/entry.ts";
import { beginningOf, firstDifference, provenEntry, type TiledLog } from "../ledger/fork.ts";
import type { NoteKey } from "../ledger/note.ts";
import { openPublishedLog, type PublishedLog, type ReadLogFile } from "../ledger/published-log.ts";
import { TILE_WIDTH } from "../ledger/tiles.ts";
import { advanceCheckpoint } from "./checkpoints.ts";
import { markForked } from "./fork-mark.ts";
import { keptHead } from "./heads.ts";
import { ledgerEntries } from "./leaves.ts";
import { isPaused, longer, type Pause } from "./pause.ts";
import { createTileReader } from "./tiles.ts";
import type { Anchor, World } from "./world.ts";

export interface PeerPlan {
  /** Its address, or another that has its log in files. */
  readonly url: string;
  /** Of its log, which may be our own: then it says how ours looks from there. */
  readonly key: NoteKey;
  readonly read: ReadLogFile;
}

const EVERY_SECONDS = 10;

/** Makes it, as what is told each head: every ten seconds the peer is asked for its own. Whatever it answers delays nobody. */
export function createPeer(plan: PeerPlan): Anchor {
  let next: Instant | undefined;
  let pause: Pause | undefined;
  let isBusy = false;
  return {
    name: `peer ${plan.url}`,
    check: async () => undefined,
    keep: async (_note, world) => {
      const now = world.now();
      if (isBusy || isPaused(pause, now) || (next !== undefined && isBefore(now, next))) return;
      next = addSeconds(now, EVERY_SECONDS);
      isBusy = true;
      void heard(plan, pause, world).then((after) => {
        pause = after;
        isBusy = false;
      });
    },
  };
}

/** @returns How long the peer is to be left alone, where it did not answer. */
async function heard(plan: PeerPlan, pause: Pause | undefined, world: World): Promise<Pause | undefined> {
  try {
    world.meter.count("ledger_heard", { outcome: await listenTo(plan, world) });
    return undefined;
  } catch (thrown) {
    world.meter.count("ledger_heard", { outcome: "unheard" });
    const code = isFault(thrown) ? thrown.code : "unknown";
    world.log("error", "peer-not-heard", { peer: plan.url, code });
    return longer(pause, world.now());
  }
}

type Heard = "same" | "fork" | "cut";

/**
 * Asks a peer once, and writes down what contradicts.
 *
 * @throws {@link Fault} `broker/unreachable`, `ledger/…` for a head or files that are not the key's: nobody is convicted by those.
 */
export async function listenTo(plan: PeerPlan, world: World): Promise<Heard> {
  const log = await openPublishedLog(plan.read, plan.key, world.primitives);
  const theirs = tiledOf(plan.url, log);
  return isOwn(plan.key, world) ? holdAgainstOwn(theirs, plan, world) : holdAgainstHeard(theirs, plan, world);
}

function isOwn({ name, spki }: NoteKey, { settings, ledgerSigner }: World): boolean {
  return name === originOf(settings.audience) && equalBytes(spki, ledgerSigner.spki);
}

function tiledOf(name: string, { note, checkpoint, tile, bundle }: PublishedLog): TiledLog {
  const leafAt = async (seq: number): Promise<Uint8Array> => {
    const position = Math.floor(seq / TILE_WIDTH);
    const width = Math.min(checkpoint.size - position * TILE_WIDTH, TILE_WIDTH);
    return (await bundle({ position, width }))[seq % TILE_WIDTH] ?? new Uint8Array(0);
  };
  return { name, note, checkpoint, tile, leafAt };
}

/** Our own head is looked at after theirs: brokers of one database are never behind what one of them signed before. */
async function holdAgainstOwn(theirs: TiledLog, { url }: PeerPlan, world: World): Promise<Heard> {
  const ours = await ownLog(world);
  const { digest } = world.primitives;
  const entry = await firstDifference(ours, theirs, digest);
  const found = { v: 1, peer: url, at: world.now() } as const;
  if (entry !== undefined) {
    const evidence = [await provenEntry(ours, entry, digest), await provenEntry(theirs, entry, digest)];
    await markForked({ ...found, kind: "fork", entry, evidence }, world);
    return "fork";
  }
  const { size } = ours.checkpoint;
  if (theirs.checkpoint.size <= size) return "same";
  await markForked({ ...found, kind: "cut", entry: size, evidence: [ours.note, theirs.note] }, world);
  return "cut";
}

async function ownLog(world: World): Promise<TiledLog> {
  await advanceCheckpoint(world);
  const head = await keptHead(world);
  if (head === undefined) throw new Fault("internal/invariant", "a log that was just signed has a head");
  const leafAt = async (seq: number): Promise<Uint8Array> => {
    const [entry] = await ledgerEntries({ from: seq, limit: 1 }, world);
    return entry === undefined ? new Uint8Array(0) : encodeEntry(entry);
  };
  const { note, checkpoint } = head;
  return { name: "this broker", note, checkpoint, tile: createTileReader(world.store), leafAt };
}

/** Of another log the last head is remembered; each must continue it, and be no shorter. */
async function holdAgainstHeard(theirs: TiledLog, plan: PeerPlan, world: World): Promise<Heard> {
  const name = `heard ${plan.key.name}`;
  const kept = await world.store.meta(name);
  const { size } = theirs.checkpoint;
  if (kept !== undefined && kept !== theirs.note) {
    const { name: origin, spki } = plan.key;
    const last = await openCheckpoint(kept, { origin, spki }, world.primitives);
    if (size < last.size) return told("cut", kept, { theirs, plan }, world);
    const beginning = await beginningOf(theirs, last.size, world.primitives.digest);
    if (!equalBytes(beginning, last.root)) return told("fork", kept, { theirs, plan }, world);
  }
  if (kept !== theirs.note) await world.store.putMeta(name, kept, theirs.note);
  return "same";
}

/** Its own brokers are the ones not to be ready; here it stands in the log of this program, and both heads in the database. */
async function told(
  kind: Exclude<Heard, "same">,
  kept: string,
  { theirs, plan }: { readonly theirs: TiledLog; readonly plan: PeerPlan },
  { store, log }: World,
): Promise<Heard> {
  const name = `heard-otherwise ${plan.key.name}`;
  await store.putMeta(name, undefined, `${kept}\n${theirs.note}`);
  log("error", "peer-forked", { kind, peer: plan.url, heads: name });
  return kind;
}
