/** Does each test get what it expects? Each runs exactly the policies and guards that it names (WRIT section 13). */
import type { Decision } from "../decision.ts";
import { evaluate } from "../evaluation/evaluator.ts";
import type { Facts } from "../facts.ts";
import type { Declaration, Program } from "../program.ts";
import type { DeclarationName, TestCase } from "../test-case.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { complaintOf } from "./expectation.ts";
import { type Mistake, requestOf } from "./request.ts";

export interface TestRun {
  readonly test: TestCase;
  /** What it loaded. */
  readonly program: Program;
  readonly outcome: Outcome;
}

export type Outcome =
  | { readonly kind: "passed"; readonly facts: Facts; readonly decision: Decision }
  | {
      readonly kind: "failed";
      readonly facts: Facts;
      readonly decision: Decision;
      readonly complaint: string;
    }
  | { readonly kind: "broken"; readonly mistake: Mistake };

export interface RunOptions {
  readonly vocabulary: Vocabulary;
  readonly report: (path: string) => Facts | undefined;
}

/** Runs tests against the program that they were checked with. Total. */
export function runTests(
  program: Program,
  tests: readonly TestCase[],
  options: RunOptions,
): readonly TestRun[] {
  const loaded = new Map<string, Program>();
  const byFile = Map.groupBy(tests, ({ origin }) => origin.file);
  return tests.map((test) => {
    const key = test.of.map(({ module, name }) => `${module} ${name}`).join("\n");
    const part = loaded.get(key) ?? partOf(program, test.of);
    loaded.set(key, part);
    const titles = new Map((byFile.get(test.origin.file) ?? []).map((one) => [one.title, one] as const));
    return { test, program: part, outcome: outcomeOf(test, part, { ...options, titles }) };
  });
}

/** The named declarations, the revocations of their modules, and what is always there. */
export function partOf(program: Program, names: readonly DeclarationName[]): Program {
  const declarations = program.declarations.filter(
    (one) => one.module === BUILT_IN || names.some((name) => isNamed(one, name)),
  );
  const modules = program.modules.filter(({ name }) => declarations.some(({ module }) => module === name));
  return { ...program, declarations, modules };
}

/** Where the vocabulary's own guards are. */
const BUILT_IN = "ostiary";

export function isNamed({ module, name }: Declaration, wanted: DeclarationName): boolean {
  return module === wanted.module && name === wanted.name;
}

function outcomeOf(
  test: TestCase,
  program: Program,
  { vocabulary, report, titles }: RunOptions & { readonly titles: ReadonlyMap<string, TestCase> },
): Outcome {
  const platforms = platformsOf(program);
  const facts = requestOf(test, { vocabulary, program, platforms, tests: titles, report });
  if ("message" in facts) return { kind: "broken", mistake: facts };
  const decision = evaluate(program, facts);
  const complaint = complaintOf(test.expect, decision);
  return complaint === undefined
    ? { kind: "passed", facts, decision }
    : { kind: "failed", facts, decision, complaint };
}

/** Platforms that the policies name, each once. */
export function platformsOf({ declarations }: Program): readonly string[] {
  const named = declarations.flatMap(({ requires }) =>
    requires.flatMap(({ text }) =>
      text.from?.startsWith(PLATFORM) ? [text.from.slice(PLATFORM.length)] : [],
    ),
  );
  return [...new Set(named)];
}

const PLATFORM = "platform ";
