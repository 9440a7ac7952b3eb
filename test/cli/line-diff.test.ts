/** Does the patch that is shown make one text of the other? Applied by git, and by a reading of its lines. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { lineDiff } from "../../src/cli/line-diff.ts";

const lines = fc
  .array(fc.constantFrom("a", "b", "c", "{", "}", ""), { maxLength: 40 })
  .map((all) => all.map((one) => `${one}\n`));

/** What the marks of a patch say of both sides, line numbers included. */
function applied(older: string, patch: string): string {
  const rest = older.split("\n").slice(0, -1);
  const made: string[] = [];
  let at = 0;
  for (const line of patch.split("\n").slice(2, -1)) {
    const start = startOf(line);
    if (start !== undefined) {
      made.push(...rest.slice(at, start));
      at = start;
      continue;
    }
    const [mark, text] = [line.slice(0, 1), line.slice(1)];
    if (mark !== "-") made.push(text);
    if (mark !== "+") expect(rest[at]).toBe(text);
    at += mark === "+" ? 0 : 1;
  }
  return [...made, ...rest.slice(at)].map((line) => `${line}\n`).join("");
}

/** Where a hunk begins, from 0; one of no lines stands behind the line that it names. */
function startOf(line: string): number | undefined {
  const [, from, size] = /^@@ -(\d+),(\d+) \+\d+,\d+ @@$/.exec(line) ?? [];
  return from === undefined ? undefined : Number(from) - (size === "0" ? 0 : 1);
}

describe("a patch", () => {
  test.prop([lines, lines])("makes one text of the other", (older, newer) => {
    const [from, to] = [older.join(""), newer.join("")];
    const patch = lineDiff("x.writ", from, to);
    if (from === to) expect(patch).toBe("");
    else expect(applied(from, patch)).toBe(to);
  });

  it("is one that git applies", () => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-patch-"));
    const older = Array.from({ length: 60 }, (_, i) => `line ${i}\n`);
    const newer = older.filter((_, i) => i !== 7 && (i < 30 || i > 34)).join("");
    writeFileSync(join(folder, "x.writ"), older.join(""));
    const { status } = spawnSync("git", ["apply"], {
      cwd: folder,
      input: lineDiff("x.writ", older.join(""), newer),
    });
    expect([status, readFileSync(join(folder, "x.writ"), "utf8")]).toEqual([0, newer]);
    rmSync(folder, { recursive: true });
  });

  it("of a text that is too large to compare takes it away and writes the other", () => {
    const text = (word: string): string =>
      `${Array.from({ length: 4500 }, (_, i) => `${word} ${i}`).join("\n")}\n`;
    const patch = lineDiff("x.writ", text("one"), text("two"));
    expect(applied(text("one"), patch)).toBe(text("two"));
  });
});
