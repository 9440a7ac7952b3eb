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
    walk.found.push(...node.exact);
    return;
  }
  walk.found.push(...node.open);
  const child = node.children.get(segment);
  if (child !== undefined) collect(child, walk, depth + 1);
  if (node.any !== undefined) collect(node.any, walk, depth + 1);
}

/** By rank, each once: two patterns of one declaration may match. */
function inOrder<T>(found: Ranked<T>[]): readonly T[] {
  if (found.length > 1) found.sort((a, b) => a.rank - b.rank);
  return found.filter(({ rank }, i) => rank !== found[i - 1]?.rank).map(({ value }) => value);
}
