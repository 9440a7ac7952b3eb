/** Does the solver say what trying every request says? Small programs, all combinations of all values that matter. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { evaluate } from "../../../src/writ/evaluation/evaluator.ts";
import type { Facts, FactValue } from "../../../src/writ/facts.ts";
import { openSpace, type SpaceOptions } from "../../../src/writ/solver/space.ts";
import { programOf, TOY } from "../toy.ts";

const ATOMS = [
  "color == red",
  "color in [green, blue]",
  "color != blue",
  "level <= 2",
  "level in 2 .. 4",
  "level > 3",
  "(has lit and lit)",
  "not (has lit and lit)",
  "has lit",
  '(has mark and mark == hex"aaaa")',
  "(has mark and mark in marks)",
  "not (has mark and mark in marks)",
  '(has mark and mark != hex"bbbb")',
  "now < 2027-01-15",
] as const;

const SETS = `refset marks of mark {
  "a" = hex"aaaa" valid 2027-01-10 .. 2027-01-20
  "b" = hex"bbbb" state retiring
  "c" = hex"cccc" state revoked
}
`;

const atom = fc.constantFrom(...ATOMS);
const condition = fc.oneof(
  atom,
  fc
    .tuple(fc.constantFrom("any", "all", "none"), fc.array(atom, { minLength: 1, maxLength: 3 }))
    .map(([kind, members]) => `${kind} { ${members.join(", ")} }`),
  atom.map((one) => `not (${one})`),
);
const scope = fc.constantFrom("house/hall", "house/*", "house/**", "**", "*/hall", "garden/a/b");
const valid = fc.constantFrom("", "valid 2027-01-05 .. 2027-01-12", "valid 2027-01-12 ..");
const clauses = (word: string, maxLength: number) =>
  fc.array(
    condition.map((when) => `${word} ${word === "require" ? "" : "when "}${when}`),
    { maxLength },
  );

const policy = fc
  .tuple(scope, valid, clauses("require", 2), clauses("allow", 2), clauses("deny", 1))
  .map(([where, window, requires, allows, denies]) =>
    [
      `for resource "${where}"`,
      window,
      ...requires,
      ...(allows.length === 0 ? ["allow"] : allows),
      ...denies,
    ].join("\n"),
  );
const guard = fc
  .tuple(scope, valid, clauses("require", 1), clauses("deny", 1))
  .map(([where, window, requires, denies]) =>
    [`for resource "${where}"`, window, ...requires, ...denies].join("\n"),
  );

const source = fc
  .tuple(fc.array(policy, { minLength: 1, maxLength: 3 }), fc.array(guard, { maxLength: 1 }))
  .map(
    ([policies, guards]) =>
      SETS +
      policies.map((body, at) => `policy p${at} {\n${body}\n}\n`).join("") +
      guards.map((body, at) => `guard g${at} {\n${body}\n}\n`).join(""),
  );

const VALUES: readonly (readonly [string, readonly (FactValue | undefined)[]])[] = [
  ["request.resource", ["house/hall", "house/attic", "house/a/b", "garden/hall", "garden/a/b", "shed"]],
  [
    "now",
    ["2027-01-01", "2027-01-05", "2027-01-10", "2027-01-12", "2027-01-15", "2027-01-20"].map(secondsOf),
  ],
  ["color", ["red", "green", "blue"]],
  ["level", [0, 2, 3, 4, 5]],
  ["lit", [undefined, true, false]],
  ["mark", [undefined, "aaaa", "bbbb", "cccc", "dddd"]],
];

function secondsOf(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / 1000;
}

/** All 8,100 of them. */
const REQUESTS: readonly Facts[] = VALUES.reduce<readonly Facts[]>(
  (made, [field, values]) =>
    made.flatMap((facts) =>
      values.map((value) => (value === undefined ? facts : new Map(facts).set(field, value))),
    ),
  [new Map()],
);

const LIMITS: readonly (readonly [string, SpaceOptions])[] = [
  ["diagrams", {}],
  ["searches, when no diagram fits", { maxNodes: 12 }],
];

describe.each(LIMITS)("with %s", (_, options) => {
  test.prop([source], { numRuns: 8 })(
    "a request is in the allowed set exactly if the evaluator allows it",
    (text) => {
      const program = programOf(text);
      const space = openSpace([program], TOY, options);
      const allowed = space.allowed(program);
      const differing = REQUESTS.filter(
        (facts) => space.contains(allowed, facts) !== evaluate(program, facts).isAllowed,
      );
      expect(differing).toEqual([]);
    },
  );

  test.prop([source, source], { numRuns: 8 })(
    "one program implies another exactly if no request says otherwise",
    (a, b) => {
      const [left, right] = [programOf(a), programOf(b)];
      const space = openSpace([left, right], TOY, options);
      const isImplied = !REQUESTS.some(
        (facts) => evaluate(left, facts).isAllowed && !evaluate(right, facts).isAllowed,
      );
      expect(space.implies(space.allowed(left), space.allowed(right))).toBe(isImplied ? "yes" : "no");
    },
  );

  test.prop([source], { numRuns: 30 })(
    "a witness is allowed by the evaluator, and there is one unless nothing is",
    (text) => {
      const program = programOf(text);
      const space = openSpace([program], TOY, options);
      const allowed = space.allowed(program);
      const isEmpty = !REQUESTS.some((facts) => evaluate(program, facts).isAllowed);
      expect(space.isEmpty(allowed)).toBe(isEmpty ? "yes" : "no");
      const witness = space.witness(allowed);
      expect(witness === undefined).toBe(isEmpty);
      if (witness !== undefined) expect(evaluate(program, witness.facts).isAllowed).toBe(true);
    },
  );
});

describe("a condition", () => {
  test.prop([condition], { numRuns: 12 })(
    "is surely true where a require holds, surely false where a deny is quiet",
    (when) => {
      const required = programOf(`${SETS}policy p { for resource "**" require ${when} allow }`);
      const denied = programOf(`${SETS}policy p { for resource "**" allow deny when ${when} }`);
      const space = openSpace([required, denied], TOY);
      const condition = required.declarations[0]?.requires[0]?.when;
      if (condition === undefined) throw new Error("no condition");
      const { yes, no } = space.truthOf(condition);
      const isRevoked = (facts: Facts): boolean => facts.get("mark") === "cccc";
      const differing = REQUESTS.filter((facts) => !isRevoked(facts)).filter(
        (facts) =>
          space.contains(yes, facts) !== evaluate(required, facts).isAllowed ||
          space.contains(no, facts) !== evaluate(denied, facts).isAllowed,
      );
      expect(differing).toEqual([]);
      expect(space.isEmpty(space.and(yes, no))).toBe("yes");
    },
  );
});

describe("a set with windows", () => {
  it("says nothing of an absent mark, outside its windows too", () => {
    const program = programOf(
      `${SETS}policy p { for resource "**" require has mark require not (mark in marks) allow }`,
    );
    const space = openSpace([program], TOY);
    const condition = program.declarations[0]?.requires[1]?.when;
    if (condition === undefined) throw new Error("no condition");
    const { yes, no } = space.truthOf(condition);
    const absent = REQUESTS.filter((facts) => !facts.has("mark"));
    expect(absent.some((facts) => space.contains(yes, facts) || space.contains(no, facts))).toBe(false);
    expect(space.isEmpty(yes)).toBe("no");
  });
});

describe("what changes nothing, narrows, or widens", () => {
  const bodies = fc.array(policy, { minLength: 1, maxLength: 3 });
  const sourcesOf = (all: readonly string[]): readonly string[] => [
    SETS,
    ...all.map((body, at) => `policy p${at} {\n${body}\n}\n`),
  ];

  test.prop([bodies], { numRuns: 30 })("the order of declarations and rules changes nothing", (all) => {
    const texts = sourcesOf(all.map((body) => body.replaceAll("mark in marks", 'mark == hex"aaaa"')));
    const turned = texts.toReversed().map(turnedRules);
    const [left, right] = [programOf(texts.join("\n")), programOf(turned.join("\n"))];
    const space = openSpace([left, right], TOY);
    expect(space.allowed(left)).toBe(space.allowed(right));
    expect(space.isSame(space.allowed(left), space.allowed(right))).toBe("yes");
  });

  function turnedRules(text: string): string {
    const [head = "", ...rest] = text.split("\n");
    const rules = rest.filter((line) => /^(require|allow|deny)/.test(line));
    const others = rest.filter((line) => !/^(require|allow|deny|\})/.test(line));
    return text.startsWith("policy") ? [head, ...others, ...rules.toReversed(), "}"].join("\n") : text;
  }

  test.prop([bodies, guard, condition, scope], { numRuns: 30 })(
    "a guard or deny more never widens",
    (all, body, when, where) => {
      const texts = sourcesOf(all);
      const before = programOf(texts.join("\n"));
      const guarded = programOf([...texts, `guard g {\n${body}\n}`].join("\n"));
      const denied = programOf(
        [...texts, `guard d { for resource "${where}" deny when ${when} }`].join("\n"),
      );
      const space = openSpace([before, guarded, denied], TOY);
      expect(space.implies(space.allowed(guarded), space.allowed(before))).toBe("yes");
      expect(space.implies(space.allowed(denied), space.allowed(before))).toBe("yes");
    },
  );

  test.prop([bodies, policy], { numRuns: 30 })("without denies, a policy more never narrows", (all, body) => {
    const quiet = [...all, body].map((one) => one.replaceAll(/^deny.*$/gm, ""));
    const before = programOf(sourcesOf(quiet.slice(0, -1)).join("\n"));
    const after = programOf(sourcesOf(quiet).join("\n"));
    const space = openSpace([before, after], TOY);
    const spared = space.without(space.allowed(before), space.allowed(after));
    const witness = space.witness(spared);
    expect([undefined, "cccc"]).toContain(witness?.facts.get("mark"));
  });
});

it("tries requests of every kind", () => {
  expect(REQUESTS).toHaveLength(8100);
});
