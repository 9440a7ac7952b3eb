/** Which policies and guards speak about a resource? Found by walking its segments, so that a thousand cost what is in scope. */
import { parseResource } from "../patterns.ts";
import type { Declaration, Pattern } from "../program.ts";

interface Node<T> {
  readonly children: Map<string, Node<T>>;
  /** Patterns of any one segment here. */
  any: Node<T> | undefined;
  readonly exact: Ranked<T>[];
  /** Patterns that end in `**` here: one or more further segments. */
  readonly open: Ranked<T>[];
}

interface Ranked<T> {
  readonly rank: number;
  readonly value: T;
}

const ANY = "*";

/**
 * Makes the look-up. It answers each declaration once, in the order of `declarations`. Nothing speaks about a resource that is
 * not in normal form: `**` must not stand for `..` or for an empty segment.
 */
export function createScopeIndex<T extends { readonly declaration: Declaration }>(
  declarations: readonly T[],
): (resource: string) => readonly T[] {
  const root = emptyNode<T>();
  for (const [rank, value] of declarations.entries()) {
    for (const pattern of value.declaration.patterns) insert(root, pattern, { rank, value });
  }
  return (resource) => {
    const segments = parseResource(resource);
    if (segments === undefined) return [];
    const found: Ranked<T>[] = [];
    collect(root, { segments, found }, 0);
    return inOrder(found);
  };
}

function emptyNode<T>(): Node<T> {
  return { children: new Map(), any: undefined, exact: [], open: [] };
}

function insert<T>(root: Node<T>, { segments, isOpen }: Pattern, one: Ranked<T>): void {
  let node = root;
  for (const segment of segments) node = segment === ANY ? anyChildOf(node) : childOf(node, segment);
  (isOpen ? node.open : node.exact).push(one);
}

function anyChildOf<T>(node: Node<T>): Node<T> {
  node.any ??= emptyNode<T>();
  return node.any;
}

function childOf<T>(node: Node<T>, segment: string): Node<T> {
  const child = node.children.get(segment) ?? emptyNode<T>();
  node.children.set(segment, child);
  return child;
}

interface Walk<T> {
  readonly segments: readonly string[];
  readonly found: Ranked<T>[];
}

/** A segment of a resource is never `*`: it is not in normal form. */
function collect<T>(node: Node<T>, walk: Walk<T>, depth: number): void {
  const segment = walk.segments[depth];
  if (segment === undefined) {
    for (const one of node.exact) walk.found.push(one);
    return;
  }
  for (const one of node.open) walk.found.push(one);
  const child = node.children.get(segment);
  if (child !== undefined) collect(child, walk, depth + 1);
  if (node.any !== undefined) collect(node.any, walk, depth + 1);
}

/** By rank, each once: two patterns of one declaration may match. */
function inOrder<T>(found: Ranked<T>[]): readonly T[] {
  if (found.length > FEW) found.sort((a, b) => a.rank - b.rank);
  else insertionSort(found);
  const values: T[] = [];
  let last = -1;
  for (const { rank, value } of found) {
    if (rank !== last) values.push(value);
    last = rank;
  }
  return values;
}

/** So few that sorting them by hand is quicker than asking for it. */
const FEW = 16;

function insertionSort<T>(found: Ranked<T>[]): void {
  for (let end = 1; end < found.length; end += 1) {
    const one = found[end];
    if (one === undefined) return;
    let at = end;
    for (let before = found[at - 1]; before !== undefined && before.rank > one.rank; before = found[at - 1]) {
      found[at] = before;
      at -= 1;
    }
    found[at] = one;
  }
}
