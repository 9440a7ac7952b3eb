/** Is this leaf in that log, and does that log continue this one? Growing and judging the Merkle tree of RFC 9162 section 2.1. */
import { concatBytes, equalBytes, u8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";

type Digest = Primitives["digest"];

export const HASH_SIZE = 32;
const LEAF = u8(0);
const NODE = u8(1);

/**
 * What a log needs to grow: the roots of its perfect subtrees, left to right. The sizes of those are the binary digits
 * of `size`.
 */
export interface Frontier {
  readonly size: number;
  readonly roots: readonly Uint8Array[];
}

/** The frontier of a log without leaves. */
export function emptyFrontier(): Frontier {
  return { size: 0, roots: [] };
}

/** The hash of a leaf: SHA-256(00 ‖ leaf). */
export function leafHash(leaf: Uint8Array, digest: Digest): Uint8Array {
  return digest("sha256", concatBytes(LEAF, leaf));
}

/** The frontier after one more leaf; the given one stays as it is. */
export function appendLeaf(frontier: Frontier, hash: Uint8Array, digest: Digest): Frontier {
  const roots = [...frontier.roots];
  let grown = hash;
  for (let rest = frontier.size; rest % 2 === 1; rest = half(rest)) {
    grown = nodeHash(popped(roots), grown, digest);
  }
  return { size: frontier.size + 1, roots: [...roots, grown] };
}

/** The root of the tree; SHA-256 of nothing for the empty one. */
export function frontierRoot(frontier: Frontier, digest: Digest): Uint8Array {
  const last = frontier.roots.at(-1);
  if (last === undefined) return digest("sha256", new Uint8Array(0));
  return frontier.roots.slice(0, -1).reduceRight((right, left) => nodeHash(left, right, digest), last);
}

/** The root over these leaf hashes. */
export function rootOf(hashes: readonly Uint8Array[], digest: Digest): Uint8Array {
  return frontierRoot(
    hashes.reduce((frontier, hash) => appendLeaf(frontier, hash, digest), emptyFrontier()),
    digest,
  );
}

export interface Inclusion {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** Whether the proof shows that this leaf stands at this index of the tree with this root (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(claim: Inclusion, digest: Digest): boolean {
  const { index, size, proof, root } = claim;
  if (!isPosition(index, size) || ![claim.leafHash, root, ...proof].every(isHash)) return false;
  const sides = sidesOf(index, size - 1);
  if (sides.length !== proof.length) return false;
  const rebuilt = proof.reduce(
    (hash, sibling, at) =>
      sides[at] === "left" ? nodeHash(sibling, hash, digest) : nodeHash(hash, sibling, digest),
    claim.leafHash,
  );
  return equalBytes(rebuilt, root);
}

export interface Consistency {
  readonly oldSize: number;
  readonly size: number;
  readonly oldRoot: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * Whether the proof shows that the larger log begins with the smaller one (RFC 9162 section 2.1.4.2). An empty old log is
 * never shown to be anything.
 */
export function verifyConsistency(claim: Consistency, digest: Digest): boolean {
  const { oldSize, size, oldRoot, root, proof } = claim;
  if (!isPosition(oldSize - 1, size)) return false;
  if (oldSize === size) return proof.length === 0 && equalBytes(oldRoot, root);
  if (![oldRoot, root, ...proof].every(isHash)) return false;
  const rebuilt = rebuildRoots(claim, digest);
  return rebuilt !== undefined && equalBytes(rebuilt.oldRoot, oldRoot) && equalBytes(rebuilt.root, root);
}

/** Both roots as the proof makes them; `undefined` for a proof of the wrong length. */
function rebuildRoots(
  { oldSize, size, oldRoot, proof }: Consistency,
  digest: Digest,
): { readonly oldRoot: Uint8Array; readonly root: Uint8Array } | undefined {
  let node = oldSize - 1;
  let last = size - 1;
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  // A perfect old tree is its own first hash.
  const [first, ...siblings] = node === 0 ? [oldRoot, ...proof] : proof;
  const sides = sidesOf(node, last);
  if (first === undefined || sides.length !== siblings.length) return undefined;
  return siblings.reduce(
    (made, sibling, at) =>
      sides[at] === "left"
        ? { oldRoot: nodeHash(sibling, made.oldRoot, digest), root: nodeHash(sibling, made.root, digest) }
        : { oldRoot: made.oldRoot, root: nodeHash(made.root, sibling, digest) },
    { oldRoot: first, root: first },
  );
}

/** On which side of the way up from a node each sibling stands; `last` is the rightmost node of its level. */
function sidesOf(node: number, last: number): readonly ("left" | "right")[] {
  const sides: ("left" | "right")[] = [];
  let [at, end] = [node, last];
  while (end > 0) {
    const isRightmost = at === end;
    sides.push(at % 2 === 1 || isRightmost ? "left" : "right");
    // A rightmost node without a sibling rises until it has one on its left.
    while (isRightmost && at % 2 === 0) [at, end] = [half(at), half(end)];
    [at, end] = [half(at), half(end)];
  }
  return sides;
}

/** The hash of an inner node: SHA-256(01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array, digest: Digest): Uint8Array {
  return digest("sha256", concatBytes(NODE, left, right));
}

/** Sizes reach 2^53, beyond what `>>` can shift. */
function half(value: number): number {
  return Math.floor(value / 2);
}

function isPosition(index: number, size: number): boolean {
  return Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size;
}

function isHash(hash: Uint8Array): boolean {
  return hash.length === HASH_SIZE;
}

function popped(roots: Uint8Array[]): Uint8Array {
  const root = roots.pop();
  if (root === undefined)
    throw new Fault("internal/invariant", "a frontier has a root for each binary digit of its size");
  return root;
}
