/** Who says so? C2SP signed notes: a text, a blank line, and one Ed25519 signature line per signer. */
import { base64Of, concatBytes, equalBytes, hexOf, parseBase64, u8, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import { bareKeyOf, spkiOf } from "../base/spki.ts";

type Digest = Primitives["digest"];

/** A key that signs notes, under the name that its lines carry. */
export interface NoteKey {
  readonly name: string;
  /** DER SubjectPublicKeyInfo of an Ed25519 key. */
  readonly spki: Uint8Array;
}

/** What a key signs, as its id has it: the text of a note, or a note with a time (C2SP tlog-cosignature). */
export type NoteKeyUse = "note" | "cosignature";

const USES: Readonly<Record<NoteKeyUse, Uint8Array>> = { note: u8(1), cosignature: u8(4) };
const KEY_ID_SIZE = 4;
const NAME = /^[^\s+\p{Cc}]+$/u;
/** An em dash, a name, and base64 of key id and signature. */
const SIGNATURE_LINE = /^\u2014 (?<name>[^\s+]+) (?<signature>[A-Za-z0-9+/]+={0,2})$/u;
const MAX_NOTE_CHARACTERS = 65_536;
const MAX_SIGNATURES = 100;

/**
 * Signs a text.
 *
 * @param text - Whole lines, the last one ended too.
 * @returns The note: the text, a blank line, the signature line.
 * @throws {@link Fault} `internal/invariant` for a text, name or signer that no note can have.
 */
export async function signNote(text: string, name: string, by: NoteSigner): Promise<string> {
  if (by.signer.algorithm !== "Ed25519" || !isNoteText(text)) {
    throw new Fault("internal/invariant", "a note is whole lines of text under an Ed25519 key");
  }
  const signature = await by.signer.sign(utf8(text));
  return `${text}\n${signatureLine({ name, spki: by.signer.spki }, "note", signature, by.digest)}`;
}

/** One signature of a note, with its end. @throws {@link Fault} `internal/invariant`. */
export function signatureLine(key: NoteKey, use: NoteKeyUse, signature: Uint8Array, digest: Digest): string {
  return `\u2014 ${key.name} ${base64Of(concatBytes(keyIdOf(key, use, digest), signature))}\n`;
}

export interface NoteSigner {
  readonly signer: Signer;
  readonly digest: Digest;
}

/**
 * Opens a note under a key that is known beforehand. Lines of other keys are read and disregarded.
 *
 * @returns The text that this key signed.
 * @throws {@link Fault} `ledger/malformed` for what is no note, or has two lines of the key; `ledger/inconsistent` where
 *   the key did not sign it.
 */
export async function openNote(note: string, key: NoteKey, primitives: Primitives): Promise<string> {
  const { text, signature } = signatureIn(note, key, "note", primitives.digest);
  if (!(await primitives.verify("ed25519", key.spki, utf8(text), signature))) {
    throw unsigned("a good signature of the expected key");
  }
  return text;
}

/**
 * The text of a note, and the bytes that stand in the one line of a key, which nobody has verified yet.
 *
 * @throws {@link Fault} as {@link openNote}.
 */
export function signatureIn(
  note: string,
  key: NoteKey,
  use: NoteKeyUse,
  digest: Digest,
): { readonly text: string; readonly signature: Uint8Array } {
  const { text, lines } = partsOf(note);
  const id = keyIdOf(key, use, digest);
  const own = lines
    .map(parseSignatureLine)
    .filter((line) => line.name === key.name && equalBytes(line.id, id));
  const [line] = own;
  if (line === undefined) throw unsigned("a line of the expected key");
  if (own.length > 1) throw malformed("one line of each key");
  return { text, signature: line.signature };
}

/** The key as text, `name+hash+base64`: what an auditor keeps. @throws {@link Fault} `internal/invariant`. */
export function verifierKeyOf(key: NoteKey, digest: Digest, use: NoteKeyUse = "note"): string {
  return `${key.name}+${hexOf(keyIdOf(key, use, digest))}+${base64Of(concatBytes(USES[use], bareOf(key)))}`;
}

/** Reads what {@link verifierKeyOf} writes. @throws {@link Fault} `ledger/malformed`. */
export function parseVerifierKey(text: string, digest: Digest, use: NoteKeyUse = "note"): NoteKey {
  const match = /^(?<name>[^\s+]+)\+(?<id>[0-9a-f]{8})\+(?<key>[A-Za-z0-9+/]+={0,2})$/u.exec(text);
  const bytes = parseBase64(match?.groups?.["key"] ?? "");
  const name = match?.groups?.["name"] ?? "";
  if (bytes?.length !== 33 || bytes[0] !== USES[use][0] || !NAME.test(name)) {
    throw malformed("a verifier key `name+hash+base64` of an Ed25519 key");
  }
  const key = { name, spki: spkiOf("ed25519", bytes.slice(1)) };
  if (hexOf(keyIdOf(key, use, digest)) !== match?.groups?.["id"])
    throw malformed("a verifier key with its own hash");
  return key;
}

/** The first four bytes of SHA-256(name ‖ LF ‖ use ‖ key). */
function keyIdOf(key: NoteKey, use: NoteKeyUse, digest: Digest): Uint8Array {
  if (!NAME.test(key.name)) {
    throw new Fault("internal/invariant", "a key name has neither space nor plus", { name: key.name });
  }
  return digest("sha256", concatBytes(utf8(`${key.name}\n`), USES[use], bareOf(key))).slice(0, KEY_ID_SIZE);
}

function bareOf(key: NoteKey): Uint8Array {
  const bare = bareKeyOf("ed25519", key.spki);
  if (bare === undefined) throw new Fault("internal/invariant", "a note is signed by an Ed25519 key");
  return bare;
}

function partsOf(note: string): { readonly text: string; readonly lines: readonly string[] } {
  if (note.length > MAX_NOTE_CHARACTERS || !note.isWellFormed())
    throw malformed("well-formed text of bounded size");
  const blank = note.lastIndexOf("\n\n");
  const text = note.slice(0, blank + 1);
  if (blank < 0 || !isNoteText(text) || !note.endsWith("\n"))
    throw malformed("whole lines, a blank one among them");
  const lines = note.slice(blank + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw malformed(`at most ${MAX_SIGNATURES} signatures`);
  return { text, lines };
}

function parseSignatureLine(line: string) {
  const groups = SIGNATURE_LINE.exec(line)?.groups;
  const bytes = parseBase64(groups?.["signature"] ?? "");
  const name = groups?.["name"];
  if (name === undefined || bytes === undefined || bytes.length <= KEY_ID_SIZE)
    throw malformed("signature lines");
  return { name, id: bytes.slice(0, KEY_ID_SIZE), signature: bytes.slice(KEY_ID_SIZE) };
}

/** Well-formed whole lines without control characters. */
function isNoteText(text: string): boolean {
  return text.isWellFormed() && text.endsWith("\n") && text !== "\n" && !/[^\P{Cc}\n]/u.test(text);
}

function malformed(expected: string): Fault {
  return new Fault("ledger/malformed", `expected a signed note of ${expected}`);
}

function unsigned(expected: string): Fault {
  return new Fault("ledger/inconsistent", `expected ${expected}`);
}
