/** Does `docs/agent-doctor.md` name every finding, and no other? */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const FOLDER = join(ROOT, "src/agent/doctor");
const ID = /(?:finding\(\s*|id: )"([a-z]+\.[a-z-]+)"/g;

it("has a row for each finding", () => {
  const sources = readdirSync(FOLDER).map((name) => readFileSync(join(FOLDER, name), "utf8"));
  const made = new Set(sources.flatMap((text) => [...text.matchAll(ID)].map(([, id]) => id)));
  const page = readFileSync(join(ROOT, "docs/agent-doctor.md"), "utf8");
  const documented = [...page.matchAll(/^\| `([a-z]+\.[a-z-]+)` \|/gm)].map(([, id]) => id);
  expect(made.size).toBeGreaterThan(30);
  expect([...documented].sort()).toEqual([...made].sort());
});
