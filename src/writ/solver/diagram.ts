/** How is a set of requests held, so that equal sets are one number? A reduced, hash-consed, multi-valued decision diagram. */
import { createMemo, type Memo } from "./memo.ts";

/**
 * A node asks for the cell of one field (its level) and goes on to a child. Cells are numbered, and children are kept as runs
 * of cells that share one: most fields have many cells and few children. Nodes 0 and 1 are "no request" and "every request".
 */
export interface Diagrams {
  /** Number of nodes, the two ends included. */
  size: number;
  /** Combinations tried: what the work is bounded by, beside the nodes. */
  steps: number;
  readonly limits: DiagramLimits;
  level: Int32Array;
  /** Where a node's runs begin in `pool`, two numbers each: last cell, child. The next node's begin where they end. */
  start: Int32Array;
  pool: Int32Array;
  /** Open addressing: hash of a node → its number; 0 is free. */
  table: Int32Array;
  readonly memo: Memo;
  /** Runs of nodes that are being made, one above the other. */
  scratch: Int32Array;
  top: number;
}

export interface DiagramLimits {
  readonly maxNodes: number;
  readonly maxSteps: number;
}

export const NEVER = 0;
export const ALWAYS = 1;
const ENDS_LEVEL = 0x7fff_ffff;

export function createDiagrams(limits: DiagramLimits): Diagrams {
  const level = new Int32Array(1 << 10);
  level.fill(ENDS_LEVEL, 0, 2);
  return {
    size: 2,
    steps: 0,
    limits,
    level,
    start: new Int32Array(1 << 10),
    pool: new Int32Array(1 << 12),
    table: new Int32Array(1 << 11),
    memo: createMemo(),
    scratch: new Int32Array(1 << 10),
    top: 0,
  };
}

/** The level that a node asks for; above all others at the two ends. */
export function levelOf({ level }: Diagrams, node: number): number {
  return level[node] ?? ENDS_LEVEL;
}

/** Whether a node is one of the two ends. */
export function isEnd(node: number): boolean {
  return node <= ALWAYS;
}

/** Calls `visit` for each run of a node, in order: first and last cell, child. */
export function eachRun(
  { start, pool }: Diagrams,
  node: number,
  visit: (first: number, last: number, child: number) => void,
): void {
  const end = start[node + 1] ?? 0;
  let first = 0;
  for (let at = start[node] ?? 0; at < end; at += 2) {
    const last = pool[at] ?? 0;
    visit(first, last, pool[at + 1] ?? 0);
    first = last + 1;
  }
}

/** The child for a cell. */
export function childOf({ start, pool }: Diagrams, node: number, cell: number): number {
  let low = (start[node] ?? 0) >> 1;
  let high = ((start[node + 1] ?? 0) >> 1) - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((pool[2 * middle] ?? 0) < cell) low = middle + 1;
    else high = middle;
  }
  return pool[2 * low + 1] ?? 0;
}

// ── making nodes ────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The node that goes from each cell of a level to a child; all children lie at later levels. There is always room: who calls
 * this makes as many nodes as a program has literals.
 */
export function makeNode(
  diagrams: Diagrams,
  level: number,
  runs: Iterable<readonly [last: number, child: number]>,
): number {
  const base = diagrams.top;
  for (const [last, child] of runs) push(diagrams, base, last, child);
  return finish(diagrams, { level, base, limit: Infinity }) ?? NEVER;
}

/** Appends a run to the node that is being made above `base`; runs with one child melt. */
export function push(diagrams: Diagrams, base: number, last: number, child: number): void {
  const { top } = diagrams;
  if (top > base && diagrams.scratch[top - 1] === child) {
    diagrams.scratch[top - 2] = last;
    return;
  }
  if (top + 2 > diagrams.scratch.length) diagrams.scratch = grown(diagrams.scratch);
  diagrams.scratch[top] = last;
  diagrams.scratch[top + 1] = child;
  diagrams.top = top + 2;
}

interface Making {
  readonly level: number;
  readonly base: number;
  readonly limit: number;
}

/** The node whose runs lie above `base`; `undefined` when it would be one too many. */
export function finish(diagrams: Diagrams, { level, base, limit }: Making): number | undefined {
  const { scratch, top } = diagrams;
  diagrams.top = base;
  if (top - base === 2) return scratch[base + 1] ?? 0;
  let slot = hashOf(diagrams, level, base, top) & (diagrams.table.length - 1);
  for (let node = diagrams.table[slot] ?? 0; node !== 0; node = diagrams.table[slot] ?? 0) {
    if (isSameNode(diagrams, node, level, base, top)) return node;
    slot = (slot + 1) & (diagrams.table.length - 1);
  }
  if (diagrams.size >= limit) return undefined;
  return append(diagrams, { level, base, top, slot });
}

function hashOf({ scratch }: Diagrams, level: number, base: number, top: number): number {
  let hash = Math.imul(level + 1, 0x9e37_79b1);
  for (let at = base; at < top; at += 1)
    hash = Math.imul(hash ^ (scratch[at] ?? 0), 0x85eb_ca6b) ^ (hash >>> 15);
  return hash ^ (hash >>> 13);
}

function isSameNode(
  { level: levels, start, pool, scratch }: Diagrams,
  node: number,
  level: number,
  base: number,
  top: number,
): boolean {
  const from = start[node] ?? 0;
  if (levels[node] !== level || (start[node + 1] ?? 0) - from !== top - base) return false;
  for (let at = base; at < top; at += 1) if (scratch[at] !== pool[from + at - base]) return false;
  return true;
}

interface Draft {
  readonly level: number;
  readonly base: number;
  readonly top: number;
  readonly slot: number;
}

function append(diagrams: Diagrams, { level, base, top, slot }: Draft): number {
  const node = diagrams.size;
  const from = diagrams.start[node] ?? 0;
  const length = top - base;
  while (from + length > diagrams.pool.length) diagrams.pool = grown(diagrams.pool);
  if (node + 2 > diagrams.level.length) {
    diagrams.level = grown(diagrams.level);
    diagrams.start = grown(diagrams.start);
  }
  diagrams.pool.set(diagrams.scratch.subarray(base, top), from);
  diagrams.level[node] = level;
  diagrams.start[node + 1] = from + length;
  diagrams.table[slot] = node;
  diagrams.size = node + 1;
  if (2 * diagrams.size > diagrams.table.length) rehash(diagrams);
  return node;
}

function rehash(diagrams: Diagrams): void {
  const { size, start, pool, level } = diagrams;
  const table = new Int32Array(2 * diagrams.table.length);
  const view = { ...diagrams, scratch: pool };
  for (let node = 2; node < size; node += 1) {
    const hash = hashOf(view, level[node] ?? 0, start[node] ?? 0, start[node + 1] ?? 0);
    let slot = hash & (table.length - 1);
    while (table[slot] !== 0) slot = (slot + 1) & (table.length - 1);
    table[slot] = node;
  }
  diagrams.table = table;
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}
