/** Which hashes make a proof? The ranges of leaves that RFC 9162 section 2.1 hashes for it, whoever has them and however. */
import { Fault } from "../base/fault.ts";

/** The leaves from `start` on, up to and without `end`: a subtree of the log, perfect or not. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * What is hashed to show that a leaf is in the tree (PATH of section 2.1.3.1), the leaf's sibling first.
 *
 * @throws {@link Fault} `internal/invariant` for an index that is not in the tree.
 */
export function inclusionRanges(index: number, size: number): readonly Range[] {
  if (!isPosition(index, size)) throw outside("an index");
  const ranges: Range[] = [];
  for (let tree: Range = { start: 0, end: size }; tree.end - tree.start > 1; ) {
    const [left, right] = halvesOf(tree);
    const isLeft = index < left.end;
    ranges.push(isLeft ? right : left);
    tree = isLeft ? left : right;
  }
  return ranges.reverse();
}

/**
 * What is hashed to show that a tree begins with the tree over its first `oldSize` leaves (PROOF of section 2.1.4.1). Nothing
 * where both are the same tree.
 *
 * @throws {@link Fault} `internal/invariant` for an old size of zero, which shows nothing, or one beyond the tree.
 */
export function consistencyRanges(oldSize: number, size: number): readonly Range[] {
  if (!isPosition(oldSize - 1, size)) throw outside("an old size");
  const ranges: Range[] = [];
  let tree: Range = { start: 0, end: size };
  while (oldSize < tree.end) {
    const [left, right] = halvesOf(tree);
    const isLeft = oldSize <= left.end;
    ranges.push(isLeft ? right : left);
    tree = isLeft ? left : right;
  }
  // The verifier has the old tree's own root already, and no other.
  return (tree.start === 0 ? ranges : [...ranges, tree]).reverse();
}

/** The perfect subtrees of a subtree, left to right. */
export function perfectRanges({ start, end }: Range): readonly Range[] {
  const ranges: Range[] = [];
  for (let at = start; at < end; ) {
    let size = 1;
    while (2 * size <= end - at) size *= 2;
    ranges.push({ start: at, end: at + size });
    at += size;
  }
  return ranges;
}

/** The left half of a subtree has the largest power of two below its size. */
function halvesOf({ start, end }: Range): readonly [Range, Range] {
  let size = 1;
  while (2 * size < end - start) size *= 2;
  return [
    { start, end: start + size },
    { start: start + size, end },
  ];
}

function isPosition(index: number, size: number): boolean {
  return Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size;
}

function outside(what: string): Fault {
  return new Fault("internal/invariant", `expected ${what} within the tree`);
}
