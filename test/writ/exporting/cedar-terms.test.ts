/** Is each piece of the Cedar text what Cedar's grammar wants? Row by row, and strings by Cedar's own parser. */
import { isAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  attribute,
  blockText,
  during,
  every,
  isLess,
  isVersion,
  list,
  moment,
  not,
  presence,
  presenceOf,
  quoted,
  some,
  valueText,
  within,
} from "../../../src/writ/exporting/cedar-terms.ts";

describe("a string", () => {
  it.each([
    ["", '""'],
    ["a b~!", '"a b~!"'],
    ['say "x"', '"say \\"x\\""'],
    ["back\\slash", '"back\\\\slash"'],
    ["\x1f \x7f", '"\\u{1f} \\u{7f}"'],
    ["line\nbreak\t", '"line\\u{a}break\\u{9}"'],
    ["é😀", '"\\u{e9}\\u{1f600}"'],
  ])("%j is written %s", (text, expected) => {
    expect(quoted(text)).toBe(expected);
  });

  it("is read by Cedar as the text that it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 12 }), (text) => {
        const answer = isAuthorized({
          principal: { type: "P", id: "p" },
          action: { type: "Action", id: "a" },
          resource: { type: "R", id: "r" },
          context: { own: text },
          policies: {
            staticPolicies: `permit(principal, action, resource) when { context.own == ${quoted(text)} };`,
          },
          entities: [],
        });
        expect(answer).toMatchObject({ type: "success", response: { decision: "allow" } });
      }),
    );
  });

  it("may stand in lists, attributes and presences", () => {
    expect(list(["a", 'b"'])).toBe('["a", "b\\""]');
    expect(list([])).toBe("[]");
    expect(attribute("tcb.committed")).toBe('context["tcb.committed"]');
    expect(presence("host.tio")).toBe('context has "host.tio"');
  });
});

describe("a combination", () => {
  it("leaves out what changes nothing, and is decided by what decides", () => {
    expect([every(), every("true"), every("a"), every("a", "true", "b"), every("a", "false")]).toEqual([
      "true",
      "true",
      "a",
      "(a && b)",
      "false",
    ]);
    expect([some(), some("false"), some("a"), some("a", "false", "b"), some("a", "true")]).toEqual([
      "false",
      "false",
      "a",
      "(a || b)",
      "true",
    ]);
    expect([not("true"), not("false"), not("a")]).toEqual(["false", "true", "!(a)"]);
  });
});

describe("a value and its presence", () => {
  const field = { key: "tcb.committed", name: "tcb.committed" } as const;

  it("is the attribute, its component, or what stands in where it is absent", () => {
    expect(valueText({ ...field, type: { kind: "tcb" } })).toBe('context["tcb.committed"]');
    expect(valueText({ ...field, type: { kind: "tcb" }, component: "snp" })).toBe(
      'context["tcb.committed"]["snp"]',
    );
    expect(valueText({ ...field, type: { kind: "tcb" }, fallback: 0 })).toBe(
      '(if context has "tcb.committed" then context["tcb.committed"] else 0)',
    );
  });

  it("is asked for only where it may be absent", () => {
    const type = { kind: "tcb" } as const;
    expect(presenceOf({ ...field, type })).toBe("true");
    expect(presenceOf({ ...field, type, absentWhere: "old ones" })).toBe('context has "tcb.committed"');
    expect(presenceOf({ ...field, type, absentWhere: "old ones", component: "fmc" })).toBe(
      '(context has "tcb.committed" && context["tcb.committed"] has "fmc")',
    );
  });
});

describe("a range", () => {
  const write = (bound: number) => String(bound);

  it("has both ends, one, or none", () => {
    expect(within("x", { least: 2, most: 2 }, write)).toBe("x == 2");
    expect(within("x", { least: 2, most: 3 }, write)).toBe("(x >= 2 && x <= 3)");
    expect(within("x", { least: 0 }, write)).toBe("x >= 0");
    expect(within("x", { most: 0 }, write)).toBe("x <= 0");
    expect(within("x", {}, write)).toBe("true");
  });

  it("of time is half open", () => {
    const day = (text: string): number => Date.parse(text) / 1000;
    const from = day("2026-10-01T00:00:00Z");
    expect(moment(from)).toBe('datetime("2026-10-01T00:00:00Z")');
    expect(during("t", undefined)).toBe("true");
    expect(during("t", { from })).toBe('t >= datetime("2026-10-01T00:00:00Z")');
    expect(during("t", { from, to: day("2026-11-01T12:30:00Z") })).toBe(
      '(t >= datetime("2026-10-01T00:00:00Z") && t < datetime("2026-11-01T12:30:00Z"))',
    );
  });

  it("of versions compares the parts in order", () => {
    expect(isLess("v", [1, 2, 3])).toBe(
      "(v.major < 1 || (v.major == 1 && v.minor < 2) || (v.major == 1 && v.minor == 2 && v.patch < 3))",
    );
    expect(isVersion("v", [1, 0, 7])).toBe("(v.major == 1 && v.minor == 0 && v.patch == 7)");
  });

  it("of addresses is a block", () => {
    expect(blockText({ family: 4, base: 0x0a01_0000n, prefix: 16 })).toBe('ip("10.1.0.0/16")');
    expect(blockText({ family: 6, base: 0x2001_0db8n << 96n, prefix: 32 })).toBe(
      'ip("2001:db8:0:0:0:0:0:0/32")',
    );
  });
});
