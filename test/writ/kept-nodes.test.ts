/** Does a decision depend on the request alone, though nodes of the trace before are given again? Against a program that judged nothing yet. */
import { fc, it as property } from "@fast-check/vitest";
import { expect, it } from "vitest";
import { canonicalJson } from "../../src/base/canonical-json.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { evaluate } from "../../src/writ/evaluation/evaluator.ts";
import { explainTrace } from "../../src/writ/evaluation/explain.ts";
import type { Facts, FactValue } from "../../src/writ/facts.ts";

const OLD = "aa".repeat(48);
const NEW = "bb".repeat(48);
const SOURCE = `writ 1
refset images of measurement {
  "old" = hex"${OLD}" valid 2026-01-01 .. 2026-06-01 state retiring
  "new" = hex"${NEW}"
}
floor level { milan { snp 20 } genoa { snp 30 } }
policy p {
  for resource "a/*"
  require measurement in images
  require tcb.committed at least level else "low"
  require any { vmpl == 0, guest.abi >= 1.55, all { guest.smt, not guest.debug } }
  deny when vmpl > 2 because "high"
  allow "yes" when request.nonce_age <= 60s
  on release { max_releases 3 per report.id within 1h token_ttl 2m }
}
`;

function programOf() {
  const options = { vocabulary: SNP_VOCABULARY, digest: nodePrimitives.digest };
  const { program, diagnostics } = compileSources([{ path: "a.writ", text: SOURCE }], options);
  if (program === undefined) throw new Error(diagnostics[0]?.message);
  return program;
}

/** Everything that is told of a decision, order of members included. */
function told(program: ReturnType<typeof programOf>, facts: Facts): string {
  const decision = evaluate(program, facts);
  const { trace, ...rest } = decision;
  return [canonicalJson(trace), JSON.stringify(rest), explainTrace(trace, true)].join("\n");
}

const request = fc
  .record({
    measurement: fc.constantFrom(OLD, NEW, "cc".repeat(48)),
    "tcb.committed": fc.constantFrom({ snp: 25, tee: 0 }, { tee: 0, snp: 25 }, { snp: 19 }, { snp: 30 }, {}),
    product: fc.constantFrom("milan", "genoa", "turin"),
    vmpl: fc.constantFrom(0, 1, 3),
    "guest.abi": fc.constantFrom([1, 54, 0], [1, 55, 0]),
    "guest.debug": fc.boolean(),
    "request.nonce_age": fc.constantFrom(1000, 1001, 61_000),
    "report.id": fc.constantFrom("01".repeat(32), "02".repeat(32)),
    now: fc.constantFrom(Date.UTC(2026, 2) / 1000, Date.UTC(2026, 8) / 1000),
  })
  .map((changes): Facts => {
    const ordinary = SNP_VOCABULARY.ordinary["milan"] ?? new Map<string, FactValue>();
    const facts: readonly (readonly [string, FactValue])[] = [...ordinary, ["request.resource", "a/b"]];
    return new Map<string, FactValue>([...facts, ...Object.entries(changes)]);
  });

property.prop([fc.array(request, { minLength: 2, maxLength: 8 })], { numRuns: 60 })(
  "tells of each request what a fresh program tells of it",
  (requests) => {
    const program = programOf();
    for (const facts of requests) expect(told(program, facts)).toBe(told(programOf(), facts));
  },
);

it("shows a vector in the order of its own components", () => {
  const program = programOf();
  const ordinary = SNP_VOCABULARY.ordinary["genoa"] ?? new Map<string, FactValue>();
  const shown = [
    { snp: 1, tee: 0 },
    { tee: 0, snp: 1 },
  ].map((vector) => {
    const facts = new Map(ordinary).set("request.resource", "a/b").set("now", 1).set("tcb.committed", vector);
    return /got \{ (.*?) \}/.exec(explainTrace(evaluate(program, facts).trace, true))?.[1];
  });
  expect(shown).toEqual(["snp 1, tee 0", "tee 0, snp 1"]);
});

it("marks a retiring image each time, though nothing in the trace has changed", () => {
  const program = programOf();
  const ordinary = SNP_VOCABULARY.ordinary["milan"] ?? new Map<string, FactValue>();
  const facts = new Map<string, FactValue>([
    ...ordinary,
    ["request.resource", "a/b"],
    ["measurement", OLD],
    ["now", Date.UTC(2026, 2) / 1000],
  ]);
  expect([1, 2, 3].map(() => evaluate(program, facts).isRetiring)).toEqual([true, true, true]);
});
