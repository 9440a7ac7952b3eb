/** Makes the agent one script that Node runs with nothing beside it, `dist/ostiary-agent.cjs` (`--out FILE`), and says what it weighs. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const ENTRY = "src/runtime/node/agent-main.ts";
/** What a guest carries in its initramfs. */
const MAX_BYTES = { script: 1_100_000, gzip: 330_000 };
/** A production agent has none of these, whatever imports what. */
const FORBIDDEN =
  /^(src\/(simulator|broker|http|store|kds)\/|node_modules\/(better-sqlite3|drizzle-orm|postgres|hono|koffi)\/)/;

/** How a module becomes text. */
const SHAPE = {
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  platform: "node",
  format: "cjs",
  target: "node24",
  legalComments: "none",
  outfile: "dist/ostiary-agent.cjs",
  write: false,
  metafile: true,
};
/** Files that are in a text within the script. */
const inText = [];

const { outputFiles, metafile } = await build({
  ...SHAPE,
  entryPoints: [ENTRY],
  plugins: [lazyPackage("@peculiar/x509", "reflect-metadata"), packageBeside("koffi")],
});
const used = [...usedOf(metafile), ...inText];
const foreign = used.filter((path) => FORBIDDEN.test(path));
const script = `${noticesOf(used)}\n${outputFiles.map(({ text }) => text).join("")}`;
const weights = { script: Buffer.byteLength(script), gzip: gzipSync(script, { level: 9 }).length };

const at = process.argv.indexOf("--out");
const file = at > 0 ? process.argv[at + 1] : join(ROOT, "dist/ostiary-agent.cjs");
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, script, { mode: 0o755 });
const told = Object.entries(weights).map(([name, weight]) => `${name} ${weight} of ${MAX_BYTES[name]}`);
process.stdout.write(`agent: bytes: ${told.join(", ")}\n`);
const heavy = Object.entries(weights).filter(([name, weight]) => weight > MAX_BYTES[name]);
for (const [name] of heavy) process.stderr.write(`agent: ${name} is over its ceiling\n`);
for (const path of foreign) process.stderr.write(`agent: ${path} does not belong into a guest\n`);
process.exit(heavy.length === 0 && foreign.length === 0 ? 0 : 1);

/**
 * Loads a CommonJS package at the first use of one of its names, and not at the start. It lies in the script as a text: parsing
 * certificates takes 40 ms to load and a third of the script to read, and a guest that pins its broker parses none.
 */
function lazyPackage(name, first) {
  const require = createRequire(join(ROOT, "package.json"));
  require(first);
  const getters = Object.keys(require(name)).map((word) => `get ${word}() { return load().${word}; }`);
  const filter = new RegExp(`^(${name}|${first})$`);
  return {
    name: "lazy-package",
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter }, ({ path }) => ({ path, namespace: "lazy" }));
      onLoad({ filter: /^/, namespace: "lazy" }, async ({ path }) => ({
        contents:
          path === first
            ? ""
            : `${loaderOf(await textOf(name, first))}
module.exports = { ${getters.join(", ")} };`,
        resolveDir: ROOT,
      }));
    },
  };
}

/** Both packages as one text, of a module whose exports are those of the first. */
async function textOf(name, first) {
  const { outputFiles, metafile } = await build({
    ...SHAPE,
    stdin: { contents: `require("${first}"); module.exports = require("${name}");`, resolveDir: ROOT },
  });
  inText.push(...usedOf(metafile));
  return outputFiles.map(({ text }) => text).join("");
}

function loaderOf(text) {
  return `const text = ${JSON.stringify(text)};
let exported;
function load() {
  if (exported !== undefined) return exported;
  const made = { exports: {} };
  require("node:vm").compileFunction(text, ["module", "exports", "require"])(made, made.exports, require);
  exported = made.exports;
  return exported;
}`;
}

/**
 * A package with native code stays outside: it is looked for in `node_modules` beside the script or the executable when it is first
 * wanted, and whoever wants it says so where it is not there.
 */
function packageBeside(name) {
  const contents = `module.exports = require("node:module").createRequire(__filename)("${name}");`;
  return {
    name: "package-beside",
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: new RegExp(`^${name}$`) }, ({ path }) => ({ path, namespace: "beside" }));
      onLoad({ filter: /^/, namespace: "beside" }, () => ({ contents, resolveDir: ROOT }));
    },
  };
}

function usedOf({ outputs }) {
  return Object.values(outputs).flatMap(({ inputs }) =>
    Object.keys(inputs).filter((path) => inputs[path].bytesInOutput > 0),
  );
}

/** The notice of each package that is in the script, equal ones once. */
function noticesOf(paths) {
  const folders = new Set(paths.map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]));
  const byText = new Map();
  for (const folder of [...folders].filter((found) => found !== undefined).sort()) {
    const { name, version } = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
    const text = licenceIn(join(ROOT, folder));
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version}`]);
  }
  const parts = [...byText].map(([text, names]) => `${names.join(", ")}\n\n${text}`);
  const own = "Ostiary's agent, Apache-2.0. It contains the packages below, each under its own licence.";
  return `#!/usr/bin/env node\n/*! ${[own, ...parts].join("\n\n----\n\n").replaceAll("*/", "* /")}\n*/`;
}

function licenceIn(folder) {
  const name = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  if (name === undefined || !existsSync(join(folder, name))) throw new Error(`no licence in ${folder}`);
  return readFileSync(join(folder, name), "utf8").replaceAll("\r", "").trim();
}
