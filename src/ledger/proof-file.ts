/** Is one entry in a log, by a file and the log's key alone? A C2SP tlog-proof, whose extra data is the leaf. */
import { base64Of, parseBase64 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { type LedgerEntry, MAX_LEAF_BYTES, parseEntry } from "./entry.ts";
import { HASH_SIZE, leafHash, verifyInclusion } from "./merkle.ts";
import type { NoteKey } from "./note.ts";

/** The first line of a proof. */
export const PROOF_TITLE = "c2sp.org/tlog-proof@v1";

/** No proof of ours is longer: a leaf in base64, 64 hashes, a note. */
export const MAX_PROOF_CHARACTERS = 2 * MAX_LEAF_BYTES + 65_536;

export interface ProofFile {
  readonly seq: number;
  readonly leaf: Uint8Array;
  /** The leaf's sibling first. */
  readonly proof: readonly Uint8Array[];
  /** The signed head of the very tree that the proof leads to. */
  readonly checkpoint: string;
}

export function encodeProofFile({ seq, leaf, proof, checkpoint }: ProofFile): string {
  const lines = [PROOF_TITLE, `extra ${base64Of(leaf)}`, `index ${seq}`, ...proof.map(base64Of)];
  return `${lines.join("\n")}\n\n${checkpoint}`;
}

/** What a good proof was found to show. */
export interface VerifiedProof {
  /** The signed head, with whatever lines stand under it. */
  readonly note: string;
  readonly entry: LedgerEntry;
  readonly checkpoint: Checkpoint;
}

/**
 * Verifies a proof: the head's signature, the leaf in its place, and the hashes between them.
 *
 * @param text - Attacker-controlled.
 * @param key - The log's, from elsewhere.
 * @throws {@link Fault} `ledger/malformed` for what is no proof; `ledger/inconsistent` where the key did not sign the head, or
 *   the leaf is not under it.
 */
export async function verifyProofFile(
  text: string,
  key: NoteKey,
  primitives: Primitives,
): Promise<VerifiedProof> {
  const { seq, leaf, proof, checkpoint: note } = parseProofFile(text);
  const checkpoint = await openCheckpoint(note, { origin: key.name, spki: key.spki }, primitives);
  const entry = parseEntry(leaf);
  const { size, root } = checkpoint;
  const claim = { index: seq, size, root, proof, leafHash: leafHash(leaf, primitives.digest) };
  if (entry.seq === seq && verifyInclusion(claim, primitives.digest)) return { note, entry, checkpoint };
  throw new Fault("ledger/inconsistent", `expected the proof to show that entry ${seq} is under the head`, {
    entry: seq,
    place: `entry ${seq}`,
  });
}

const HEAD =
  /^extra (?<leaf>[A-Za-z0-9+/]+={0,2})\nindex (?<seq>0|[1-9]\d{0,15})(?<hashes>(?:\n[A-Za-z0-9+/]{43}=){0,64})$/;

function parseProofFile(text: string): ProofFile {
  const title = `${PROOF_TITLE}\n`;
  const end = text.indexOf("\n\n");
  const groups =
    text.length <= MAX_PROOF_CHARACTERS && text.startsWith(title)
      ? HEAD.exec(text.slice(title.length, end))?.groups
      : undefined;
  const leaf = parseBase64(groups?.["leaf"] ?? "");
  const seq = Number(groups?.["seq"]);
  const proof = (groups?.["hashes"] ?? "").split("\n").slice(1).map(parseBase64);
  const whole = proof.filter((hash) => hash?.length === HASH_SIZE).filter((hash) => hash !== undefined);
  if (leaf === undefined || !Number.isSafeInteger(seq) || whole.length !== proof.length) {
    throw new Fault("ledger/malformed", "expected a proof of title, leaf, index, hashes and checkpoint");
  }
  return { seq, leaf, proof: whole, checkpoint: text.slice(end + 2) };
}
