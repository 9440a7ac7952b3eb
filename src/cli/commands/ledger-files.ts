/** `ledger export --files`: the log as files that any web server may serve. What the folder has of it already is gone on from. */
import { equalBytes, utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { CHECKPOINT_FILE, encodeBundle, MAX_NOTE_BYTES, tileFile } from "../../ledger/log-files.ts";
import { appendLeaf, type Frontier, frontierRoot, leafHash } from "../../ledger/merkle.ts";
import { openPublishedLog, type PublishedLog } from "../../ledger/published-log.ts";
import {
  type Edge,
  edgeAmong,
  edgePlaces,
  frontierOf,
  grownTiles,
  TILE_WIDTH,
  type Tile,
  widthOf,
} from "../../ledger/tiles.ts";
import type { ExitStatus, Terminal } from "../command.ts";
import { leafPagesOf, type OpenedHead } from "../ledger-head.ts";
import type { LedgerEdges, LedgerSource } from "../ledger-source.ts";

interface FilesPlan {
  readonly source: LedgerSource;
  readonly opened: OpenedHead;
  readonly folder: string;
}

/**
 * Writes bundles and tiles, and the head last: a folder has no head that its files do not bear out.
 *
 * @throws {@link Fault} `ledger/inconsistent` where the broker's log is not what its head signs, or does not continue what the folder
 *   has; `file/unusable`.
 */
export async function exportFiles(
  plan: FilesPlan,
  edges: LedgerEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { checkpoint, note } = plan.opened;
  const old = await oldLog(plan, edges);
  const end = await writeEntries(plan, old, edges);
  if (!equalBytes(frontierRoot(end, edges.primitives.digest), checkpoint.root)) {
    const sentence = "the broker's entries and those in the folder are not what the broker's head signs";
    throw new Fault("ledger/inconsistent", sentence, { place: "checkpoint" });
  }
  await edges.writeLogFile(plan.folder, CHECKPOINT_FILE, utf8(note));
  const added = checkpoint.size - (old?.checkpoint.size ?? 0);
  terminal.err(
    `${checkpoint.size} entries of ${checkpoint.origin} in ${plan.folder}, ${added} of them new\n`,
  );
  return 0;
}

/** What a folder has already, under a head of the same key. */
async function oldLog(
  { source, opened, folder }: FilesPlan,
  { openLog, primitives }: LedgerEdges,
): Promise<PublishedLog | undefined> {
  const read = await openLog(folder);
  if (read === undefined || (await read(CHECKPOINT_FILE, MAX_NOTE_BYTES)) === undefined) return undefined;
  const { origin, size } = opened.checkpoint;
  const old = await openPublishedLog(read, { name: origin, spki: source.spki }, primitives);
  if (old.checkpoint.size <= size) return old;
  throw new Fault("ledger/inconsistent", "the broker's log is shorter than the one in the folder", {
    expected: old.checkpoint.size,
    received: size,
  });
}

/** From the last full bundle on. The tree at the old head's size has to be the old head's. */
async function writeEntries(
  { source, opened, folder }: FilesPlan,
  old: PublishedLog | undefined,
  { primitives: { digest }, writeLogFile }: LedgerEdges,
): Promise<Frontier> {
  const { size } = opened.checkpoint;
  const write = (tile: Tile): Promise<void> =>
    writeLogFile(folder, tileFile({ ...tile, width: widthOf(tile) }), tile.hashes);
  const from = Math.floor((old?.checkpoint.size ?? 0) / TILE_WIDTH) * TILE_WIDTH;
  let edge = old === undefined ? [] : await edgeIn(old, from);
  let frontier = frontierOf({ size: from, edge }, digest);
  refuseOtherBeginning(frontier, old, digest);
  for await (const leaves of leafPagesOf(source, { from, to: size })) {
    const hashes = leaves.map((leaf) => leafHash(leaf, digest));
    const grown = grownTiles({ size: frontier.size, edge }, hashes, digest);
    const bundle = { level: "entries", position: frontier.size / TILE_WIDTH, width: leaves.length } as const;
    for (const hash of hashes) {
      frontier = appendLeaf(frontier, hash, digest);
      refuseOtherBeginning(frontier, old, digest);
    }
    edge = edgeAmong([...edge, ...grown], frontier.size);
    await writeLogFile(folder, tileFile(bundle), encodeBundle(leaves)); // in order: the head comes last
    for (const tile of grown) if (widthOf(tile) === TILE_WIDTH) await write(tile);
  }
  for (const tile of edge) await write(tile);
  return frontier;
}

async function edgeIn(old: PublishedLog, size: number): Promise<Edge> {
  const tiles: Tile[] = [];
  for (const need of edgePlaces(size)) tiles.push(cutTo(need.width, await old.tile(need))); // in order: a few
  return tiles;
}

function cutTo(width: number, tile: Tile): Tile {
  return { ...tile, hashes: tile.hashes.slice(0, (tile.hashes.length / widthOf(tile)) * width) };
}

function refuseOtherBeginning(
  frontier: Frontier,
  old: PublishedLog | undefined,
  digest: Parameters<typeof frontierRoot>[1],
): void {
  if (old === undefined || frontier.size !== old.checkpoint.size) return;
  if (equalBytes(frontierRoot(frontier, digest), old.checkpoint.root)) return;
  const sentence =
    "the broker's log does not continue the one in the folder; `ostiary ledger compare` names the first entry that is another";
  throw new Fault("ledger/inconsistent", sentence, { size: frontier.size });
}
