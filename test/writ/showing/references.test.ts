/** Are reference sets shown to the column? One set with every kind of row, as text. */
import { describe, expect, it } from "vitest";
import type { Entry, EntryState } from "../../../src/writ/program.ts";
import { refsetLines } from "../../../src/writ/showing/references.ts";

const ORIGIN = { file: "a.writ", span: { start: 0, end: 1 } };
const NOW = Date.parse("2026-06-01T00:00:00Z") / 1000;
const day = (text: string): number => Date.parse(`${text}:00Z`) / 1000;

function entry(label: string, value: string, state: EntryState, valid?: Entry["valid"]): Entry {
  return { label, value, state, at: "a.writ:1", origin: ORIGIN, ...(valid === undefined ? {} : { valid }) };
}

function shown(entries: readonly Entry[], owner?: string): readonly string[] {
  const set = { name: "images", module: "m", field: "measurement", entries, origin: ORIGIN };
  return refsetLines(owner === undefined ? set : { ...set, owner }, NOW);
}

/** What stands before the bar and after it: the bar has a test of its own. */
function besideBar(line: string | undefined): readonly [string, string] {
  const [before = "", after = ""] = (line ?? "").split(/[=.|]{32}>?/);
  return [before, after];
}

describe("a reference set", () => {
  it("has its field, its file and its owner, if it has one", () => {
    expect(shown([entry("a", "00", "active")])[0]).toBe("refset images of measurement   # a.writ");
    expect(shown([entry("a", "00", "active")], "me@example.org")[0]).toBe(
      "refset images of measurement   # a.writ, owner me@example.org",
    );
  });

  it("pads labels to the longest, shortens what has more than sixteen digits, and tells each window", () => {
    const lines = shown([
      entry("a", "0123456789abcdef", "active"),
      entry("longer", "0123456789abcdef0", "active", {
        from: day("2026-05-01T00:00"),
        to: day("2026-07-01T12:30"),
      }),
      entry("b", "01", "retiring", { from: day("2026-05-01T00:00") }),
      entry("c", "02", "revoked"),
    ]);
    expect(besideBar(lines[1])).toEqual([`  "a"       0123456789abcdef  active    `, "  always"]);
    expect(besideBar(lines[2])).toEqual([
      `  "longer"  01234567…  active    `,
      "  2026-05-01 .. 2026-07-01T12:30Z",
    ]);
    expect(besideBar(lines[3])).toEqual([`  "b"       01  retiring  `, "  2026-05-01 .."]);
    expect(lines[4]).toBe(`  "c"       02  revoked   denied for ever`);
  });
});
