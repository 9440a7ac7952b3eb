/** Which policies and guards speak about a resource? Found by walking its segments, so that a thousand cost what is in scope. */
import { parseResource } from "../patterns.ts";
import type { Declaration, Pattern } from "../program.ts";

interface Node<T> {
  readonly children: Map<string, Node<T>>;
  readonly exact: T[];
  /** Patterns that end in `**` here: one or more further segments. */
  readonly open: T[];
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
  const rank = new Map(declarations.map((one, index) => [one, index]));
  for (const one of declarations) {
    for (const pattern of one.declaration.patterns) insert(root, pattern, one);
  }
  return (resource) => {
    const segments = parseResource(resource);
    if (segments === undefined) return [];
    const found = new Set<T>();
    collect(root, segments, found);
    return [...found].sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
  };
}

function emptyNode<T>(): Node<T> {
  return { children: new Map(), exact: [], open: [] };
}

function insert<T>(root: Node<T>, { segments, isOpen }: Pattern, value: T): void {
  let node = root;
  for (const segment of segments) {
    const child = node.children.get(segment) ?? emptyNode<T>();
    node.children.set(segment, child);
    node = child;
  }
  (isOpen ? node.open : node.exact).push(value);
}

function collect<T>(node: Node<T>, [first, ...rest]: readonly string[], found: Set<T>): void {
  if (first === undefined) {
    for (const value of node.exact) found.add(value);
    return;
  }
  for (const value of node.open) found.add(value);
  for (const key of first === ANY ? [ANY] : [first, ANY]) {
    const child = node.children.get(key);
    if (child !== undefined) collect(child, rest, found);
  }
}
