/** Is the estimate the published one, and does it agree with plain quantiles where nothing is open? */
import { fc, it } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { spreadOf } from "../../src/posture/quantiles.ts";
import { type Followed, quantileOf, survivalCurve, survivalOf } from "../../src/posture/survival.ts";

/** `10+` was followed for 10 and had not ended. */
function followed(text: string): readonly Followed[] {
  return text.split(" ").map((one) => ({ seconds: Number.parseInt(one, 10), hasEnded: !one.endsWith("+") }));
}

/**
 * Weeks in remission of 21 patients under 6-mercaptopurine: Freireich and others, Blood 21 (1963) 699; worked as an example by
 * Gehan, Biometrika 52 (1965) 203, and in textbooks since, from which the estimates are.
 */
const MERCAPTOPURINE = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+";
/** The other 21 of that trial, under placebo: all ended. */
const PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23";
/** Weeks in remission under maintained chemotherapy: Miller, Survival Analysis (1981), data set `aml` of R's survival package. */
const MAINTAINED = "9 13 13+ 18 23 28+ 31 34 45+ 48 161+";

describe("the estimate", () => {
  it("is that of Freireich's trial, step for step", () => {
    const steps = survivalCurve(followed(MERCAPTOPURINE)).map(({ seconds, left }) => [
      seconds,
      left.toFixed(3),
    ]);
    expect(steps).toEqual([
      [6, "0.857"],
      [7, "0.807"],
      [10, "0.753"],
      [13, "0.690"],
      [16, "0.627"],
      [22, "0.538"],
      [23, "0.448"],
    ]);
    expect(survivalOf(followed(MERCAPTOPURINE))).toEqual({ count: 21, ended: 9, open: 12, p50: 23 });
    expect(survivalOf(followed(PLACEBO))).toMatchObject({ ended: 21, p50: 8 });
  });

  it("is that of Miller's example", () => {
    const steps = survivalCurve(followed(MAINTAINED)).map(({ seconds, left }) => [seconds, left.toFixed(3)]);
    expect(steps).toEqual([
      [9, "0.909"],
      [13, "0.818"],
      [18, "0.716"],
      [23, "0.614"],
      [31, "0.491"],
      [34, "0.368"],
      [48, "0.184"],
    ]);
    expect(survivalOf(followed(MAINTAINED))?.p50).toBe(31);
  });

  it("of nothing is nothing, and of what never ended has no quantile", () => {
    expect(survivalOf([])).toBeUndefined();
    expect(survivalOf(followed("5+ 9+"))).toEqual({ count: 2, ended: 0, open: 2 });
    expect(spreadOf([])).toBeUndefined();
  });

  const durations = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 60 });

  it.prop([durations])("is the plain quantile where all have ended", (seconds) => {
    const curve = survivalCurve(seconds.map((one) => ({ seconds: one, hasEnded: true })));
    const spread = spreadOf(seconds);
    expect([quantileOf(curve, 0.5), quantileOf(curve, 0.9)]).toEqual([spread?.p50, spread?.p90]);
  });

  const items = fc.array(fc.record({ seconds: fc.integer({ min: 0, max: 50 }), hasEnded: fc.boolean() }), {
    minLength: 1,
    maxLength: 40,
  });

  it.prop([items])("only falls, and is never shorter than if open items had ended at once", (all) => {
    const curve = survivalCurve(all);
    const lefts = [1, ...curve.map(({ left }) => left)];
    expect(lefts).toEqual(lefts.toSorted((a, b) => b - a));
    const careless = quantileOf(survivalCurve(all.map((one) => ({ ...one, hasEnded: true }))), 0.5) ?? 0;
    expect(quantileOf(curve, 0.5) ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(careless);
  });
});
