/** What is a copy of a log that somebody names? An exported file, or files in a folder or under an address; its head is opened by the key. */
import { equalBytes } from "../base/bytes.ts";
import { MAX_EXPORT_LINE_BYTES, type OpenedExport, openExport } from "../ledger/export.ts";
import { bundlesOf } from "../ledger/log-files.ts";
import type { NoteKey } from "../ledger/note.ts";
import { openPublishedLog, type PublishedLog, verifyPublishedLog } from "../ledger/published-log.ts";
import { TILE_WIDTH } from "../ledger/tiles.ts";
import { type EntryCounts, verifyWholeLog } from "../ledger/whole-log.ts";
import type { LedgerEdges } from "./ledger-source.ts";
import { linesOf } from "./lines.ts";

export interface LogCopy extends Pick<OpenedExport, "note" | "checkpoint"> {
  /** As it was named. */
  readonly name: string;
  /** Verifies all of it. @throws {@link Fault} `ledger/inconsistent`, with the place. */
  readonly verify: () => Promise<EntryCounts>;
  /** Its entries as they are, which nobody verified. */
  readonly leaves: () => AsyncIterable<Uint8Array>;
  /** There where a part can be read without the rest. */
  readonly files?: PublishedLog;
}

type Edges = Pick<LedgerEdges, "primitives" | "openLog" | "readPieces">;

/** @throws {@link Fault} `ledger/…` for a head that is none of the key's; `file/unusable`, `broker/unreachable`. */
export async function openCopy(name: string, key: NoteKey, edges: Edges): Promise<LogCopy> {
  const read = await edges.openLog(name);
  if (read === undefined) return openFile(name, key, edges);
  const files = await openPublishedLog(read, key, edges.primitives);
  const { note, checkpoint } = files;
  const verify = () => verifyPublishedLog(files, edges.primitives);
  return { name, note, checkpoint, files, verify, leaves: () => leavesIn(files) };
}

async function openFile(name: string, key: NoteKey, edges: Edges): Promise<LogCopy> {
  const open = () =>
    openExport(linesOf(edges.readPieces(name), MAX_EXPORT_LINE_BYTES), key, edges.primitives);
  const { note, checkpoint } = await open();
  return {
    name,
    note,
    checkpoint,
    verify: async () => verifyWholeLog((await open()).leaves, checkpoint, edges.primitives),
    leaves: async function* () {
      for await (const { leaf } of (await open()).leaves) yield leaf;
    },
  };
}

async function* leavesIn({ checkpoint, bundle }: PublishedLog): AsyncGenerator<Uint8Array, void, undefined> {
  for (const need of bundlesOf(checkpoint.size)) yield* await bundle(need); // in order
}

/** The first position at which two copies have other bytes, of those that both have. Both are read to there. */
export async function firstOtherLeaf(one: LogCopy, other: LogCopy): Promise<number | undefined> {
  const theirs = other.leaves()[Symbol.asyncIterator]();
  let seq = 0;
  for await (const leaf of one.leaves()) {
    const { value, done } = await theirs.next(); // in order
    if (done === true) break;
    if (!equalBytes(leaf, value)) return seq;
    seq += 1;
  }
  return undefined;
}

/** The entry at a position, read alone where that can be. */
export async function leafAt(seq: number, { files, leaves }: LogCopy): Promise<Uint8Array | undefined> {
  if (files !== undefined) {
    const position = Math.floor(seq / TILE_WIDTH);
    const width = Math.min(files.checkpoint.size - position * TILE_WIDTH, TILE_WIDTH);
    return (await files.bundle({ position, width }))[seq % TILE_WIDTH];
  }
  let at = 0;
  for await (const leaf of leaves()) if (at++ === seq) return leaf;
  return undefined;
}
