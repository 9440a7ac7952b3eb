/** Which kinds of resource do patterns tell apart? One cell for each set of patterns that some path matches. */
import { parseResource } from "../patterns.ts";
import type { Pattern } from "../program.ts";
import { type Axis, runsOf } from "./axis.ts";
import type { Dimension } from "./dimension.ts";

/** One kind of resource: the patterns that match it, and its shortest example. */
interface ResourceClass {
  readonly path: string;
  /** The path as it may be shown: segments that any name could take are `(any)`. */
  readonly shown: string;
  readonly patterns: ReadonlySet<string>;
}

/** A step of the walk over all patterns at once. */
interface Walk {
  readonly nodes: readonly TrieNode[];
  readonly matched: ReadonlySet<string>;
  readonly path: readonly string[];
  readonly shown: readonly string[];
}

interface TrieNode {
  readonly children: Map<string, TrieNode>;
  readonly exact: string[];
  readonly open: string[];
}

const ANY = "*";
const MAX_SEGMENTS = 16;
const MAX_BYTES = 512;
const NAMES = "abcdefghijklmnopqrstuvwxyz0123456789";

export function patternText({ segments, isOpen }: Pattern): string {
  return [...segments, ...(isOpen ? ["**"] : [])].join("/");
}

/** The axis of the resource field, and how each of its cells is shown. */
export interface ResourceAxis {
  readonly axis: Axis;
  readonly shown: readonly string[];
}

/**
 * The axis of the resource field. A set of resources is asked for by the texts of its patterns, as words.
 *
 * @returns `undefined` when patterns cross in more ways than `limit`.
 */
export function resourceAxis(
  dimension: Dimension,
  patterns: readonly Pattern[],
  limit: number,
): ResourceAxis | undefined {
  const classes = resourceClasses(patterns, limit);
  if (classes === undefined) return undefined;
  const byKey = new Map(classes.map((one, cell) => [keyOf(one.patterns), cell]));
  const byPattern = new Map<string, number[]>(patterns.map((pattern) => [patternText(pattern), []]));
  for (const [cell, one] of classes.entries())
    for (const text of one.patterns) byPattern.get(text)?.push(cell);
  const root = trieOf(patterns);
  const axis: Axis = {
    dimension,
    cells: classes.map(({ path }) => ({ sample: path, isOther: false })),
    cellOf: (value) => byKey.get(keyOf(matchesOf(root, String(value)))),
    select: (values) => {
      const lists = values.kind === "words" ? values.words.map((text) => byPattern.get(text)) : [undefined];
      if (lists.includes(undefined)) return undefined;
      return runsOf([...new Set(lists.flatMap((list) => list ?? []))]);
    },
  };
  return { axis, shown: classes.map(({ shown }) => shown) };
}

function keyOf(patterns: Iterable<string>): string {
  return [...patterns].sort().join("\n");
}

/** The patterns that match a path; none for what is not in normal form. */
function matchesOf(root: TrieNode, path: string): ReadonlySet<string> {
  const matched = new Set<string>();
  let nodes: readonly TrieNode[] = [root];
  for (const segment of parseResource(path) ?? []) {
    for (const { open } of nodes) for (const text of open) matched.add(text);
    nodes = nodes
      .flatMap(({ children }) => [children.get(segment), children.get(ANY)])
      .filter((node) => node !== undefined);
  }
  const exact = parseResource(path) === undefined ? [] : nodes.flatMap((node) => node.exact);
  return new Set([...matched, ...exact]);
}

/** @returns `undefined` when there are more steps to all kinds than `limit`. */
function resourceClasses(patterns: readonly Pattern[], limit: number): readonly ResourceClass[] | undefined {
  const root = trieOf(patterns);
  const classes = new Map<string, ResourceClass>();
  const queue: Walk[] = [{ nodes: [root], matched: new Set(), path: [], shown: [] }];
  for (let at = 0; at < queue.length; at += 1) {
    const walk = queue[at];
    if (walk === undefined || queue.length > limit) return undefined;
    record(classes, walk);
    queue.push(...stepsOf(walk));
  }
  return [...classes.values()];
}

function trieOf(patterns: readonly Pattern[]): TrieNode {
  const root: TrieNode = { children: new Map(), exact: [], open: [] };
  const byText = new Map(patterns.map((pattern) => [patternText(pattern), pattern]));
  for (const [text, { segments, isOpen }] of byText) {
    let node = root;
    for (const segment of segments) {
      const child = node.children.get(segment) ?? { children: new Map(), exact: [], open: [] };
      node.children.set(segment, child);
      node = child;
    }
    (isOpen ? node.open : node.exact).push(text);
  }
  return root;
}

function record(classes: Map<string, ResourceClass>, { nodes, matched, path, shown }: Walk): void {
  if (path.length === 0) return;
  const patterns = new Set([...matched, ...nodes.flatMap(({ exact }) => exact)]);
  const key = keyOf(patterns);
  if (!classes.has(key)) classes.set(key, { path: path.join("/"), shown: shown.join("/"), patterns });
}

/** Every name that some pattern knows here, and one that none does. */
function stepsOf({ nodes, matched, path, shown }: Walk): readonly Walk[] {
  if (path.length === MAX_SEGMENTS || (path.length > 0 && nodes.length === 0)) return [];
  const known = new Set(nodes.flatMap(({ children }) => [...children.keys()]).filter((name) => name !== ANY));
  const after = new Set([...matched, ...nodes.flatMap(({ open }) => open)]);
  const other = exampleBeside(known);
  const steps = [...known, ...(other === undefined ? [] : [other])].map((name): Walk => {
    const next = nodes.flatMap(({ children }) => [children.get(name), children.get(ANY)]);
    const label = known.has(name) ? name : known.size === 0 ? "(any)" : "(any other)";
    return {
      nodes: next.filter((node) => node !== undefined),
      matched: after,
      path: [...path, name],
      shown: [...shown, label],
    };
  });
  return steps.filter((step) => step.path.join("/").length <= MAX_BYTES);
}

function exampleBeside(known: ReadonlySet<string>): string | undefined {
  for (const first of NAMES) {
    if (!known.has(first)) return first;
  }
  for (const first of NAMES) {
    const second = [...NAMES].find((letter) => !known.has(first + letter));
    if (second !== undefined) return first + second;
  }
  return Array.from({ length: known.size + 1 }, (_, n) => `other-${n}`).find((name) => !known.has(name));
}
