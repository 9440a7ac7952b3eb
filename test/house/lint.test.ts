/** Do the lint rules of this house catch what they must? Each on a text that breaks it. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

const LONG = `export function long(): number {\n${"  Math.abs(1);\n".repeat(60)}  return 1;\n}\n`;

const BROKEN = [
  ["src/base/clock.ts", "export const now = () => Date.now();", "noRestrictedGlobals"],
  ["src/broker/clock.ts", "export const now = () => new Date();", "noRestrictedGlobals"],
  ["src/writ/dice.ts", "export const roll = () => Math.random();", "chance comes in as an argument"],
  ["src/http/any.ts", "export const a: any = 1;", "noExplicitAny"],
  ["src/http/bang.ts", "export const a = [1][0]!;", "noNonNullAssertion"],
  ["src/http/kind.ts", "export enum Kind { A }", "noEnum"],
  ["src/http/print.ts", "console.log(1);", "noConsole"],
  ["src/http/env.ts", "export const home = process.env.HOME;", "noProcessEnv"],
  ["src/http/front.ts", "export default 1;", "noDefaultExport"],
  ["src/http/all.ts", 'export * from "./app.ts";', "noReExportAll"],
  ["src/http/long.ts", LONG, "noExcessiveLinesPerFunction"],
  ["src/http/NotKebab.ts", "export const a = 1;", "useFilenamingConvention"],
] as const;

const ALLOWED = ["src/runtime/node/clock.ts", "export const now = () => Date.now();"] as const;

let tree: string;
let said: string;

function write(path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), `${text}\n`);
}

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "ostiary-lint-"));
  cpSync(join(root, "biome.json"), join(tree, "biome.json"));
  cpSync(join(root, "scripts/no-ambient-random.grit"), join(tree, "scripts/no-ambient-random.grit"));
  write(".gitignore", "node_modules/");
  write("src/http/app.ts", "export const app = 1;");
  for (const [path, text] of [...BROKEN, ALLOWED]) write(path, text);
  const words = ["lint", "--colors=off", "--max-diagnostics=none", "."];
  const run = spawnSync(join(root, "node_modules/.bin/biome"), words, { cwd: tree, encoding: "utf8" });
  said = run.stdout + run.stderr;
}, 60_000);

afterAll(() => rmSync(tree, { recursive: true, force: true }));

/** What was said of one file: from each of its headings to the next heading. */
function saidOf(path: string): string {
  return said
    .split(/^(?=src\/\S+)/m)
    .filter((part) => part.startsWith(path))
    .join("");
}

describe("lint", () => {
  it.each(BROKEN)("in %s refuses `%s` by %s", (path, _text, rule) => {
    expect(saidOf(path)).toContain(rule);
  });

  it("lets an edge read the clock", () => {
    expect(saidOf(ALLOWED[0])).toBe("");
  });
});
