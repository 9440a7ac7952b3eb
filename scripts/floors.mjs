/** Checks the floors with dependency-cruiser, and that it really looked at every file of `src`. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const run = spawnSync(
  process.execPath,
  [join(root, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs"), "src", "--output-type", "json"],
  { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 },
);
if (run.stdout === "") {
  process.stderr.write(run.stderr);
  process.exit(1);
}
const { modules, summary } = JSON.parse(run.stdout);
const cruised = modules.filter(({ source }) => /^src\/.*[.]ts$/.test(source)).length;
const held = readdirSync(join(root, "src"), { recursive: true }).filter((name) =>
  name.endsWith(".ts"),
).length;
for (const { from, to, rule } of summary.violations) {
  process.stderr.write(`floors: ${rule.name}: ${from} must not import ${to}\n`);
}
if (cruised < held)
  process.stderr.write(`floors: expected ${held} files of src, dependency-cruiser saw ${cruised}\n`);
const isGood = summary.violations.length === 0 && cruised >= held;
process.stdout.write(`floors: ${cruised} files, ${summary.violations.length} violations\n`);
process.exit(isGood ? 0 : 1);
