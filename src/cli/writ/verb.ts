/** What is a verb of the policy language on the command line? */
import type { Primitives } from "../../base/primitives.ts";
import type { ExitStatus, Terminal } from "../command.ts";

export interface WritEdges {
  readonly terminal: Terminal;
  readonly primitives: Primitives;
  /** Unix seconds: what windows and silencers are held against. */
  readonly now: () => number;
}

export interface WritVerb {
  readonly name: string;
  /** What stands after `ostiary writ`, and what it does: one line. */
  readonly synopsis: readonly [words: string, does: string];
  /** Lines about its options, without indentation. */
  readonly options: readonly (readonly [option: string, does: string])[];
  readonly run: (args: readonly string[], edges: WritEdges) => Promise<ExitStatus>;
}
