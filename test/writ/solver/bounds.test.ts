/** Does the solver stay within its budgets whatever a program asks, and say so when it does not know? Counts, never time. */
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { diffPrograms } from "../../../src/writ/diff/diff.ts";
import { openSpace, type SpaceOptions } from "../../../src/writ/solver/space.ts";
import { snpProgram } from "./snp.ts";

const name = (id: number | string): string => `client.sans contains "s${id}"`;
const times = (count: number, make: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => make(at)).join("\n");

function policy(body: string): string {
  return `policy p { for resource "a/*" require has client.sans ${body} allow }\n`;
}

function asked(body: string, options: SpaceOptions = {}) {
  const program = snpProgram([body]);
  const space = openSpace([program], SNP_VOCABULARY, options);
  const allowed = space.allowed(program);
  return { answer: space.isEmpty(allowed), size: space.size(), witness: space.witness(allowed) };
}

/** Nobody sits in two holes, and there is one hole fewer: unsatisfiable, and hard for whoever only searches. */
function pigeons(holes: number): string {
  const birds = Array.from({ length: holes + 1 }, (_, at) => at);
  const sits = birds.map(
    (bird) => `require any { ${times(holes, (hole) => `${name(`${bird}-${hole}`)},`)} }`,
  );
  const apart = birds.flatMap((bird) =>
    birds
      .slice(0, bird)
      .map((other) =>
        times(
          holes,
          (hole) => `require any { not ${name(`${bird}-${hole}`)}, not ${name(`${other}-${hole}`)} }`,
        ),
      ),
  );
  return policy([...sits, ...apart].join("\n"));
}

describe("a diagram", () => {
  it("of pairs that an alphabet puts far apart stays small: what is asked together lies together", () => {
    const pair = (bit: number): string =>
      `all { mitigations.launch contains bit ${bit}, mitigations.current contains bit ${bit} },`;
    const { answer, size } = asked(
      `policy p { for resource "a" require has mitigations.launch and has mitigations.current require any { ${times(16, pair)} } allow }`,
    );
    expect(answer).toBe("no");
    expect(size).toBeLessThan(2000);
  });

  it("of a thousand values in one set has one cell for them", () => {
    const set = times(1000, (at) => `"e${at}" = hex"${at.toString(16).padStart(96, "0")}"`);
    const { answer, size } = asked(
      `refset m of measurement { ${set} }\npolicy p { for resource "a" require measurement in m allow }`,
    );
    expect([answer, size < 30]).toEqual(["no", true]);
  });

  it("grows with what is asked, not with its square: 100 and 200 policies of their own", () => {
    const policies = (count: number): string =>
      times(
        count,
        (at) => `policy p${at} { for resource "a/${at}/*"
  require vmpl <= ${at % 4}
  require tcb.committed at least { snp ${at % 30} }
  require request.attempt <= ${at + 2}
  allow when measurement == hex"${at.toString(16).padStart(96, "0")}" }`,
      );
    const [small, large] = [asked(policies(100)).size, asked(policies(200)).size];
    expect(large).toBeLessThan(3 * small);
  });
});

describe("what is too hard", () => {
  it("is searched when no diagram fits, with the same answer", () => {
    expect(asked(pigeons(3)).answer).toBe("yes");
    expect(asked(pigeons(3), { maxNodes: 4 }).answer).toBe("yes");
    const { answer, witness } = asked(policy(times(6, (at) => `require ${name(at)}`)), { maxNodes: 4 });
    expect(answer).toBe("no");
    expect(witness?.facts.get("client.sans")).toHaveLength(6);
  });

  it("is not decided when the steps run out too, and nothing is shown for it", () => {
    const { answer, witness } = asked(pigeons(5), { maxNodes: 4, maxSteps: 50 });
    expect([answer, witness]).toEqual(["not-decided", undefined]);
  });

  it("makes no more nodes than its literals and its budget", () => {
    const { size } = asked(pigeons(6), { maxNodes: 300, maxSteps: 1000 });
    expect(size).toBeLessThan(600);
  });

  it("is not decided beyond the number of dimensions that can be walked", () => {
    const { answer } = asked(policy(`require any { ${times(3000, (at) => `${name(at)},`)} }`), {
      maxSteps: 5000,
    });
    expect(answer).toBe("not-decided");
  });

  it("is not decided for patterns that cross in too many ways", () => {
    const crossing = (at: number): string =>
      `"${Array.from({ length: 16 }, (_, place) => (place === at ? "x" : "*")).join("/")}"`;
    const scope = Array.from({ length: 16 }, (_, at) => crossing(at)).join(", ");
    const more = Array.from({ length: 15 }, (_, at) => crossing(at).replace("x", "y")).join(", ");
    const { answer } = asked(
      `policy p { for resource ${scope} allow } policy q { for resource ${more} allow }`,
    );
    expect(answer).toBe("not-decided");
  });

  it("is not decided for some of the values that no constant told apart", () => {
    const [both, one] = ["request.op in [release, derive]", "request.op == release"].map((when) =>
      snpProgram([`policy p { for resource "a" require ${when} allow }`]),
    );
    if (both === undefined || one === undefined) throw new Error("no program");
    const space = openSpace([both], SNP_VOCABULARY);
    expect(space.implies(space.allowed(one), space.allowed(both))).toBe("not-decided");
    expect(space.isEmpty(space.allowed(both))).toBe("no");
  });

  it("is not decided, never wrong, for a constant that the space was not cut at", () => {
    const [program, other] = [1, 2].map((vmpl) => snpProgram([policy(`require vmpl == ${vmpl}`)]));
    if (program === undefined || other === undefined) throw new Error("no program");
    const space = openSpace([program], SNP_VOCABULARY);
    expect(space.isEmpty(space.allowed(other))).toBe("not-decided");
    expect(space.contains(space.allowed(other), new Map())).toBe(undefined);
    const condition = other.declarations.find(({ kind }) => kind === "policy")?.requires[1]?.when;
    if (condition === undefined) throw new Error("no condition");
    expect(space.isEmpty(space.truthOf(condition).yes)).toBe("not-decided");
    const wider = openSpace([program], SNP_VOCABULARY, { conditions: [condition] });
    expect(wider.isEmpty(wider.truthOf(condition).yes)).toBe("no");
  });
});

describe("hostile programs are answered", () => {
  it("thousands of thresholds on both sides", () => {
    const side = (first: number) =>
      snpProgram([policy(times(1500, (at) => `deny when request.attempt == ${3 * at + first}`))]);
    const diff = diffPrograms({ older: side(0), newer: side(1) }, SNP_VOCABULARY);
    expect([diff.verdict, diff.examples.length, diff.disagreements]).toEqual(["both", 10, 0]);
  });

  it("thousands of windows and a weekday: exact up to 4,096 cells, then days are left free", () => {
    const day = (at: number): string => new Date(Date.UTC(2026, 0, 1 + at)).toISOString().slice(0, 10);
    const windows = (count: number): string =>
      times(
        count,
        (at) => `"e${at}" = hex"${at.toString(16).padStart(96, "0")}" valid ${day(at)} .. ${day(at + 1)}`,
      );
    const program = (count: number): string => `refset m of measurement { ${windows(count)} }
policy p { for resource "a" require measurement in m require now.weekday == mon require now.hour < 12 require now in 2026-01-06 .. 2026-01-11 allow }`;
    expect(asked(program(20)).answer).toBe("yes");
    expect(asked(program(2200)).answer).toBe("no");
  });

  it("tens of thousands of formulas upon each other, when none fits a diagram", () => {
    const program = snpProgram([policy(times(8, (at) => `require any { ${name(at)}, ${name(at + 1)} }`))]);
    const space = openSpace([program], SNP_VOCABULARY, { maxNodes: 2, maxSteps: 1_000_000 });
    let region = space.allowed(program);
    for (let at = 0; at < 50_000; at += 1) region = space.not(region);
    expect(["no", "not-decided"]).toContain(space.isEmpty(region));
  });
});
