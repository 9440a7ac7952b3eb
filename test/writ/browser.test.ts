/** Is what `scripts/browser.mjs` bundles the language, within its budget? The very files that a page would load. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, it } from "vitest";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { describeBrowserBuild } from "../contract/writ-browser.ts";

const folder = mkdtempSync(join(tmpdir(), "writ-browser-"));
afterAll(() => rmSync(folder, { recursive: true }));
const script = join(import.meta.dirname, "../../scripts/browser.mjs");
const built = spawnSync(process.execPath, [script, "--out", folder], { encoding: "utf8" });

it("keeps the bundle within its budget, and says what each part weighs", () => {
  expect(built.stderr).toBe("");
  expect(built.status).toBe(0);
  expect(built.stdout).toMatch(
    /^browser: gzip bytes: language \d+ of 40000, diff \d+ of \d+, vocabulary \d+ of \d+\n$/,
  );
});

it("bundles no Node module and makes no code from text", () => {
  const telling = /(?:from|import)\s*\(?"[\w@][\w@:/.-]*"|\beval\(|\bFunction\(|\brequire\(/;
  const found = readdirSync(folder).flatMap(
    (name) => readFileSync(join(folder, name), "utf8").match(telling) ?? [],
  );
  expect(found).toEqual([]);
});

const load = (name: string) => import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href);
describeBrowserBuild({
  name: "the bundle",
  language: await load("language.js"),
  vocabulary: (await load("vocabulary.js")).SNP_VOCABULARY,
  digest: nodePrimitives.digest,
});
