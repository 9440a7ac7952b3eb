/** `ledger export`: the log, or a part of it, for an auditor who has no broker. What goes out is verified on its way. */
import { base64Of, parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { encodeExportHead, encodeExportLine, verifyExport } from "../../ledger/export.ts";
import {
  type ExtractHead,
  encodeExtractHead,
  type Held,
  leftOf,
  verifyExtract,
} from "../../ledger/extract.ts";
import type { Range } from "../../ledger/ranges.ts";
import { ADMIN_OPTIONS, adminOptionsOf } from "../admin-session.ts";
import { noWords, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { openHeld } from "../held-log.ts";
import { leavesOf, type OpenedHead, openHead } from "../ledger-head.ts";
import type { LedgerEdges, LedgerSource } from "../ledger-source.ts";
import { rangeOf } from "../log-range.ts";
import { exportFiles } from "./ledger-files.ts";

const OPTIONS = {
  ...ADMIN_OPTIONS,
  files: { type: "string" },
  from: { type: "string" },
  to: { type: "string" },
  since: { type: "string" },
} as const;

/** Runs `ledger export [--files DIR | [--from SEQ|TIME] [--to SEQ|TIME] [--since FILE]]`. */
export async function exportLedger(
  args: readonly string[],
  edges: LedgerEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  noWords(positionals);
  const { files, from, to, since } = values;
  const isPart = [from, to, since].some((value) => value !== undefined);
  if (files !== undefined && isPart) throw new Misuse("expected --files, or a part of the log: not both");
  const source = await edges.openLedger(adminOptionsOf(values));
  const opened = await openHead(source, edges);
  if (files !== undefined) return exportFiles({ source, opened, folder: files }, edges, terminal);
  if (!isPart) return exportWhole({ source, opened }, edges, terminal);
  const key = { name: opened.checkpoint.origin, spki: source.spki };
  const held = since === undefined ? undefined : await openHeld(since, key, edges);
  const { size } = opened.checkpoint;
  if (held !== undefined) refuseShorter(held, size);
  const range = await rangeOf({ from, to, otherwise: { start: held?.end ?? 0, end: size } }, source);
  return exportPart({ source, opened, range, held }, edges, terminal);
}

interface Exported {
  readonly source: LedgerSource;
  readonly opened: OpenedHead;
}

async function exportWhole(
  { source, opened }: Exported,
  edges: LedgerEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { note, checkpoint, key } = opened;
  const first = encodeExportHead({ v: 1, origin: checkpoint.origin, checkpoint: note, key });
  const lines = printed({ first, source, range: { start: 0, end: checkpoint.size } }, edges, terminal);
  await verifyExport(lines, { name: checkpoint.origin, spki: source.spki }, edges.primitives);
  terminal.err(`exported ${checkpoint.size} entries of ${checkpoint.origin}, all of them under its head\n`);
  return 0;
}

function refuseShorter({ checkpoint }: Held, size: number): void {
  if (checkpoint.size < 1)
    throw new Fault("ledger/malformed", "expected --since a head of one entry or more");
  if (checkpoint.size <= size) return;
  throw new Fault("ledger/inconsistent", "the broker's log is shorter than the head that is held already", {
    expected: checkpoint.size,
    received: size,
  });
}

interface ExportedPart extends Exported {
  readonly range: Range;
  readonly held: Held | undefined;
}

async function exportPart(part: ExportedPart, edges: LedgerEdges, terminal: Terminal): Promise<ExitStatus> {
  const { source, opened, range, held } = part;
  const { checkpoint } = opened;
  const lines = printed({ first: encodeExtractHead(await headOf(part)), source, range }, edges, terminal);
  const trusted = { name: checkpoint.origin, spki: source.spki };
  await verifyExtract(lines, { trusted, held }, edges.primitives);
  const continues = held === undefined ? "" : `, which continues the one of ${held.checkpoint.size}`;
  terminal.err(
    `exported entries ${range.start} to ${range.end - 1} of ${checkpoint.origin}, under its head of ${checkpoint.size}${continues}\n`,
  );
  return 0;
}

/** What the broker says of the place is of one tree, however the log grows meanwhile: that of the head. */
async function headOf({ source, opened, range, held }: ExportedPart): Promise<ExtractHead> {
  const { note, checkpoint, key } = opened;
  const { size } = checkpoint;
  const grownFrom = async (from: number): Promise<readonly string[]> =>
    from === size ? [] : (await source.consistency(from, size)).proof.map(base64Of);
  const { start, end } = range;
  return {
    v: 2,
    origin: checkpoint.origin,
    checkpoint: note,
    key,
    from: start,
    to: end,
    left: start === 0 ? [] : leftOf(start, size, (await source.inclusion(start, size)).proof),
    right: await grownFrom(end),
    ...(held && { since: { size: held.checkpoint.size, proof: await grownFrom(held.checkpoint.size) } }),
  };
}

interface Lines {
  readonly first: Uint8Array;
  readonly source: LedgerSource;
  readonly range: Range;
}

async function* printed(
  { first, source, range }: Lines,
  { primitives }: LedgerEdges,
  terminal: Terminal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const print = (line: Uint8Array): Uint8Array => {
    terminal.out(`${parseUtf8(line) ?? ""}\n`);
    return line;
  };
  yield print(first);
  for await (const leaf of leavesOf(source, { from: range.start, to: range.end })) {
    yield print(encodeExportLine(leaf, primitives.digest));
  }
}
