/** `ledger verify`: is an exported log whole and untouched? No broker is asked. */
import { hexOf, parseUtf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { type Fault, isFault } from "../../base/fault.ts";
import { MAX_EXPORT_LINE_BYTES, type VerifiedExport, verifyExport } from "../../ledger/export.ts";
import { type NoteKey, parseVerifierKey, verifierKeyOf } from "../../ledger/note.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import type { ExitStatus, Terminal } from "../command.ts";
import type { LedgerEdges } from "../ledger-source.ts";
import { linesOf } from "../lines.ts";

const MAX_KEY_BYTES = 4096;

/** Runs `ledger verify FILE [--key VKEY|FILE] [--json]`. */
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
    const lines = linesOf(edges.readPieces(path), MAX_EXPORT_LINE_BYTES);
    const verified = await verifyExport(lines, trusted, edges.primitives);
    terminal.out(isJson ? jsonOf(verified, trusted, edges) : textOf(verified, trusted, edges));
    return 0;
  } catch (thrown) {
    if (!isFault(thrown, "ledger/inconsistent") || !isJson) throw thrown;
    terminal.out(`${canonicalJson(refusalOf(thrown))}\n`);
    return 1;
  }
}

/** A verifier key is recognised by its form; anything else is a file that holds one. */
async function keyOf(given: string, edges: LedgerEdges, terminal: Terminal): Promise<NoteKey> {
  const { digest } = edges.primitives;
  if (/^[^+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/.test(given)) return parseVerifierKey(given, digest);
  const text = parseUtf8(await terminal.readFile(given, MAX_KEY_BYTES)) ?? "";
  return parseVerifierKey(text.trim(), digest);
}

function jsonOf(verified: VerifiedExport, trusted: NoteKey | undefined, edges: LedgerEdges): string {
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

function textOf(verified: VerifiedExport, trusted: NoteKey | undefined, edges: LedgerEdges): string {
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
