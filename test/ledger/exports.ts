/** An exported log under a key of the test's own. */
import { utf8 } from "../../src/base/bytes.ts";
import { signCheckpoint } from "../../src/ledger/checkpoint.ts";
import { encodeEntry, type LedgerEntry } from "../../src/ledger/entry.ts";
import { encodeExportHead, encodeExportLine } from "../../src/ledger/export.ts";
import { leafHash, rootOf } from "../../src/ledger/merkle.ts";
import { type NoteKey, verifierKeyOf } from "../../src/ledger/note.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";

export const ORIGIN = "broker.example/c/0001";
const SIGNER = createEd25519Signer("ledger-1", generateEd25519Pem());
const { digest } = nodePrimitives;

export const KEY: NoteKey = { name: ORIGIN, spki: SIGNER.spki };
export const VERIFIER_KEY = verifierKeyOf(KEY, digest);

/** The signed head over these entries, under another origin where one is given. */
export function noteOver(entries: readonly LedgerEntry[], origin = ORIGIN): Promise<string> {
  const root = rootOf(
    entries.map((entry) => leafHash(encodeEntry(entry), digest)),
    digest,
  );
  return signCheckpoint({ origin, size: entries.length, root }, SIGNER, nodePrimitives);
}

/** The lines of an export. */
export async function exportOf(entries: readonly LedgerEntry[]): Promise<readonly string[]> {
  return [headLine(await noteOver(entries)), ...entries.map(lineOf)];
}

export function headLine(checkpoint: string, key = VERIFIER_KEY): string {
  return textOf(encodeExportHead({ v: 1, origin: ORIGIN, checkpoint, key }));
}

/** The line of an entry, with the hash that it has. */
export function lineOf(entry: LedgerEntry): string {
  return textOf(encodeExportLine(encodeEntry(entry), digest));
}

/** A file's lines as bytes. */
export async function* linesAsBytes(lines: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const line of lines) yield utf8(line);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
