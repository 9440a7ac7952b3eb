/** Can a mangled source or a request of wrong types break anything? Not the parser, checker, formatter, evaluator or solver. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { compileSources } from "../../../src/writ/compile.ts";
import { createFindings } from "../../../src/writ/diagnostics/findings.ts";
import { renderDiagnostic } from "../../../src/writ/diagnostics/render.ts";
import { evaluate } from "../../../src/writ/evaluation/evaluator.ts";
import type { Facts, FactValue } from "../../../src/writ/facts.ts";
import { formatSource } from "../../../src/writ/formatting/format.ts";
import { brokenAxioms } from "../../../src/writ/solver/axioms.ts";
import { openSpace } from "../../../src/writ/solver/space.ts";
import { lex } from "../../../src/writ/syntax/lexer.ts";
import { parseSource } from "../../../src/writ/syntax/parser.ts";
import { sharedDesign } from "../../support/shared-vectors.ts";
import { digest } from "../toy.ts";
import { createDice, type Dice } from "./dice.ts";
import { randomRequest } from "./random-requests.ts";
import { randomSet } from "./random-sets.ts";

const SEED = Number(process.env["SEED"] ?? 20_260_601);
const times = (everyday: number): number => {
  if (process.env["SLOW"] !== undefined) return everyday * 100;
  return process.env["FULL"] === undefined ? everyday : everyday * 10;
};

const policies = join(import.meta.dirname, "../../../policies");
const folders = [policies, ...(sharedDesign === undefined ? [] : [join(sharedDesign, "writ/examples")])];
const EXAMPLES = folders.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".writ"))
    .map((name) => readFileSync(join(folder, name), "utf8")),
);

// ── ways to mangle ──────────────────────────────────────────────────────────────────────────────────────────────────

type Mangle = (dice: Dice, text: string) => string | Uint8Array;

function words(text: string): readonly string[] {
  return text.split(/(?<=\s)|(?=[{}[\](),"#])/);
}

const MANGLES: Readonly<Record<string, Mangle>> = {
  "a byte flipped": (dice, text) => {
    const bytes = new TextEncoder().encode(text);
    const at = dice.roll(bytes.length);
    return bytes.map((byte, index) => (index === at ? byte ^ (1 << dice.roll(8)) : byte));
  },
  "words left out": (dice, text) => {
    const all = words(text);
    const [from, count] = [dice.roll(all.length), 1 + dice.roll(5)];
    return all.filter((_, index) => index < from || index >= from + count).join("");
  },
  "words said twice": (dice, text) => {
    const all = words(text);
    const [from, count] = [dice.roll(all.length), 1 + dice.roll(5)];
    return [...all.slice(0, from + count), ...all.slice(from)].join("");
  },
  "words of another example put in": (dice, text) => {
    const [all, other] = [words(text), words(dice.pick(EXAMPLES))];
    const [at, from] = [dice.roll(all.length), dice.roll(other.length)];
    return [...all.slice(0, at), ...other.slice(from, from + 1 + dice.roll(30)), ...all.slice(at)].join("");
  },
  "two words exchanged": (dice, text) => {
    const all = [...words(text)];
    const [a, b] = [dice.roll(all.length), dice.roll(all.length)];
    return all
      .map((word, index) => (index === a ? (all[b] ?? "") : index === b ? (all[a] ?? "") : word))
      .join("");
  },
  "its end cut off": (dice, text) => text.slice(0, dice.roll(text.length)),
};

/** How many objects a tree holds. */
function nodesIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((sum, one) => sum + nodesIn(one), 1);
}

/** Everything that reads a source reads it; what is counted grows no faster than the text. */
function swallow(source: string | Uint8Array, facts: Facts): boolean {
  const { program, diagnostics, sources } = compileSources([{ path: "a.writ", text: source }], {
    vocabulary: SNP_VOCABULARY,
    digest,
  });
  const text = sources.get("a.writ") ?? "";
  expect(program === undefined).toBe(diagnostics.some(({ severity }) => severity === "error"));
  expect(diagnostics.length).toBeLessThanOrEqual(102);
  for (const one of diagnostics) expect(renderDiagnostic(one, text).length).toBeLessThan(20_000);
  const { tokens } = lex(text, createFindings("a.writ"));
  expect(tokens.length).toBeLessThanOrEqual(text.length + 1);
  const { items, imports } = parseSource("a.writ", text, createFindings("a.writ"));
  expect(nodesIn([items, imports])).toBeLessThanOrEqual(12 * tokens.length + 12);
  const once = formatSource("a.writ", text).text;
  if (once !== undefined) expect(formatSource("a.writ", once).text).toBe(once);
  if (program === undefined) return false;
  expect(typeof evaluate(program, facts).isAllowed).toBe("boolean");
  const space = openSpace([program], SNP_VOCABULARY, { maxNodes: 20_000, maxSteps: 20_000 });
  expect(["yes", "no", "not-decided"]).toContain(space.isEmpty(space.allowed(program)));
  return true;
}

describe("an example with", () => {
  it.each(Object.entries(MANGLES))(
    "%s is answered",
    (name, mangle) => {
      const dice = createDice(SEED + name.length);
      const facts = randomRequest(dice);
      for (let count = times(60); count > 0; count--) swallow(mangle(dice, dice.pick(EXAMPLES)), facts);
    },
    3_600_000,
  );
});

describe("a random policy set with", () => {
  it.each(Object.entries(MANGLES))(
    "%s is answered, and some still compile",
    (name, mangle) => {
      const dice = createDice(SEED + name.length);
      let compiled = 0;
      for (let count = times(60); count > 0; count--) {
        const target = randomRequest(dice);
        const text =
          randomSet(dice, target)
            .map((file) => String(file.text))
            .at(-1) ?? "";
        const alone = text.replace(/^import .*$/m, "");
        compiled += swallow(dice.chance(20) ? alone : mangle(dice, alone), target) ? 1 : 0;
      }
      expect(compiled).toBeGreaterThan(0);
    },
    3_600_000,
  );
});

// ── facts that no verifier makes ────────────────────────────────────────────────────────────────────────────────────

const STRANGE: readonly FactValue[] = [
  true,
  false,
  0,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 60,
  0n,
  -1n,
  1n << 200n,
  "",
  "constructor",
  "__proto__",
  "a/b",
  "//",
  "::ffff:1.2.3.4",
  "\u0000",
  "x".repeat(10_000),
  {},
  { fmc: Number.NaN },
  { snp: -1, other: 3 },
  [0, 0, 0],
  [1, 2, Number.NaN],
  [],
  ["a", "a"],
];

describe("a request with facts of wrong types", () => {
  it("is decided, and by nothing but a decision", () => {
    const dice = createDice(SEED);
    for (let count = times(40); count > 0; count--) {
      const target = randomRequest(dice);
      const { program } = compileSources(randomSet(dice, target), { vocabulary: SNP_VOCABULARY, digest });
      if (program === undefined) continue;
      const space = openSpace([program], SNP_VOCABULARY, { maxNodes: 20_000, maxSteps: 20_000 });
      const allowed = space.allowed(program);
      for (let request = 0; request < 10; request++) {
        const keys = dice.some([...target.keys()], 1 + dice.roll(6));
        const facts = new Map([...target, ...keys.map((key) => [key, dice.pick(STRANGE)] as const)]);
        const { isAllowed, code } = evaluate(program, facts);
        expect(isAllowed).toBe(code === undefined);
        expect(Array.isArray(brokenAxioms(facts, SNP_VOCABULARY, program.refsets))).toBe(true);
        expect([true, false, undefined]).toContain(space.contains(allowed, facts));
      }
    }
  }, 3_600_000);

  it.each([undefined, ...STRANGE])("is refused where the resource is %s", (value) => {
    const { program } = compileSources(
      [{ path: "a.writ", text: 'writ 1\npolicy p { for resource "*/*/*"\nallow }' }],
      {
        vocabulary: SNP_VOCABULARY,
        digest,
      },
    );
    if (program === undefined) throw new Error("the policy has to compile");
    const facts = new Map<string, FactValue>([["now", 1_790_812_800]]);
    if (value !== undefined) facts.set("request.resource", value);
    expect(evaluate(program, facts).isAllowed).toBe(false);
  });
});
