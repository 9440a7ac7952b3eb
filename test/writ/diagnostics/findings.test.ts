/** Which findings are shown, in which order, and how many? By place, one error a token, at most 100 and a count of the rest. */
import { describe, expect, it } from "vitest";
import type { Severity } from "../../../src/writ/diagnostics/diagnostic.ts";
import {
  advice,
  choice,
  createFindings,
  fix,
  isSaturated,
  report,
  settledFindings,
} from "../../../src/writ/diagnostics/findings.ts";

type Row = readonly [code: string, start: number, severity?: Severity];

function reported(rows: readonly Row[]) {
  const findings = createFindings("a.writ");
  for (const [code, start, severity] of rows) {
    const span = { start, end: start + 1 };
    report(findings, { code, span, message: code, ...(severity === undefined ? {} : { severity }) });
  }
  return findings;
}

function shown(rows: readonly Row[]): readonly string[] {
  return settledFindings(reported(rows)).map(({ code, primary }) => `${code} ${primary.span.start}`);
}

function many(count: number, severity: Severity): readonly Row[] {
  return Array.from({ length: count }, (_, at): Row => ["X0001", at, severity]);
}

describe("findings are shown", () => {
  it("by place, errors before warnings before notes there", () => {
    const rows: readonly Row[] = [
      ["N1", 5, "note"],
      ["W1", 5, "warning"],
      ["E2", 9],
      ["E1", 5],
      ["W0", 2, "warning"],
    ];
    const inOrder = ["W0 2", "E1 5", "W1 5", "N1 5", "E2 9"];
    expect(shown(rows)).toEqual(inOrder);
    expect(shown(rows.toReversed())).toEqual(inOrder);
  });

  it("one error a place, that of the lowest code, but warnings of every code once", () => {
    const rows: readonly Row[] = [
      ["E3", 5],
      ["E2", 5],
      ["E2", 6],
      ["W2", 5, "warning"],
      ["W1", 5, "warning"],
      ["W1", 5, "warning"],
    ];
    expect(shown(rows)).toEqual(["E2 5", "W1 5", "W2 5", "E2 6"]);
  });

  it("whole, with what was left out as empty", () => {
    const findings = createFindings("a.writ");
    const span = { start: 1, end: 2 };
    report(findings, { code: "E1", span, message: "m" });
    const full = {
      code: "W1",
      severity: "warning",
      span: { start: 3, end: 4 },
      message: "n",
      label: "l",
      secondary: [{ span, text: "s" }],
      notes: ["o"],
      helps: advice("h"),
    } as const;
    report(findings, full);
    const { label: text, span: at, ...rest } = full;
    expect(settledFindings(findings)).toEqual([
      {
        code: "E1",
        severity: "error",
        file: "a.writ",
        message: "m",
        primary: { span, text: "" },
        secondary: [],
        notes: [],
        helps: [],
      },
      { ...rest, file: "a.writ", primary: { span: at, text } },
    ]);
  });

  it("up to a hundred errors; then how many more", () => {
    expect(shown(many(100, "error"))).toHaveLength(100);
    const [last, ...none] = settledFindings(reported(many(101, "error"))).slice(100);
    expect(none).toEqual([]);
    expect(last).toEqual({
      code: "E0015",
      severity: "error",
      file: "a.writ",
      message: "this file has 1 more error",
      primary: { span: { start: 99, end: 100 }, text: "the last one shown is here" },
      secondary: [],
      notes: [],
      helps: [],
    });
    const more = settledFindings(reported(many(2500, "error"))).at(-1);
    expect(more?.message).toBe("this file has 2400 more errors");
  });

  it("up to a thousand warnings, errors beside them all the same", () => {
    expect(shown(many(1000, "warning"))).toHaveLength(1000);
    const rows = [...many(1002, "warning"), ["E1", 5] satisfies Row];
    const told = settledFindings(reported(rows));
    expect(told.at(-1)?.message).toBe("this file has 2 more warnings");
    expect(told.filter(({ severity }) => severity === "error")).toHaveLength(1);
    expect(told.at(-1)?.severity).toBe("warning");
  });

  it("not more than are kept, whatever a text holds", () => {
    const findings = reported(many(2010, "error"));
    expect([findings.kept.length, findings.errors, findings.dropped]).toEqual([2000, 2000, 10]);
  });

  it("without advice that costs time once there are more than are shown", () => {
    expect([100, 101].map((count) => isSaturated(reported(many(count, "error"))))).toEqual([false, true]);
  });
});

it("advice has no edit, a fix has one, a choice has some of which one is taken", () => {
  const span = { start: 1, end: 2 };
  expect(advice("a")).toEqual([{ text: "a", fixes: [] }]);
  expect(fix("a", span, "b")).toEqual([{ text: "a", fixes: [[{ span, text: "b" }]] }]);
  const edits = [
    { span, text: "b" },
    { span, text: "c" },
  ];
  expect(choice("a", edits)).toEqual([{ text: "a", fixes: [[edits[0]], [edits[1]]] }]);
});
