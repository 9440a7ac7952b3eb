/** Does another engine decide alike? Exported policies in Cedar: held to their schema, without an error, on random sets and the library. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { validate } from "@cedar-policy/cedar-wasm/nodejs";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { compileSources } from "../../../src/writ/compile.ts";
import { evaluate } from "../../../src/writ/evaluation/evaluator.ts";
import type { Facts } from "../../../src/writ/facts.ts";
import type { Program } from "../../../src/writ/program.ts";
import type { SourceFile } from "../../../src/writ/sources.ts";
import { constantsOf } from "../reference/constants.ts";
import { createDice } from "../reference/dice.ts";
import { labelled, randomRequest, steppedRequest } from "../reference/random-requests.ts";
import { randomSet } from "../reference/random-sets.ts";
import { digest } from "../toy.ts";
import { engineOf } from "./cedar-requests.ts";

const SEED = Number(process.env["SEED"] ?? 20_260_601);
const REQUESTS = 40;
const wantedSets = (): number => {
  if (process.env["SLOW"] !== undefined) return 5000;
  if (process.env["MUTATE"] !== undefined) return 15;
  return process.env["FULL"] === undefined ? 50 : 500;
};

const POLICIES = join(import.meta.dirname, "../../../policies");
const ALWAYS = SNP_VOCABULARY.fields.filter(({ absence }) => absence === undefined).map(({ name }) => name);

function compiled(files: readonly SourceFile[]): Program | undefined {
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(POLICIES, name)));
  return compileSources(files, { vocabulary: SNP_VOCABULARY, digest, files: read }).program;
}

function library(): Program {
  const names = readdirSync(POLICIES).filter(
    (name) => name.endsWith(".writ") && !name.endsWith(".test.writ"),
  );
  const program = compiled(names.map((path) => ({ path, text: readFileSync(join(POLICIES, path), "utf8") })));
  if (program === undefined) throw new Error("the library does not compile");
  return program;
}

/** Errors of the validator; what it calls impossible is a warning. */
function faultsOf(program: Program): readonly string[] {
  const { text, schema } = engineOf(program);
  const answer = validate({ schema, policies: { staticPolicies: text } });
  if (answer.type === "failure") return answer.errors.map(({ message }) => message);
  return answer.validationErrors.map(({ error }) => error.message);
}

interface Pairs {
  pairs: number;
  allowed: number;
  readonly differences: string[];
}

function compare(program: Program, requests: readonly Facts[], pairs: Pairs): void {
  const { isAllowed, text } = engineOf(program);
  for (const facts of requests) {
    const whole = labelled(facts, program);
    if (!ALWAYS.every((name) => whole.has(name))) continue;
    const expected = evaluate(program, whole);
    pairs.pairs += 1;
    pairs.allowed += expected.isAllowed ? 1 : 0;
    const cedar = isAllowed(whole);
    if (cedar !== expected.isAllowed)
      pairs.differences.push(
        `Cedar ${cedar}, Writ ${expected.code ?? "allowed"}\n${text}\n${[...whole].join("\n")}`,
      );
  }
}

describe("the export to Cedar", () => {
  it("of the library satisfies its schema, and decides as we do", () => {
    const program = library();
    expect(faultsOf(program)).toEqual([]);
    const dice = createDice(SEED);
    const constants = constantsOf(program);
    const pairs: Pairs = { pairs: 0, allowed: 0, differences: [] };
    const products = Object.values(SNP_VOCABULARY.ordinary);
    const requests = Array.from({ length: 400 }, () =>
      steppedRequest(dice, new Map([...dice.pick(products), ...near(dice.chance(50))]), constants),
    );
    compare(program, requests, pairs);
    expect(pairs.differences.slice(0, 1)).toEqual([]);
    expect(pairs.pairs).toBeGreaterThan(200);
  });

  it("of random sets decides as we do, half of the requests at the edge", () => {
    const dice = createDice(SEED);
    const pairs: Pairs = { pairs: 0, allowed: 0, differences: [] };
    const faults: string[] = [];
    for (let sets = 0; sets < wantedSets() && pairs.differences.length === 0; ) {
      const target = randomRequest(dice);
      const program = compiled(randomSet(dice, target));
      if (program === undefined) continue;
      sets += 1;
      faults.push(...faultsOf(program));
      const constants = constantsOf(program);
      const requests = Array.from({ length: REQUESTS }, (_, at) =>
        at % 2 === 0
          ? steppedRequest(dice, target, constants)
          : dice.chance(50)
            ? target
            : randomRequest(dice),
      );
      compare(program, requests, pairs);
    }
    process.stdout.write(
      `Cedar, seed ${SEED}: ${pairs.pairs} pairs, ${pairs.allowed} allowed, ${pairs.differences.length} differences\n`,
    );
    expect(faults.slice(0, 3)).toEqual([]);
    expect(pairs.differences.slice(0, 1)).toEqual([]);
    expect(pairs.allowed * 20).toBeGreaterThan(pairs.pairs);
  }, 7_200_000);

  it("is the same text each time, and says where each rule stands", () => {
    const program = library();
    const { text } = engineOf(program);
    expect(engineOf(library()).text).toBe(text);
    expect(text).toContain('@source("luks.writ:');
    expect(text).toContain('@token_ttl("token_ttl');
  });

  it("forbids what a set revoked in the scopes of its own module's declarations, and nowhere else", () => {
    const revoked = `refset m of measurement {
  "good" = hex"${"aa".repeat(48)}"
  "bad" = hex"${"bb".repeat(48)}" state revoked
}`;
    const files = [
      {
        path: "a.writ",
        text: `writ 1\nmodule a.b version 1.0.0\n${revoked}\npolicy p { for resource "a/*" require measurement in m allow }\n`,
      },
      {
        path: "c.writ",
        text: `writ 1\nmodule c.d version 1.0.0\npolicy q { for resource "c/*" require vmpl == 0 allow }\n`,
      },
      { path: "e.writ", text: `writ 1\nmodule e.f version 1.0.0\n${revoked.replace(" m ", " n ")}\n` },
    ];
    const program = compiled(files);
    if (program === undefined) throw new Error("the policies do not compile");
    const { text } = engineOf(program);
    const forbids = text.split(/^(?=@id)/m).filter((rule) => rule.includes("revoked"));
    expect(forbids.map((rule) => /@id\("([^"]+)/.exec(rule)?.[1])).toEqual(["a.b/m/revoked bad"]);
    expect(forbids[0]).toContain('"a"');
    expect(forbids[0]).not.toContain('"c"');
    expect(forbids[0]).toContain("bb".repeat(48));
  });

  it("is told apart from one that forgets what is unknown", () => {
    const program = compiled([
      {
        path: "p.writ",
        text: 'writ 1\npolicy p { for resource "**"\nallow\n}\nguard g { for resource "**"\ndeny when has host.tio and host.tio\ndeny when not has silicon or silicon == siena\n}\n',
      },
    ]);
    if (program === undefined) throw new Error("the policy does not compile");
    const facts = new Map([...(SNP_VOCABULARY.ordinary["milan"] ?? []), ...near(true)]);
    facts.delete("silicon");
    const { text } = engineOf(program);
    expect(evaluate(program, facts).isAllowed).toBe(false);
    expect(engineOf(program).isAllowed(facts)).toBe(false);
    const wrong = text.replaceAll('context has "silicon"', "true"); // Cedar would skip a rule that errs
    expect(() => engineOf(program, wrong).isAllowed(facts)).toThrow(/silicon/);
  });
});

function near(isDisk: boolean): ReadonlyMap<string, string | number> {
  return new Map<string, string | number>([
    ["request.resource", isDisk ? "prod/luks/root" : "demo/disk"],
    ["now", Date.UTC(2026, 9, 20) / 1000],
    ["now.weekday", "tue"],
    ["now.hour", 0],
  ]);
}
