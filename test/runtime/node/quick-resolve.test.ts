/** Does the short way to drizzle-orm's modules lead where Node's own way leads? Every module of every store, by URL and format. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";

const SRC = pathToFileURL(join(import.meta.dirname, "../../../src/")).href;
const STORES = ["store/sqlite.ts", "store/postgres.ts", "store/memory.ts"].map((path) => `${SRC}${path}`);

/** What is loaded for the stores, by a process of its own, with another module loaded first. */
function loaded(first: string): readonly string[] {
  const program = `
    import { registerHooks } from "node:module";
    await import(${JSON.stringify(first)});
    const seen = [];
    registerHooks({
      load: (url, context, next) => {
        seen.push(url + " " + context.format);
        return next(url, context);
      },
    });
    for (const url of ${JSON.stringify(STORES)}) await import(url);
    console.log(JSON.stringify(seen));`;
  const run = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  expect(run.stderr).toBe("");
  return JSON.parse(run.stdout);
}

it("is Node's own answer for every module of the stores", () => {
  const usual = loaded("data:text/javascript,0");
  const quick = loaded(`${SRC}runtime/node/quick-resolve.mjs`);
  expect(usual.filter((one) => one.includes("/drizzle-orm/")).length).toBeGreaterThan(20);
  expect(quick).toEqual(usual);
});
