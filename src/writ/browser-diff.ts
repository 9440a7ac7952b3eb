/** What does a screen load once somebody asks for a difference? The solver, and how its answer is told. */
import { type Diff, type DiffOptions, diffPrograms } from "./diff/diff.ts";
import type { Sides } from "./diff/example.ts";
import { renderDiff } from "./diff/render.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** A difference, with its text too. The sides are called `old` and `new`. */
export interface Compared {
  readonly diff: Diff;
  readonly text: string;
}

const NAMES = { older: "old", newer: "new" };

export function compare(sides: Sides, vocabulary: Vocabulary, options: DiffOptions): Compared {
  const found = diffPrograms(sides, vocabulary, options);
  return { diff: found, text: renderDiff(found, { names: NAMES, changes: [], isFull: false }) };
}
