/** What did readings of the language once disagree about? Each case stays, judged by the evaluator and by the solver. */
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { evaluate } from "../../../src/writ/evaluation/evaluator.ts";
import type { FactValue } from "../../../src/writ/facts.ts";
import { openSpace } from "../../../src/writ/solver/space.ts";
import { snpProgram } from "../solver/snp.ts";

const CLASSIC = "{ bootloader 1, tee 1, snp 3, microcode 75 }";
const WHOLE = "{ fmc 1, bootloader 1, tee 1, snp 3, microcode 75 }";
const NOBODY: readonly (readonly [string, FactValue])[] = [];

/** The clauses, the product, facts beside its ordinary ones, and whether the key is released. */
const ROWS = [
  ["a whole vector is not one without fmc", `require tcb.committed == ${CLASSIC}`, NOBODY, false],
  ["and that is sure", `require not (tcb.committed == ${CLASSIC})`, NOBODY, true],
  ["a vector equals itself", `require has tcb.committed.fmc and tcb.committed == ${WHOLE}`, NOBODY, true],
  ["`at least` compares what is named", `require tcb.committed at least ${CLASSIC}`, NOBODY, true],
  ["nobody's approval is none", 'require approvals from "ops" < 1', NOBODY, true],
  ["and is no unknown for a deny", 'deny when approvals from "ops" > 0', NOBODY, true],
  ["one approval is one", 'require approvals from "ops" < 1', [["approvals:ops", 1]], false],
] as const;

describe("a case that was disputed", () => {
  it.each(ROWS)("%s: %s", (_name, clause, facts, isAllowed) => {
    const program = snpProgram([`policy p { for resource "**"\n${clause}\nallow }`]);
    const request = new Map<string, FactValue>([
      ...(SNP_VOCABULARY.ordinary["turin"] ?? []),
      ["request.resource", "prod/db"],
      ["now", 1_790_812_800],
      ["now.weekday", "thu"],
      ["now.hour", 0],
      ...facts,
    ]);
    expect(evaluate(program, request).isAllowed).toBe(isAllowed);
    const space = openSpace([program], SNP_VOCABULARY);
    expect(space.contains(space.allowed(program), request)).toBe(isAllowed);
  });
});
