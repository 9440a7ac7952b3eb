/** Does the auditors' page of attacks say what the tests try and which guards stand, and are those guards where the table says? */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const GUARDS = v.parse(
  v.array(
    v.strictObject({
      id: v.string(),
      what: v.string(),
      cuts: v.array(v.strictObject({ file: v.string(), guard: v.string(), without: v.string() })),
      test: v.string(),
      name: v.string(),
    }),
  ),
  JSON.parse(read("scripts/guards.json")),
);

interface Row {
  readonly id: string;
  readonly stops: string;
  readonly tests: readonly string[];
}

const ROWS: readonly Row[] = read("docs/attacks.md")
  .split("\n")
  .filter((line) => /^\| A\d\d \|/.test(line))
  .map((line) => {
    const [, id = "", , stops = "", tests = ""] = line.split("|").map((cell) => cell.trim());
    return { id, stops, tests: [...tests.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path) };
  });

/** Rows that nothing of ours stops: there is only the absence of code, or (A03) a key that a thief of another does not have. */
const WITHOUT_GUARD = ["A03", "A18", "A29"];

describe("the page of attacks", () => {
  it("has each row of PROTOCOL section 12, in order, once", () => {
    const ids = Array.from({ length: 30 }, (_, i) => `A${String(i + 1).padStart(2, "0")}`);
    expect(ROWS.map(({ id }) => id)).toEqual(ids);
  });

  it.each(ROWS)("names tests that carry the id: $id", ({ id, tests }) => {
    expect(tests).not.toEqual([]);
    for (const path of tests) {
      expect({ path, isThere: read(path).includes(id) }).toEqual({ path, isThere: true });
    }
  });

  it.each(ROWS)(
    "has a guard in the table where one stands, and its test on the page: $id",
    ({ id, tests }) => {
      const own = GUARDS.filter((row) => idOf(row.id) === id);
      expect(own.length === 0).toBe(WITHOUT_GUARD.includes(id));
      for (const { test } of own) expect(tests).toContain(test);
    },
  );
});

function idOf(id: string): string {
  return id.split(".", 1).join("");
}

describe("the table of guards", () => {
  it.each(GUARDS)("finds each guard where it stood: $id, $what", ({ cuts }) => {
    for (const { file, guard, without } of cuts) {
      expect({ file, times: read(file).split(guard).length - 1 }).toEqual({ file, times: 1 });
      expect(without).not.toBe(guard);
    }
  });

  it("has each id once", () => {
    expect(new Set(GUARDS.map(({ id }) => id)).size).toBe(GUARDS.length);
  });
});
