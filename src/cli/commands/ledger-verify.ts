/** `ledger verify`: is an exported log whole and untouched, or an entry with its proof in the log? No broker is asked. */
import { hexOf, parseUtf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault, isFault } from "../../base/fault.ts";
import { MAX_EXPORT_LINE_BYTES, type VerifiedExport, verifyExport } from "../../ledger/export.ts";
import { type NoteKey, verifierKeyOf } from "../../ledger/note.ts";
import {
  MAX_PROOF_CHARACTERS,
  PROOF_TITLE,
  type VerifiedProof,
  verifyProofFile,
} from "../../ledger/proof-file.ts";
import { openPublishedLog, type ReadLogFile, verifyPublishedLog } from "../../ledger/published-log.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { keyOf } from "../ledger-key.ts";
import type { LedgerEdges } from "../ledger-source.ts";
import { linesOf } from "../lines.ts";

/** Runs `ledger verify FILE|DIR|URL [--key VKEY|FILE] [--json]`. */
export async function verifyLedger(
  args: readonly string[],
  edges: LedgerEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    key: { type: "string" },
    json: { type: "boolean" },
  });
  const path = oneWord(positionals, "FILE");
  const isJson = values.json === true;
  const trusted = values.key === undefined ? undefined : await keyOf(values.key, edges, terminal);
  try {
    terminal.out(await verdictOn(path, { trusted, isJson }, edges));
    return 0;
  } catch (thrown) {
    if (!isFault(thrown, "ledger/inconsistent") || !isJson) throw thrown;
    terminal.out(`${canonicalJson(refusalOf(thrown))}\n`);
    return 1;
  }
}

interface Asked {
  readonly trusted: NoteKey | undefined;
  readonly isJson: boolean;
}

/** A folder or an address is a log in files; of a file the first line tells what it is. */
async function verdictOn(path: string, { trusted, isJson }: Asked, edges: LedgerEdges): Promise<string> {
  const read = await edges.openLog(path);
  if (read !== undefined) return verdictOnFiles(read, { trusted, isJson }, edges);
  const lines = linesOf(edges.readPieces(path), MAX_EXPORT_LINE_BYTES);
  const first = await lines.next();
  if (first.done !== true && parseUtf8(first.value) === PROOF_TITLE) {
    if (trusted === undefined) throw new Misuse("expected --key: a proof says nothing of whose log it is");
    const verified = await verifyProofFile(await proofOf(lines), trusted, edges.primitives);
    return isJson ? jsonOfProof(verified, trusted, edges) : textOfProof(verified, trusted, edges);
  }
  const whole = first.done === true ? lines : prefixed(first.value, lines);
  const verified = await verifyExport(whole, trusted, edges.primitives);
  return isJson ? jsonOf(verified, trusted, edges) : textOf(verified, trusted, edges);
}

async function verdictOnFiles(
  read: ReadLogFile,
  { trusted, isJson }: Asked,
  { primitives }: LedgerEdges,
): Promise<string> {
  if (trusted === undefined) throw new Misuse("expected --key: files of a log do not say whose it is");
  const log = await openPublishedLog(read, trusted, primitives);
  const counts = await verifyPublishedLog(log, primitives);
  const verified = { checkpoint: log.checkpoint, key: trusted, counts };
  return isJson ? jsonOf(verified, trusted, { primitives }) : textOf(verified, trusted, { primitives });
}

async function proofOf(rest: AsyncIterable<Uint8Array>): Promise<string> {
  const lines = [PROOF_TITLE];
  let size = PROOF_TITLE.length;
  for await (const line of rest) {
    size += line.length + 1;
    if (size > MAX_PROOF_CHARACTERS) throw new Fault("ledger/malformed", "expected a proof of one entry");
    lines.push(parseUtf8(line) ?? "\0");
  }
  return `${lines.join("\n")}\n`;
}

async function* prefixed(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield first;
  yield* rest;
}

function jsonOfProof(
  { entry, checkpoint }: VerifiedProof,
  key: NoteKey,
  edges: Pick<LedgerEdges, "primitives">,
): string {
  const { origin, size, root } = checkpoint;
  const vkey = verifierKeyOf(key, edges.primitives.digest);
  return `${canonicalJson({ verified: true, origin, size, root: hexOf(root), key: vkey, entry })}\n`;
}

function textOfProof(
  { entry, checkpoint }: VerifiedProof,
  key: NoteKey,
  edges: Pick<LedgerEdges, "primitives">,
): string {
  const lines = [
    `verified: entry ${entry.seq} of ${checkpoint.origin}, under a head of ${checkpoint.size} entries`,
    `  root            ${hexOf(checkpoint.root)}`,
    `  key             ${verifierKeyOf(key, edges.primitives.digest)}`,
    JSON.stringify(entry, null, 2),
  ];
  return `${lines.join("\n")}\n`;
}

function jsonOf(
  verified: VerifiedExport,
  trusted: NoteKey | undefined,
  edges: Pick<LedgerEdges, "primitives">,
): string {
  const { checkpoint, counts, key } = verified;
  const facts = {
    verified: true,
    origin: checkpoint.origin,
    size: checkpoint.size,
    root: hexOf(checkpoint.root),
    key: verifierKeyOf(key, edges.primitives.digest),
    keyFrom: trusted === undefined ? "export" : "argument",
    entries: { ...counts },
  };
  return `${canonicalJson(facts)}\n`;
}

function textOf(
  verified: VerifiedExport,
  trusted: NoteKey | undefined,
  edges: Pick<LedgerEdges, "primitives">,
): string {
  const { checkpoint, counts, key } = verified;
  const lines = [
    `verified: ${checkpoint.size} entries of ${checkpoint.origin}, none cut out, none changed`,
    `  decisions       ${counts.allowed} allowed, ${counts.denied} denied`,
    `  release-failed  ${counts.releaseFailed}`,
    `  admin           ${counts.admin}`,
    `  epoch           ${counts.epoch}`,
    `  root            ${hexOf(checkpoint.root)}`,
    `  key             ${verifierKeyOf(key, edges.primitives.digest)}`,
  ];
  const caution =
    "\nThe key was taken from the export itself. Compare it with the one that `ostiary ledger head` printed, or give that one with --key.\n";
  return `${lines.join("\n")}\n${trusted === undefined ? caution : ""}`;
}

function refusalOf(fault: Fault) {
  const { entry, place } = fault.detail;
  return {
    verified: false,
    code: fault.code,
    entry: entry ?? null,
    place: place ?? "checkpoint",
    reason: fault.message,
  };
}
