/** How are proofs about the ledger handed out? With all that it takes to check them but the key. */
import * as v from "valibot";
import { ANSWER, decode, encode } from "./codec.ts";
import { bytesField, bytesText, countField, fixedBytesField } from "./fields.ts";
import type { ConsistencyProof, InclusionProof } from "./ledger-messages.ts";

const MAX_LEAF_BYTES = 64 * 1024;
/** More than a log of 2^53 entries takes. */
const MAX_HASHES = 64;

const hash = fixedBytesField(32);
const hashes = v.pipe(v.array(hash), v.maxLength(MAX_HASHES));
/** A signed note. */
const checkpoint = v.pipe(v.string(), v.maxLength(65_536));

export const INCLUSION_PROOF = v.object({
  seq: countField(0),
  size: countField(1),
  root: hash,
  leaf: bytesField(1, MAX_LEAF_BYTES),
  proof: hashes,
  checkpoint,
});

export const CONSISTENCY_PROOF = v.object({
  from: countField(1),
  size: countField(1),
  fromRoot: hash,
  root: hash,
  proof: hashes,
  checkpoint,
});

export const COSIGNED_NOTES = v.object({ notes: v.array(checkpoint) });

export function encodeCosignedNotes(notes: readonly string[]): string {
  return encode({ notes: [...notes] });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeInclusionProof(bytes: Uint8Array): InclusionProof {
  return decode(INCLUSION_PROOF, bytes, ANSWER);
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeConsistencyProof(bytes: Uint8Array): ConsistencyProof {
  return decode(CONSISTENCY_PROOF, bytes, ANSWER);
}

export function encodeInclusionProof({
  seq,
  size,
  root,
  leaf,
  proof,
  checkpoint: note,
}: InclusionProof): string {
  return encode({
    seq,
    size,
    root: bytesText(root),
    leaf: bytesText(leaf),
    proof: proof.map(bytesText),
    checkpoint: note,
  });
}

export function encodeConsistencyProof(answer: ConsistencyProof): string {
  const { from, size, fromRoot, root, proof, checkpoint: note } = answer;
  return encode({
    from,
    size,
    fromRoot: bytesText(fromRoot),
    root: bytesText(root),
    proof: proof.map(bytesText),
    checkpoint: note,
  });
}
