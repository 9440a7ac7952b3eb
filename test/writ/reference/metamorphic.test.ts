/** What must not matter, and what can only narrow? WRIT section 19, on random policy sets. */
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { compileSources } from "../../../src/writ/compile.ts";
import { evaluate } from "../../../src/writ/evaluation/evaluator.ts";
import type { Facts, TcbFact } from "../../../src/writ/facts.ts";
import type { Program } from "../../../src/writ/program.ts";
import { openSpace } from "../../../src/writ/solver/space.ts";
import type { SourceFile } from "../../../src/writ/sources.ts";
import { digest } from "../toy.ts";
import { constantsOf } from "./constants.ts";
import { createDice, type Dice } from "./dice.ts";
import { randomCondition } from "./random-atoms.ts";
import { labelled, randomRequest, steppedRequest } from "./random-requests.ts";
import { randomSet } from "./random-sets.ts";
import { randomVector, vectorText, withFact } from "./values.ts";

const SEED = Number(process.env["SEED"] ?? 20_260_601);
const SETS = process.env["FULL"] === undefined ? 30 : 300;

function compiled(files: readonly SourceFile[]): Program | undefined {
  return compileSources(files, { vocabulary: SNP_VOCABULARY, digest }).program;
}

interface Case {
  readonly dice: Dice;
  readonly files: readonly SourceFile[];
  readonly program: Program;
  readonly requests: readonly Facts[];
}

/** Random sets that compile, each with requests at the edges of its constants. */
function eachSet(salt: number, count: number, judge: (one: Case) => void): void {
  const dice = createDice(SEED + salt);
  for (let left = count; left > 0; ) {
    const target = randomRequest(dice);
    const files = randomSet(dice, target);
    const program = compiled(files);
    if (program === undefined) continue;
    left -= 1;
    const constants = constantsOf(program);
    const steps = Array.from({ length: 8 }, () => labelled(steppedRequest(dice, target, constants), program));
    judge({ dice, files, program, requests: [labelled(target, program), ...steps] });
  }
}

/** The declarations and rules of a source in another order; what is before them stays. */
function shuffled(dice: Dice, text: string): string {
  const [head = "", ...declarations] = text.split(/^(?=(?:refset|floor|template|policy|guard) )/m);
  const turned = declarations.map((one) =>
    one.replace(/(?<=^ {2}for .*\n)[\s\S]*(?=^\})/m, (body) => rules(dice, body)),
  );
  return (
    head +
    dice
      .some(
        turned.map((one) => `${one.trimEnd()}\n`),
        turned.length,
      )
      .join("")
  );
}

function rules(dice: Dice, body: string): string {
  const all = body.split(/^ {2}(?=\S)/m).filter((one) => one.trim() !== "");
  const whole: string[] = [];
  for (const one of all) {
    if (one.startsWith("}")) whole.push(`${whole.pop() ?? ""}  ${one}`);
    else whole.push(one);
  }
  return dice
    .some(whole, whole.length)
    .map((one) => `  ${one.trimEnd()}\n`)
    .join("");
}

describe("order", () => {
  it("of rules, declarations and files does not matter", () => {
    let moved = 0;
    eachSet(1, SETS, ({ dice, files, program, requests }) => {
      const others = dice
        .some(files, files.length)
        .map(({ path, text }) => ({ path, text: shuffled(dice, String(text)) }));
      const other = compiled(others);
      if (other === undefined)
        throw new Error(`another order does not compile:\n${others.map(({ text }) => text).join("\n")}`);
      moved += others.some(({ path, text }) => files.some((one) => one.path === path && one.text !== text))
        ? 1
        : 0;
      for (const facts of requests) {
        const [a, b] = [program, other].map((one) => evaluate(one, facts));
        expect([b?.isAllowed, b?.code, b?.isRetiring, b?.obligations.tokenTtlMs]).toEqual([
          a?.isAllowed,
          a?.code,
          a?.isRetiring,
          a?.obligations.tokenTtlMs,
        ]);
      }
    });
    expect(moved * 2).toBeGreaterThan(SETS);
  }, 600_000);
});

describe("what is added", () => {
  it("as a guard or a deny never widens, says the evaluator; nor does the solver find a case", () => {
    eachSet(2, SETS, ({ dice, files, program, requests }) => {
      const ground = { dice, target: requests[0] ?? new Map(), sets: [], floors: [], present: [] };
      const rule = `${dice.pick(["require", "deny when"])} ${randomCondition(ground, 1)}`;
      const guard = { path: "g.writ", text: `writ 1\nguard added {\n  for resource "**"\n  ${rule}\n}\n` };
      const narrower = compiled([...files, guard]);
      if (narrower === undefined) throw new Error(`the guard does not compile: ${guard.text}`);
      for (const facts of requests)
        if (evaluate(narrower, facts).isAllowed) expect(evaluate(program, facts).isAllowed).toBe(true);
      const space = openSpace([program, narrower], SNP_VOCABULARY, { maxNodes: 100_000, maxSteps: 100_000 });
      expect(space.implies(space.allowed(narrower), space.allowed(program))).not.toBe("no");
    });
  }, 600_000);
});

describe("a fact that is taken away", () => {
  it("never turns a refusal into a release where nothing asks for presence, no row goes by silicon and nothing is revoked", () => {
    let lost = 0;
    eachSet(3, SETS * 4, ({ files, program, requests }) => {
      if (files.some(({ text }) => /\bhas\b|revoked|at least f\d/.test(String(text)))) return;
      for (const facts of requests.filter((one) => !evaluate(program, one).isAllowed)) {
        for (const key of [...facts.keys()].filter(
          (one) => !/^(now$|request.resource|approvals:)/.test(one),
        )) {
          lost += 1;
          expect(evaluate(program, withFact(facts, key, undefined)).isAllowed, key).toBe(false);
        }
      }
    });
    expect(lost).toBeGreaterThan(0);
  }, 600_000);
});

interface Floors {
  readonly lower: Program;
  readonly higher: Program;
}

/** One policy with a floor, and the same with one level of it raised. */
function raisedFloor(dice: Dice): Floors {
  const row = dice.pick(["milan", "genoa", "turin"]);
  const low: TcbFact = { ...randomVector(dice, row === "turin"), snp: 3 };
  const component = dice.pick(Object.keys(low));
  const high = { ...low, [component]: Math.min(255, (low[component] ?? 0) + 1 + dice.roll(20)) };
  const field = dice.pick(["tcb.current", "tcb.committed", "tcb.launch", "tcb.reported"]);
  const [lower, higher] = [low, high].map((least) => {
    const floor = `floor f { ${row} ${vectorText(least)} }`;
    const rule = `policy p {\n  for resource "**"\n  require ${field} at least f\n  allow\n}\n`;
    return compiled([{ path: "a.writ", text: `writ 1\n${floor}\n${rule}` }]);
  });
  if (lower === undefined || higher === undefined) throw new Error("the floors have to compile");
  return { lower, higher };
}

describe("a floor that is raised", () => {
  it("narrows", () => {
    const dice = createDice(SEED + 4);
    let strict = 0;
    for (let count = SETS; count > 0; count--) {
      const { lower, higher } = raisedFloor(dice);
      const space = openSpace([lower, higher], SNP_VOCABULARY);
      const [wide, narrow] = [space.allowed(lower), space.allowed(higher)];
      expect(space.implies(narrow, wide)).toBe("yes");
      if (space.implies(wide, narrow) === "no") strict += 1;
      const target = randomRequest(dice);
      for (const facts of [target, steppedRequest(dice, target, constantsOf(higher))])
        if (evaluate(higher, facts).isAllowed) expect(evaluate(lower, facts).isAllowed).toBe(true);
    }
    expect(strict * 2).toBeGreaterThan(SETS);
  }, 600_000);
});
