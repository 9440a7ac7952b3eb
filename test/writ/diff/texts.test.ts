/** Do values, durations and obligations read as a source would say them? One row per form. */
import { describe, expect, it } from "vitest";
import { obligationsText } from "../../../src/writ/diff/obligations-text.ts";
import { termText } from "../../../src/writ/diff/term-text.ts";
import { durationText, timeText, valueText } from "../../../src/writ/diff/value-text.ts";
import { mergeObligations } from "../../../src/writ/evaluation/obligations.ts";
import type { FactValue } from "../../../src/writ/facts.ts";
import type { FieldRef, Term } from "../../../src/writ/program.ts";
import type { FieldType } from "../../../src/writ/vocabulary.ts";
import { lamp, programOf } from "../toy.ts";

const ORIGIN = { file: "a.writ", span: { start: 0, end: 0 } };

describe("a duration", () => {
  it.each([
    [0, "0ms"],
    [1, "1ms"],
    [1500, "1500ms"],
    [1000, "1s"],
    [59_000, "59s"],
    [60_000, "1m"],
    [90_000, "90s"],
    [3_600_000, "1h"],
    [5_400_000, "90m"],
    [86_400_000, "24h"],
    [90_000_000, "25h"],
    [172_800_000, "2d"],
  ])("of %i ms is %s: the largest unit that holds it whole, and a day is 24h", (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
});

describe("a value", () => {
  const entry = {
    label: "one",
    value: "ab".repeat(48),
    state: "active",
    at: "a.writ:1",
    origin: ORIGIN,
  } as const;
  const set = { name: "s", module: "m", field: "x", entries: [entry], origin: ORIGIN };
  const rows: readonly (readonly [type: FieldType, value: FactValue, text: string])[] = [
    [{ kind: "bits", bits: 8 }, 10n, "0xa"],
    [{ kind: "version" }, [1, 55, 3], "1.55.3"],
    [{ kind: "tcb" }, { snp: 3, tee: 0 }, "{ snp 3, tee 0 }"],
    [{ kind: "tcb" }, {}, "{ }"],
    [{ kind: "set" }, ["a", 'b"'], '["a", "b\\""]'],
    [{ kind: "set" }, [], "[]"],
    [{ kind: "time" }, 1_800_000_000, "2027-01-15T08:00Z"],
    [{ kind: "time" }, 1_800_000_001, "2027-01-15T08:00:01Z"],
    [{ kind: "duration" }, 60_000, "1m"],
    [{ kind: "bytes", size: 48 }, "cd".repeat(48), "cdcdcdcd…"],
    [{ kind: "bytes", size: 8 }, "0123456789abcdef", "0123456789abcdef"],
    [{ kind: "bytes", size: 9 }, "0123456789abcdef01", "01234567…"],
    [{ kind: "str" }, 'a"b', '"a\\"b"'],
    [{ kind: "cidr" }, "192.0.2.1", '"192.0.2.1"'],
    [{ kind: "enum", values: ["a"] }, "a", "a"],
    [{ kind: "flag" }, true, "true"],
    [{ kind: "uint", bits: 8 }, 7, "7"],
    [{ kind: "path" }, "a/b", "a/b"],
  ];
  it.each(rows)("%j", (type, value, text) => {
    expect(valueText({ name: "y", type }, value, [])).toBe(text);
  });

  it("that a set names has its name, in the field of that set only", () => {
    const bytes: FieldType = { kind: "bytes", size: 48 };
    const texts = ["x", "y"].map((name) => valueText({ name, type: bytes }, entry.value, [set]));
    expect(texts).toEqual(['abababab… ("one")', "abababab…"]);
  });
});

const PER: FieldRef = { name: "report.id", key: "report.id", type: { kind: "bytes", size: 32 } };

const TERMS: readonly (readonly [term: Term, text: string])[] = [
  [{ kind: "token_ttl", ms: 60_000 }, "token_ttl 1m"],
  [{ kind: "approvals_expire", ms: 1000 }, "approvals_expire 1s"],
  [{ kind: "reattest", ms: 600_000 }, "reattest every 10m"],
  [{ kind: "max_releases", limit: 3, per: PER }, "max_releases 3 per report.id"],
  [
    { kind: "max_releases", limit: 3, per: PER, windowMs: 3_600_000 },
    "max_releases 3 per report.id within 1h",
  ],
  [{ kind: "max_releases", limit: 1, per: "approvals" }, "max_releases 1 per approvals"],
  [{ kind: "rate", limit: 10, windowMs: 60_000 }, "rate 10 per 1m"],
  [{ kind: "wrap", wrap: "hpke-xwing" }, "wrap hpke-xwing"],
  [{ kind: "key_version", version: "current" }, "key_version current"],
  [{ kind: "key_version", version: "any" }, "key_version any"],
  [{ kind: "key_version", version: { atLeast: 3 } }, "key_version >= 3"],
  [{ kind: "notify", names: ["a", "b"] }, 'notify "a" "b"'],
  [{ kind: "audit", level: "summary" }, "audit summary"],
];

/** What one policy with these obligations asks of a release. */
function granted(terms: readonly Term[]) {
  const [policy] = programOf('policy p { for resource "**" allow }').declarations;
  if (policy === undefined) throw new Error("no policy");
  const obligations = terms.map((term) => ({ ...term, origin: ORIGIN }));
  return mergeObligations([{ ...policy, obligations }], lamp());
}

describe("an obligation", () => {
  it.each(TERMS)("%j is written as its source says it", (term, text) => {
    expect(termText(term)).toBe(text);
  });

  it.each(TERMS)("%j is told as what a decision has of its kind", (term, text) => {
    expect(obligationsText(granted([term]), text)).toBe(`\`${text}\``);
  });

  it("is told as what holds by default, or as none", () => {
    const nothing = granted([]);
    const told = TERMS.map(([, text]) => [text.split(" ")[0], obligationsText(nothing, text)]);
    expect(Object.fromEntries(told)).toEqual({
      token_ttl: "`token_ttl 1m`",
      approvals_expire: "`approvals_expire 15m`",
      reattest: "none",
      max_releases: "none",
      rate: "none",
      wrap: "none",
      key_version: "`key_version current`",
      notify: "none",
      audit: "`audit full`",
    });
  });
});

it("a moment is written without the seconds that it has not", () => {
  expect([timeText(0), timeText(59)]).toEqual(["1970-01-01T00:00Z", "1970-01-01T00:00:59Z"]);
});
