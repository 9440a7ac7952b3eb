/** `ledger verify`: is an exported log whole and untouched, or an entry with its proof in the log? No broker is asked. */
import { hexOf, parseUtf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault, isFault } from "../../base/fault.ts";
import { openCosignature } from "../../ledger/cosignature.ts";
import { MAX_EXPORT_LINE_BYTES, verifyExport } from "../../ledger/export.ts";
import { extractHeadIn, type Held } from "../../ledger/extract.ts";
import { type NoteKey, parseVerifierKey, verifierKeyOf } from "../../ledger/note.ts";
import {
  MAX_PROOF_CHARACTERS,
  PROOF_TITLE,
  type VerifiedProof,
  verifyProofFile,
} from "../../ledger/proof-file.ts";
import { openPublishedLog, type ReadLogFile, verifyPublishedLog } from "../../ledger/published-log.ts";
import { noWords, oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { openHeld } from "../held-log.ts";
import { keyOf } from "../ledger-key.ts";
import type { LedgerEdges } from "../ledger-source.ts";
import { jsonOf, textOf, verdictOnExtract } from "../ledger-verdict.ts";
import { linesOf } from "../lines.ts";

/** Runs `ledger verify FILE|DIR|URL [--key VKEY|FILE] [--since FILE] [--json]`. */
export async function verifyLedger(
  args: readonly string[],
  edges: LedgerEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    key: { type: "string" },
    receipt: { type: "string" },
    witness: { type: "string", multiple: true },
    since: { type: "string" },
    json: { type: "boolean" },
  });
  const path = values.receipt ?? oneWord(positionals, "FILE");
  if (values.receipt !== undefined) noWords(positionals);
  const isJson = values.json === true;
  const isReceipt = values.receipt !== undefined;
  const { digest } = edges.primitives;
  const witnesses = (values.witness ?? []).map((text) => parseVerifierKey(text, digest, "cosignature"));
  const trusted = values.key === undefined ? undefined : await keyOf(values.key, edges, terminal);
  const held = values.since === undefined ? undefined : await heldBy(values.since, trusted, edges);
  try {
    terminal.out(await verdictOn(path, { trusted, isJson, isReceipt, witnesses, held }, edges));
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
  /** Whether nothing but what a guest keeps of a release will do. */
  readonly isReceipt: boolean;
  /** Who has to have cosigned the head of a proof. */
  readonly witnesses: readonly NoteKey[];
  /** What the auditor has of the log already. */
  readonly held: Held | undefined;
}

async function heldBy(path: string, trusted: NoteKey | undefined, edges: LedgerEdges): Promise<Held> {
  if (trusted === undefined) throw new Misuse("expected --key: a head that is held is one of a key");
  return openHeld(path, trusted, edges);
}

/** A folder or an address is a log in files; of a file the first line tells what it is. */
async function verdictOn(path: string, asked: Asked, edges: LedgerEdges): Promise<string> {
  const read = await edges.openLog(path);
  if (read !== undefined) return verdictOnFiles(read, notSince(onlyLog(asked)), edges);
  const lines = linesOf(edges.readPieces(path), MAX_EXPORT_LINE_BYTES);
  const first = await lines.next();
  if (first.done !== true && parseUtf8(first.value) === PROOF_TITLE) {
    return verdictOnProof(await proofOf(lines), notSince(asked), edges);
  }
  const { trusted, isJson, held } = onlyLog(asked);
  const whole = first.done === true ? lines : prefixed(first.value, lines);
  if (first.done !== true && extractHeadIn(first.value) !== undefined) {
    return verdictOnExtract(whole, { trusted, isJson, held }, edges);
  }
  const verified = await verifyExport(whole, trusted, edges.primitives, held?.checkpoint);
  return isJson ? jsonOf(verified, trusted, edges) : textOf(verified, trusted, edges);
}

function notSince(asked: Asked): Asked {
  if (asked.held === undefined) return asked;
  throw new Misuse("expected --since with an export only: `ledger compare` takes logs in files");
}

/** What is said of one entry, a whole log cannot answer. */
function onlyLog(asked: Asked): Asked {
  if (asked.isReceipt)
    throw new Fault("ledger/malformed", "expected a receipt, received no proof of one entry");
  if (asked.witnesses.length > 0) throw new Misuse("expected --witness with a proof or a receipt only");
  return asked;
}

async function verdictOnProof(text: string, asked: Asked, edges: LedgerEdges): Promise<string> {
  const { trusted, isJson, isReceipt, witnesses } = asked;
  if (trusted === undefined) throw new Misuse("expected --key: a proof says nothing of whose log it is");
  const verified = await verifyProofFile(text, trusted, edges.primitives);
  const { entry, note } = verified;
  for (const witness of witnesses) await openCosignature(note, witness, edges.primitives); // in order: few
  if (isReceipt && (entry.kind !== "decision" || entry.outcome !== "allow")) {
    throw new Fault("ledger/inconsistent", `expected the receipt of a release: entry ${entry.seq} is none`, {
      entry: entry.seq,
      place: `entry ${entry.seq}`,
    });
  }
  return isJson ? jsonOfProof(verified, trusted, edges) : textOfProof(verified, trusted, edges);
}

async function verdictOnFiles(
  read: ReadLogFile,
  { trusted, isJson }: Pick<Asked, "trusted" | "isJson">,
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
