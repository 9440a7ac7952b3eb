/** Bundles the language for browsers and says what it weighs; `--out DIR` writes it. Fails over its budget, or with a Node module. */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

/** gzip bytes. What a page loads to write, check, format and try policies; the solver comes when somebody asks for a diff. */
const BUDGETS = { language: 40_000, diff: 20_000, vocabulary: 8_000 };

const { outputFiles, metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: { language: "src/writ/browser.ts", vocabulary: "src/policy/vocabulary.ts" },
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  platform: "browser", // a Node module does not resolve: the build fails
  target: "es2024",
  outdir: "dist/writ",
  write: false,
  metafile: true,
});
const out = process.argv.indexOf("--out");
if (out > 0) writeTo(process.argv[out + 1] ?? "dist/writ");

const language = loadedBy("language.js");
const alone = new Set(language);
const compared = Object.keys(metafile.outputs)
  .filter((name) => basename(name).startsWith("browser-diff"))
  .flatMap((name) => [...loadedBy(basename(name))])
  .filter((name) => !alone.has(name));
const weights = {
  language: weightOf(language),
  diff: weightOf(new Set(compared)),
  vocabulary: weightOf(new Set([...loadedBy("vocabulary.js")].filter((name) => !alone.has(name)))),
};
const heavy = Object.entries(weights).filter(([name, weight]) => weight === 0 || weight > BUDGETS[name]);
const told = Object.entries(weights).map(([name, weight]) => `${name} ${weight} of ${BUDGETS[name]}`);
process.stdout.write(`browser: gzip bytes: ${told.join(", ")}\n`);
for (const [name] of heavy) process.stderr.write(`browser: ${name} is over its budget, or empty\n`);
process.exit(heavy.length === 0 ? 0 : 1);

/** A chunk, and what it imports before it runs. */
function loadedBy(name) {
  const found = new Set();
  const visit = (path) => {
    if (found.has(path)) return;
    found.add(path);
    for (const { path: next, kind } of metafile.outputs[path].imports) {
      if (kind === "import-statement") visit(next);
    }
  };
  visit(`dist/writ/${name}`);
  return found;
}

function weightOf(names) {
  const files = outputFiles.filter(({ path }) => names.has(`dist/writ/${basename(path)}`));
  return files.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}

function writeTo(folder) {
  mkdirSync(folder, { recursive: true });
  for (const { path, contents } of outputFiles) writeFileSync(join(folder, basename(path)), contents);
}
