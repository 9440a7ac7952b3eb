/** Do five readings of one policy set agree? The product's evaluator, its solver, its formatter, and a naive evaluator of the tree. */
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { compileSources } from "../../../src/writ/compile.ts";
import { evaluate } from "../../../src/writ/evaluation/evaluator.ts";
import type { Facts } from "../../../src/writ/facts.ts";
import { formatSource } from "../../../src/writ/formatting/format.ts";
import type { Program } from "../../../src/writ/program.ts";
import { brokenAxioms } from "../../../src/writ/solver/axioms.ts";
import { openSpace } from "../../../src/writ/solver/space.ts";
import type { SourceFile } from "../../../src/writ/sources.ts";
import type { SourceTree } from "../../../src/writ/syntax/ast.ts";
import { digest } from "../toy.ts";
import { constantsOf } from "./constants.ts";
import { costsOf } from "./costs.ts";
import { decide, type Ruling, rulingsOf } from "./decide.ts";
import { createDice, type Dice } from "./dice.ts";
import { labelled, randomRequest, steppedRequest } from "./random-requests.ts";
import { randomSet } from "./random-sets.ts";
import { withFact } from "./values.ts";

const SEED = Number(process.env["SEED"] ?? 20_260_601);
const PAIRS_PER_SET = 20;
const wantedSets = (): number => {
  if (process.env["SLOW"] !== undefined) return 10_500;
  return process.env["FULL"] === undefined ? 40 : 1100;
};

interface Tally {
  sets: number;
  unusable: number;
  pairs: number;
  steered: number;
  allowed: number;
  solved: number;
  witnesses: number;
  undecided: number;
  readonly codes: Map<string, number>;
  readonly faults: Map<string, number>;
  readonly disagreements: string[];
}

interface Case {
  readonly files: readonly SourceFile[];
  readonly program: Program;
  readonly trees: readonly SourceTree[];
}

function compiled(files: readonly SourceFile[]) {
  return compileSources(files, { vocabulary: SNP_VOCABULARY, digest });
}

function formatted(files: readonly SourceFile[]): readonly SourceFile[] {
  return files.map(({ path, text }) => ({ path, text: formatSource(path, String(text)).text ?? "" }));
}

/** Requests of one set: half random and near the target, half at the edges of its constants. Some lack what is always there. */
function requestsOf(dice: Dice, { program }: Case, target: Facts): readonly Facts[] {
  const constants = constantsOf(program);
  return Array.from({ length: PAIRS_PER_SET }, (_, at) => {
    const facts =
      at % 2 === 0 ? steppedRequest(dice, target, constants) : dice.chance(50) ? target : randomRequest(dice);
    const whole = labelled(facts, program);
    const lost = [...whole.keys()].filter((key) => key !== "now" && key !== "request.resource");
    return at % 10 === 9 ? withFact(whole, dice.pick(lost), undefined) : whole;
  });
}

/** What the naive evaluator says differently; nothing when it does not. */
function disputed({ program }: Case, rulings: readonly Ruling[], facts: Facts): string | undefined {
  const product = evaluate(program, facts);
  const naive = decide(rulings, facts);
  const grants = product.allowedBy.map(({ module, policy, label }) => `${module} ${policy} ${label ?? ""}`);
  const said = JSON.stringify([product.code ?? "allowed", product.isAllowed ? ordered(grants) : []]);
  const expected = JSON.stringify([
    naive.code ?? "allowed",
    naive.code === undefined ? ordered(naive.allows) : [],
  ]);
  if (said !== expected) return `naive ${expected}, product ${said}`;
  if (!product.isAllowed) return undefined;
  const [owed, due] = [product.obligations, costsOf(naive.granting, facts)].map(comparable);
  return owed === due ? undefined : `naive owes ${due}, product ${owed}`;
}

function ordered(texts: readonly string[]): readonly string[] {
  return [...texts].sort();
}

/** One text for equal values, whatever the order of keys and lists. */
function comparable(value: unknown): string {
  if (Array.isArray(value)) return `[${ordered(value.map(comparable)).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "";
  return `{${ordered(Object.entries(value).map(([key, one]) => `${key}:${comparable(one)}`)).join()}}`;
}

function shown({ files }: Case, facts: Facts, what: string): string {
  const rows = Array.from(
    facts,
    ([key, value]) => `${key} = ${typeof value === "bigint" ? value : JSON.stringify(value)}`,
  );
  return `${what}\n${files.map(({ path, text }) => `--- ${path}\n${String(text)}`).join("\n")}\n${rows.join("\n")}`;
}

/** A request that is possible lies in what the solver allows exactly if it is allowed; a witness of that is allowed too. */
function solve(tally: Tally, one: Case, requests: readonly Facts[]): void {
  const { program } = compiled(formatted(one.files));
  if (program === undefined) {
    tally.disagreements.push(shown(one, new Map(), "the formatted text does not compile"));
    return;
  }
  const space = openSpace([program], SNP_VOCABULARY, { maxNodes: 200_000, maxSteps: 200_000 });
  const allowed = space.allowed(program);
  for (const facts of requests) {
    if (facts.size < 55 || !isWhole(facts) || brokenAxioms(facts, SNP_VOCABULARY, program.refsets).length > 0)
      continue;
    const said = space.contains(allowed, facts);
    const expected = evaluate(one.program, facts).isAllowed;
    if (said === undefined) tally.undecided += 1;
    else tally.solved += 1;
    if (said !== undefined && said !== expected)
      tally.disagreements.push(shown(one, facts, `solver ${said}, evaluator ${expected}`));
  }
  const witness = space.witness(allowed);
  if (witness === undefined) return;
  tally.witnesses += 1;
  const verdict = evaluate(one.program, witness.facts);
  if (!verdict.isAllowed) tally.disagreements.push(shown(one, witness.facts, `a witness is ${verdict.code}`));
}

const ALWAYS = SNP_VOCABULARY.fields.filter(({ absence }) => absence === undefined).map(({ name }) => name);

function isWhole(facts: Facts): boolean {
  return ALWAYS.every((name) => facts.has(name));
}

function run(dice: Dice, sets: number): Tally {
  const tally: Tally = {
    sets: 0,
    unusable: 0,
    pairs: 0,
    steered: 0,
    allowed: 0,
    solved: 0,
    witnesses: 0,
    undecided: 0,
    codes: new Map(),
    faults: new Map(),
    disagreements: [],
  };
  while (tally.sets < sets && tally.disagreements.length < 3) {
    const target = randomRequest(dice);
    const files = randomSet(dice, target);
    const { program, trees, diagnostics } = compiled(files);
    if (program === undefined) {
      tally.unusable += 1;
      for (const { code, severity } of diagnostics)
        if (severity === "error") tally.faults.set(code, (tally.faults.get(code) ?? 0) + 1);
      continue;
    }
    tally.sets += 1;
    judge(tally, { files, program, trees }, requestsOf(dice, { files, program, trees }, target));
  }
  return tally;
}

function judge(tally: Tally, one: Case, requests: readonly Facts[]): void {
  const rulings = rulingsOf(one.trees);
  for (const [at, facts] of requests.entries()) {
    const { code = "allowed" } = evaluate(one.program, facts);
    const dispute = disputed(one, rulings, facts);
    tally.pairs += 1;
    tally.steered += at % 2 === 0 ? 1 : 0;
    tally.allowed += code === "allowed" ? 1 : 0;
    tally.codes.set(code, (tally.codes.get(code) ?? 0) + 1);
    if (dispute !== undefined) tally.disagreements.push(shown(one, facts, dispute));
  }
  solve(tally, one, requests);
}

describe("random policy sets and requests", () => {
  it("are decided alike by the evaluator, a naive reading of the tree, and the solver from formatted text", () => {
    const tally = run(createDice(SEED), wantedSets());
    process.stdout.write(
      `second opinion, seed ${SEED}: ${tally.pairs} pairs over ${tally.sets} policy sets (${tally.unusable} texts refused: ${JSON.stringify([...tally.faults])}), ` +
        `${tally.steered} steered to the edge, ${tally.allowed} allowed, codes ${JSON.stringify([...tally.codes])}; ` +
        `solver: ${tally.solved} agreed or not, ${tally.undecided} undecided, ${tally.witnesses} witnesses; ${tally.disagreements.length} disagreements\n`,
    );
    expect(tally.disagreements.join("\n\n")).toBe("");
    expect(tally.allowed * 20).toBeGreaterThan(tally.pairs);
    expect(tally.solved * 2).toBeGreaterThan(tally.pairs);
    expect(tally.unusable).toBeLessThan(tally.sets);
  }, 7_200_000);
});
