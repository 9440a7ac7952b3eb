/**
 * Would a test notice if a guard were gone? Takes each guard of `guards.json` out of a copy of the tree and runs the test that must fail.
 *
 * Without arguments every row; words are ids or parts of them (`A05`, `A1`). Every named test has to pass first, with all guards in
 * place. Ends with 1 when a test stays green without its guard, when a guard's text is not in its file exactly once, or when a
 * test is not there. Nothing of the tree itself is written to.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const LEFT_OUT = new Set(["node_modules", ".git", ".stryker-tmp", "coverage", "dist", "reports"]);
const words = process.argv.slice(2);
const table = JSON.parse(readFileSync(join(root, "scripts/guards.json"), "utf8"));
const rows = table.filter(({ id }) => words.length === 0 || words.some((word) => id.startsWith(word)));
if (rows.length === 0) fail(`no row of guards.json begins with ${words.join(", ")}`);

const folder = mkdtempSync(join(tmpdir(), "ostiary-guards-"));
const copy = join(folder, "project");
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
copyTree();

refuseUnknownTexts();
refuseRedControl();
const results = rows.map((row) => ({ ...row, verdict: verdictWithout(row) }));
report(results);
process.exit(results.every(({ verdict }) => verdict === "red") ? 0 : 1);

/** The tree with its dependencies, and the shared vectors where tests look for them. */
function copyTree() {
  const filter = (path) => !LEFT_OUT.has(path.slice(root.length + 1));
  cpSync(root, copy, { recursive: true, filter });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const shared = join(root, "../shared");
  if (existsSync(shared)) symlinkSync(shared, join(folder, "shared"));
}

/** A guard that moved has to be found again by whoever moved it. */
function refuseUnknownTexts() {
  for (const { id, cuts } of rows) {
    for (const { file, guard } of cuts) {
      const times = readFileSync(join(copy, file), "utf8").split(guard).length - 1;
      if (times !== 1) fail(`${id}: expected this text once in ${file}, found it ${times} times:\n${guard}`);
    }
  }
}

/** A test that fails anyway shows nothing, and one that is not there shows less. */
function refuseRedControl() {
  const files = [...new Set(rows.map(({ test }) => test))];
  const told = testsRun(files, undefined);
  for (const { id, test, name } of rows) {
    const own = told.filter((one) => one.file.endsWith(test) && one.name.includes(name));
    if (own.length === 0) fail(`${id}: no test of ${test} has \`${name}\` in its name`);
    const red = own.filter(({ status }) => status !== "passed").map((one) => `${one.name}: ${one.status}`);
    if (red.length > 0) fail(`${id}: does not pass with its guard in place:\n${red.join("\n")}`);
  }
}

function verdictWithout({ id, cuts, test, name }) {
  const kept = new Map(cuts.map(({ file }) => [file, readFileSync(join(copy, file), "utf8")]));
  for (const { file, guard, without } of cuts) {
    const path = join(copy, file);
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace(guard, () => without),
    );
  }
  const told = testsRun([test], name).filter((one) => one.name.includes(name));
  for (const [file, text] of kept) writeFileSync(join(copy, file), text);
  const became = new Set(told.map(({ status }) => status));
  const verdict = became.has("failed") ? "red" : became.has("passed") ? "green" : "not run";
  process.stderr.write(`guards: ${id} ${verdict}\n`);
  return verdict;
}

/** Every test that ran, with its whole name and what became of it. */
function testsRun(files, name) {
  const output = join(folder, "told.json");
  rmSync(output, { force: true });
  const run = spawnSync(
    process.execPath,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      ...files,
      ...(name === undefined ? [] : ["-t", name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")]),
      "--project=rooms",
      "--project=node",
      "--reporter=json",
      `--outputFile=${output}`,
    ],
    { cwd: copy, encoding: "utf8", maxBuffer: 1 << 28 },
  );
  if (!existsSync(output)) fail(`the tests of ${files.join(", ")} did not run:\n${run.stderr}`);
  return JSON.parse(readFileSync(output, "utf8")).testResults.flatMap(({ name: file, assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({ file, name: fullName, status })),
  );
}

function report(done) {
  const cell = (text, width) => text.padEnd(width);
  const width = Math.max(...done.map(({ what }) => what.length));
  for (const { id, what, cuts, test, verdict } of done) {
    const depth = cuts.length > 1 ? ` (${cuts.length} guards together)` : "";
    process.stdout.write(`${cell(id, 6)} ${cell(what, width)}  ${test} → ${verdict}${depth}\n`);
  }
  const red = done.filter(({ verdict }) => verdict === "red").length;
  process.stdout.write(`guards: ${red} of ${done.length} tests are red without their guard\n`);
}

function fail(message) {
  process.stderr.write(`guards: ${message}\n`);
  process.exit(1);
}
