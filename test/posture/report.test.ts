/** Are the figures what their definitions say, with open items, drills and recurrences each in their place? */
import { describe, expect, it } from "vitest";
import { addSeconds, instant } from "../../src/base/time.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { FINDING_CLASSES } from "../../src/posture/classes.ts";
import { figuresOf } from "../../src/posture/figures.ts";
import { guardrailOf, RECURS_AT } from "../../src/posture/guardrails.ts";
import { reportOf } from "../../src/posture/report.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import type { ClassFigures, Finding } from "../../src/wire/finding-messages.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { formatSource } from "../../src/writ/formatting/format.ts";

const NOW = instant(1_795_000_000);
const WINDOW = { since: addSeconds(NOW, -10_000), until: NOW };

/** Detected so long ago, introduced so long before that, and ended so long after. */
function finding(
  ago: number,
  changes: { readonly origin?: number; readonly took?: number } & Partial<Finding> = {},
): Finding {
  const { origin, took, ...rest } = changes;
  const detectedAt = addSeconds(NOW, -ago);
  return {
    id: "0".repeat(32),
    episode: 1,
    class: "credential-weak",
    subject: "a",
    severity: "high",
    owner: "",
    sentence: "s",
    advice: "a",
    evidence: {},
    introducedAt: origin === undefined ? undefined : addSeconds(detectedAt, -origin),
    detectedAt,
    seenAt: detectedAt,
    ...(took === undefined ? {} : { remediated: { at: addSeconds(detectedAt, took), how: "passed" } }),
    recurrences: 0,
    ...rest,
  };
}

describe("the figures", () => {
  it("are means and nearest ranks of the window, and nothing where there is nothing", () => {
    const some = [10, 20, 30, 40].map((origin, i) => finding(1000, { origin, took: 100 * (i + 1) }));
    expect(figuresOf("all", some, WINDOW)).toMatchObject({
      detected: 4,
      timeToDetect: { count: 4, mean: 25, p50: 20, p90: 40 },
      timeToRemediate: { count: 4, mean: 250, p50: 200, p90: 400 },
      remediated: 4,
      open: 0,
    });
    const none = figuresOf("all", [], WINDOW);
    expect(none).toEqual({
      class: "all",
      detected: 0,
      withoutOrigin: 0,
      remediated: 0,
      gone: 0,
      open: 0,
      acknowledged: 0,
      recurrences: 0,
    });
  });

  it("leave what has no origin out of the time to detect, and say how many", () => {
    const figures = figuresOf("all", [finding(100), finding(100, { origin: 50 })], WINDOW);
    expect([figures.withoutOrigin, figures.timeToDetect?.count, figures.timeToDetect?.mean]).toEqual([
      1, 1, 50,
    ]);
  });

  it("count open ones as lasting at least until now: never as zero, never left out", () => {
    const figures = figuresOf("all", [finding(900, { took: 10 }), finding(800), finding(700)], WINDOW);
    expect(figures.timeToRemediate).toMatchObject({ count: 1, mean: 10 });
    expect(figures.survival).toEqual({ count: 3, ended: 1, open: 2 });
    expect(figures.ageOfOpen).toMatchObject({ count: 2, p50: 700, p90: 800 });
  });

  it("count what is open whenever it was detected, and what ended in the window by its end", () => {
    const old = [finding(50_000), finding(50_000, { took: 45_000 }), finding(50_000, { took: 10 })];
    const figures = figuresOf("all", old, WINDOW);
    expect([figures.detected, figures.open, figures.remediated]).toEqual([0, 1, 1]);
  });

  it("count an acknowledged one as open", () => {
    const known = finding(100, { acknowledged: { at: NOW, by: "admin-1", note: "" } });
    expect(figuresOf("all", [known], WINDOW)).toMatchObject({ open: 1, acknowledged: 1, remediated: 0 });
  });

  it("take an origin that lies ahead for none", () => {
    expect(figuresOf("all", [finding(100, { origin: -50 })], WINDOW).timeToDetect?.mean).toBe(0);
  });

  it("keep drills apart, and define every figure", () => {
    const report = reportOf(
      [finding(100, { origin: 5 }), finding(100, { origin: 9, drill: "01J" })],
      [],
      WINDOW,
    );
    expect(report.all.timeToDetect).toMatchObject({ count: 1, mean: 5 });
    expect(report.classes.map(({ detected }) => detected)).toEqual([1]);
    expect(report.drills.map(({ timeToDetect }) => timeToDetect?.mean)).toEqual([9]);
    const named = ["timeToDetect", "timeToRemediate", "survival", "ageOfOpen", "recurrences", "open", "gone"];
    for (const name of named) expect(report.definitions[name]).not.toBe("");
  });

  it("count a spell that came again, and another spell of the same", () => {
    const figures = figuresOf("all", [finding(100, { recurrences: 2 }), finding(50, { episode: 2 })], WINDOW);
    expect(figures.recurrences).toBe(3);
  });
});

describe("a class that comes back, or is slow", () => {
  const figures = (changes: Partial<ClassFigures>): ClassFigures => ({
    ...figuresOf("crl-stale", [], WINDOW),
    ...changes,
  });

  it("proposes a guard, and any other does not", () => {
    expect(guardrailOf(figures({}), NOW)).toBeUndefined();
    expect(guardrailOf(figures({ recurrences: RECURS_AT - 1 }), NOW)).toBeUndefined();
    expect(guardrailOf(figures({ recurrences: RECURS_AT }), NOW)?.because).toContain("3 times");
    const aim = FINDING_CLASSES["crl-stale"].targetSeconds;
    const survival = { count: 3, ended: 2, open: 1 };
    expect(guardrailOf(figures({ survival: { ...survival, p50: aim } }), NOW)).toBeUndefined();
    expect(guardrailOf(figures({ survival: { ...survival, p50: aim + 1 } }), NOW)).toBeDefined();
    expect(guardrailOf(figures({ survival }), NOW)).toBeDefined();
    expect(guardrailOf(figures({ survival: { count: 1, ended: 0, open: 1 } }), NOW)).toBeUndefined();
  });

  it.each(Object.keys(FINDING_CLASSES))(
    "of %s: each step compiles, is in form, and binds when it says",
    (name) => {
      const guardrail = guardrailOf(figures({ class: name, recurrences: RECURS_AT }), NOW);
      const stages = guardrail?.stages ?? [];
      expect(stages.length > 0 || guardrail?.instead !== undefined).toBe(true);
      for (const { writ } of stages) {
        const files = [{ path: "guardrail.writ", text: writ }];
        const options = { vocabulary: SNP_VOCABULARY, digest: nodePrimitives.digest };
        expect(
          compileSources(files, options).diagnostics.filter(({ severity }) => severity === "error"),
        ).toEqual([]);
      }
      for (const { writ } of stages) expect(formatSource("guardrail.writ", writ).text).toBe(writ);
      if (stages.length === 0) return;
      expect(stages.map(({ stage }) => stage)).toEqual(["observe", "warn", "enforce"]);
      expect(stages[1]?.writ).toContain("valid 2026-12-");
      expect(stages[2]?.writ).not.toContain("valid");
    },
  );
});
