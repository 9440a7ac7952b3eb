import { describe, expect, expectTypeOf, it } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import type { VerifiedEvidence } from "../../src/attestation/verify.ts";
import type { BoundEvidence } from "../../src/channel/bind.ts";
import { type Appraisal, type AppraisalOutcome, appraise, appraiseAgain } from "../../src/policy/appraise.ts";
import { factsOf } from "../../src/policy/facts.ts";
import { boundOf, CONTEXT, MILAN_V3, reportBytes, verificationOf } from "./report-bytes.ts";

describe("the type is the receipt", () => {
  it("evidence that was only parsed does not reach the policy", () => {
    const evidence = parseEvidence({ format: "raw", report: reportBytes(MILAN_V3) });
    // @ts-expect-error parsed is not verified
    expect(appraise(evidence, undefined, CONTEXT).isAllowed).toBe(false);
  });

  it("evidence that was verified but not bound does not reach the policy", () => {
    const verified = verificationOf(MILAN_V3) as VerifiedEvidence;
    // @ts-expect-error verified is not bound
    expect(appraise(verified, undefined, CONTEXT).isAllowed).toBe(false);
  });

  it("facts that nobody decided on are not appraised again", () => {
    const facts = factsOf(verificationOf(MILAN_V3), CONTEXT);
    // @ts-expect-error seen is not held
    expect(appraiseAgain(facts, undefined, { ...CONTEXT, heldMs: 0 }).isAllowed).toBe(false);
  });

  it("an outcome that nobody appraised is no appraisal", () => {
    expectTypeOf<AppraisalOutcome>().not.toExtend<Appraisal>();
    expectTypeOf<VerifiedEvidence>().not.toExtend<BoundEvidence>();
    expectTypeOf(appraise(boundOf(MILAN_V3), undefined, CONTEXT)).toEqualTypeOf<Appraisal>();
  });
});
