/** Is what is live what was declared? File by file, and where bytes differ, by meaning over all requests. */
import { equalBytes } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import { compileSources } from "../writ/compile.ts";
import type { DiffPair, DiffSide } from "../writ/diff/attribution.ts";
import { type Diff, diffPrograms } from "../writ/diff/diff.ts";
import { SNP_VOCABULARY } from "./vocabulary.ts";

/** Sources by their path in the bundle; `bundle.json` and {@link ORIGIN} say where a bundle comes from, and are no part of it. */
export type PolicyFiles = ReadonlyMap<string, Uint8Array>;

/** What `policy apply` puts beside the sources: the commit that they were checked out at. */
export const ORIGIN = "origin.json";
const OF_THE_BUNDLE: ReadonlySet<string> = new Set([ORIGIN, "bundle.json"]);

export interface Drift {
  /** `bytes`: other files that mean the same. `meaning`: what they release differs, or it was not decided whether it does. */
  readonly kind: "none" | "bytes" | "meaning";
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** From what is live to what is declared; nothing where no byte differs, or where one side does not compile. */
  readonly diff: Diff | undefined;
  /** Both sides as they compiled; there with `diff`. */
  readonly pair: DiffPair | undefined;
}

/** Total: what does not compile differs in meaning. */
export function driftOf(declared: PolicyFiles, live: PolicyFiles, digest: Primitives["digest"]): Drift {
  const [mine, theirs] = [ownFiles(declared), ownFiles(live)];
  const added = [...mine.keys()].filter((path) => !theirs.has(path)).sort();
  const removed = [...theirs.keys()].filter((path) => !mine.has(path)).sort();
  const changed = [...mine.keys()].filter((path) => isOther(mine.get(path), theirs.get(path))).sort();
  const files = { added, changed, removed };
  if (added.length + removed.length + changed.length === 0) {
    return { kind: "none", ...files, diff: undefined, pair: undefined };
  }
  const pair = pairOf(sideOf(theirs, digest), sideOf(mine, digest));
  if (pair === undefined) return { kind: "meaning", ...files, diff: undefined, pair };
  const diff = diffPrograms(programsOf(pair), SNP_VOCABULARY);
  return { kind: isSameMeaning(pair, diff) ? "bytes" : "meaning", ...files, diff, pair };
}

function ownFiles(files: PolicyFiles): PolicyFiles {
  return new Map([...files].filter(([path]) => !OF_THE_BUNDLE.has(path)));
}

function isOther(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && !equalBytes(a, b);
}

function sideOf(files: PolicyFiles, digest: Primitives["digest"]): DiffSide {
  const sources = [...files]
    .filter(([path]) => path.endsWith(".writ") && !path.endsWith(".test.writ"))
    .map(([path, text]) => ({ path, text }));
  const options = { vocabulary: SNP_VOCABULARY, files: (path: string) => files.get(path), digest };
  return { compilation: compileSources(sources, options), files };
}

function pairOf(older: DiffSide, newer: DiffSide): DiffPair | undefined {
  const [before, after] = [older.compilation.program, newer.compilation.program];
  if (before === undefined || after === undefined) return undefined;
  return { older: { ...older, program: before }, newer: { ...newer, program: after } };
}

function programsOf({ older, newer }: DiffPair) {
  return { older: older.program, newer: newer.program };
}

/** A promise that only one of them makes is a difference too, whichever it is. */
function isSameMeaning(pair: DiffPair, { verdict, isWidening }: Diff): boolean {
  if (verdict !== "equivalent" || isWidening) return false;
  const { older, newer } = programsOf(pair);
  return diffPrograms({ older: newer, newer: older }, SNP_VOCABULARY).loosened.length === 0;
}
