/** Which trees does every runtime agree on? The published proofs, good and bad, and the definitions of RFC 9162 themselves. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, hexOf, parseBase64 } from "../../src/base/bytes.ts";
import type { Primitives } from "../../src/base/primitives.ts";
import {
  appendLeaf,
  emptyFrontier,
  frontierRoot,
  leafHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from "../../src/ledger/merkle.ts";
import { consistencyRanges, inclusionRanges, type Range } from "../../src/ledger/ranges.ts";

type Digest = Primitives["digest"];

/** What the runtime under test brings along. */
export interface MerkleSubject {
  readonly name: string;
  readonly digest: Digest;
  /** The published proofs: path below `crypto/` → text. Empty where the shared vectors are not there. */
  readonly published: Readonly<Record<string, string>>;
}

const PROOFS_OF_EACH_KIND = 98;

export function describeMerkle({ name, digest, published }: MerkleSubject): void {
  describe(`the Merkle tree on ${name}`, () => {
    describePublished("inclusion", published, (text) => judgeInclusion(text, digest));
    describePublished("consistency", published, (text) => judgeConsistency(text, digest));
    describeDefinitions(digest);
    describeOwnProofs(digest);
  });
}

function describePublished(
  kind: string,
  published: MerkleSubject["published"],
  judge: (text: string) => Judgement,
): void {
  const proofs = Object.entries(published).filter(([path]) => path.startsWith(`merkle/testdata/${kind}/`));
  const title = `judges every published ${kind} proof as its publisher does`;
  if (Object.keys(published).length === 0) {
    it.skip(`${title} (no ../shared/vectors here)`);
    return;
  }
  it(title, () => {
    expect(proofs.length).toBe(PROOFS_OF_EACH_KIND);
    for (const [path, text] of proofs) {
      const { isGood, isAccepted } = judge(text);
      expect(isAccepted, path).toBe(isGood);
    }
  });
}

interface Judgement {
  readonly isGood: boolean;
  readonly isAccepted: boolean;
}

function judgeInclusion(text: string, digest: Digest): Judgement {
  const published: PublishedInclusion = JSON.parse(text);
  const claim = {
    index: published.leafIdx,
    size: published.treeSize,
    root: bytes(published.root),
    leafHash: bytes(published.leafHash),
    proof: (published.proof ?? []).map(bytes),
  };
  return { isGood: !published.wantErr, isAccepted: verifyInclusion(claim, digest) };
}

function judgeConsistency(text: string, digest: Digest): Judgement {
  const published: PublishedConsistency = JSON.parse(text);
  const claim = {
    oldSize: published.size1,
    size: published.size2,
    oldRoot: bytes(published.root1),
    root: bytes(published.root2),
    proof: (published.proof ?? []).map(bytes),
  };
  return { isGood: !published.wantErr, isAccepted: verifyConsistency(claim, digest) };
}

function describeDefinitions(digest: Digest): void {
  describe("the definitions of RFC 9162 section 2.1", () => {
    const leaves = fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 40 });

    it("are met by root, frontier and proofs of every tree", () => {
      fc.assert(
        fc.property(leaves, (data) => {
          const hashes = data.map((leaf) => leafHash(leaf, digest));
          expect(hexOf(rootOf(hashes, digest))).toBe(hexOf(definedRoot(data, digest)));
          for (let index = 0; index < data.length; index += 1) {
            const proof = inclusionProof(hashes, index, digest);
            expect(proof.map(hexOf)).toEqual(definedPath(index, data, digest).map(hexOf));
          }
          for (let oldSize = 1; oldSize <= data.length; oldSize += 1) {
            const proof = consistencyProof(hashes, oldSize, digest);
            expect(proof.map(hexOf)).toEqual(definedSubproof(oldSize, data, true, digest).map(hexOf));
          }
        }),
        { numRuns: 40 },
      );
    });

    it("are met by a tree that grew one leaf at a time, at every size", () => {
      const data = Array.from({ length: 70 }, (_, i) => Uint8Array.of(i));
      let frontier = emptyFrontier();
      for (const [i, leaf] of data.entries()) {
        expect(hexOf(frontierRoot(frontier, digest))).toBe(hexOf(definedRoot(data.slice(0, i), digest)));
        const before = frontier;
        frontier = appendLeaf(frontier, leafHash(leaf, digest), digest);
        expect([before.size, frontier.size]).toEqual([i, i + 1]);
        expect(frontier.roots.length).toBe((i + 1).toString(2).replaceAll("0", "").length);
      }
    });
  });
}

function describeOwnProofs(digest: Digest): void {
  describe("a proof that was made here", () => {
    const hashes = Array.from({ length: 21 }, (_, i) => leafHash(Uint8Array.of(i), digest));

    it("shows its own leaf at its own index of its own tree, and nothing else", () => {
      const trees = hashes.map((_, last) => hashes.slice(0, last + 1));
      for (const tree of trees) {
        const root = rootOf(tree, digest);
        for (const index of tree.keys()) expectOnlyItself({ tree, index, root }, digest);
      }
    });

    it("shows that a log continues its own beginning, and no other one", () => {
      const root = rootOf(hashes, digest);
      for (let oldSize = 1; oldSize <= hashes.length; oldSize += 1) {
        const oldRoot = rootOf(hashes.slice(0, oldSize), digest);
        const proof = consistencyProof(hashes, oldSize, digest);
        const claim = { oldSize, size: hashes.length, oldRoot, root, proof };
        const forked = [...hashes.slice(0, oldSize - 1), leafHash(Uint8Array.of(99), digest)];
        expect(verifyConsistency(claim, digest)).toBe(true);
        expect(verifyConsistency({ ...claim, oldRoot: rootOf(forked, digest) }, digest)).toBe(false);
        expect(verifyConsistency({ ...claim, proof: [...proof, root] }, digest)).toBe(false);
        for (const at of proof.keys()) {
          const changed = proof.map((hash, i) => (i === at ? hash.map((byte) => byte ^ 1) : hash));
          expect(verifyConsistency({ ...claim, proof: changed }, digest)).toBe(false);
        }
      }
    });

    it("works at sizes that 32 bits cannot count", () => {
      // A log of 2^40 + 1 leaves: a perfect subtree that nobody has to build, and one leaf after it.
      const giant = leafHash(Uint8Array.of(1), digest);
      const leaf = leafHash(Uint8Array.of(2), digest);
      const size = 2 ** 40 + 1;
      const frontier = appendLeaf({ size: size - 1, roots: [giant] }, leaf, digest);
      const root = frontierRoot(frontier, digest);
      const claim = { index: size - 1, size, leafHash: leaf, proof: [giant], root };
      expect(verifyInclusion(claim, digest)).toBe(true);
      expect(verifyInclusion({ ...claim, index: 0 }, digest)).toBe(false);
      const consistency = { oldSize: size - 1, size, oldRoot: giant, root, proof: [leaf] };
      expect(verifyConsistency(consistency, digest)).toBe(true);
      expect(verifyConsistency({ ...consistency, oldSize: size - 2 }, digest)).toBe(false);
    });
  });
}

function expectOnlyItself(
  at: { readonly tree: readonly Uint8Array[]; readonly index: number; readonly root: Uint8Array },
  digest: Digest,
): void {
  const { tree, index, root } = at;
  const size = tree.length;
  const proof = inclusionProof(tree, index, digest);
  const claim = { index, size, leafHash: tree[index] ?? root, proof, root };
  expect(verifyInclusion(claim, digest)).toBe(true);
  for (const moved of [-1, index + 1, size + index, 0.5, Number.NaN]) {
    expect(verifyInclusion({ ...claim, index: moved }, digest), `leaf ${index} of ${size} at ${moved}`).toBe(
      false,
    );
  }
  expect(verifyInclusion({ ...claim, leafHash: root }, digest)).toBe(size === 1);
  expect(verifyInclusion({ ...claim, proof: [...proof, root] }, digest)).toBe(false);
  expect(proof.length > 0 && verifyInclusion({ ...claim, proof: proof.slice(1) }, digest)).toBe(false);
}

interface PublishedInclusion {
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly root: string;
  readonly leafHash: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

interface PublishedConsistency {
  readonly size1: number;
  readonly size2: number;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

function bytes(base64: string | null): Uint8Array {
  const parsed = parseBase64(base64 ?? "");
  if (parsed === undefined) throw new Error("the vector is not base64");
  return parsed;
}

function inclusionProof(hashes: readonly Uint8Array[], index: number, digest: Digest): readonly Uint8Array[] {
  return inclusionRanges(index, hashes.length).map((range) => hashOver(range, hashes, digest));
}

function consistencyProof(
  hashes: readonly Uint8Array[],
  oldSize: number,
  digest: Digest,
): readonly Uint8Array[] {
  return consistencyRanges(oldSize, hashes.length).map((range) => hashOver(range, hashes, digest));
}

function hashOver({ start, end }: Range, hashes: readonly Uint8Array[], digest: Digest): Uint8Array {
  return rootOf(hashes.slice(start, end), digest);
}

/** MTH. */
function definedRoot(data: readonly Uint8Array[], digest: Digest): Uint8Array {
  const [only] = data;
  if (only === undefined) return digest("sha256", new Uint8Array(0));
  if (data.length === 1) return digest("sha256", concatBytes(Uint8Array.of(0), only));
  const k = powerBelow(data.length);
  const halves = [definedRoot(data.slice(0, k), digest), definedRoot(data.slice(k), digest)];
  return digest("sha256", concatBytes(Uint8Array.of(1), ...halves));
}

/** PATH. */
function definedPath(m: number, data: readonly Uint8Array[], digest: Digest): readonly Uint8Array[] {
  if (data.length === 1) return [];
  const k = powerBelow(data.length);
  const [left, right] = [data.slice(0, k), data.slice(k)];
  return m < k
    ? [...definedPath(m, left, digest), definedRoot(right, digest)]
    : [...definedPath(m - k, right, digest), definedRoot(left, digest)];
}

/** SUBPROOF. */
function definedSubproof(
  m: number,
  data: readonly Uint8Array[],
  b: boolean,
  digest: Digest,
): readonly Uint8Array[] {
  if (m === data.length) return b ? [] : [definedRoot(data, digest)];
  const k = powerBelow(data.length);
  const [left, right] = [data.slice(0, k), data.slice(k)];
  return m <= k
    ? [...definedSubproof(m, left, b, digest), definedRoot(right, digest)]
    : [...definedSubproof(m - k, right, false, digest), definedRoot(left, digest)];
}

/** The largest power of two smaller than n. */
function powerBelow(n: number): number {
  return 2 ** Math.ceil(Math.log2(n) - 1);
}
