/** What does RFC 9162 say, read a second time? Roots, proofs and their checking as section 2.1 defines them, over node's own SHA-256. */
import { createHash } from "node:crypto";

/** MTH over leaf hashes, remembered by range: ten thousand leaves are asked for many times. */
export class ReferenceTree {
  readonly #hashes: readonly Buffer[];
  readonly #known = new Map<string, Buffer>();

  constructor(leaves: readonly Uint8Array[]) {
    this.#hashes = leaves.map((leaf) => sha256(Uint8Array.of(0), leaf));
  }

  root(start: number, end: number): Buffer {
    if (end === start) return sha256();
    const only = this.#hashes[start];
    if (end - start === 1 && only !== undefined) return only;
    const key = `${start}-${end}`;
    const split = start + powerBelow(end - start);
    const hash =
      this.#known.get(key) ?? sha256(Uint8Array.of(1), this.root(start, split), this.root(split, end));
    this.#known.set(key, hash);
    return hash;
  }

  /** PATH(m, D[start:end]). */
  path(m: number, start: number, end: number): readonly Buffer[] {
    if (end - start === 1) return [];
    const split = start + powerBelow(end - start);
    return m < split
      ? [...this.path(m, start, split), this.root(split, end)]
      : [...this.path(m, split, end), this.root(start, split)];
  }

  /** SUBPROOF(m, D[start:end], b). */
  subproof(m: number, start: number, end: number, isWhole = true): readonly Buffer[] {
    if (m === end) return isWhole ? [] : [this.root(start, end)];
    const split = start + powerBelow(end - start);
    return m <= split
      ? [...this.subproof(m, start, split, isWhole), this.root(split, end)]
      : [...this.subproof(m, split, end, false), this.root(start, split)];
  }
}

/** The root that a leaf and its proof make, by the steps of section 2.1.3.2. */
export function rootOfInclusion(leaf: Uint8Array, index: number, size: number, proof: readonly Uint8Array[]) {
  let [fn, sn] = [BigInt(index), BigInt(size - 1)];
  let r = sha256(Uint8Array.of(0), leaf);
  for (const p of proof) {
    if (sn === 0n) return undefined;
    if ((fn & 1n) === 1n || fn === sn) {
      r = sha256(Uint8Array.of(1), p, r);
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      r = sha256(Uint8Array.of(1), r, p);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n ? r : undefined;
}

function powerBelow(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const made = createHash("sha256");
  for (const part of parts) made.update(part);
  return made.digest();
}
