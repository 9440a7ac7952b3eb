/**
 * Would a test notice if a line of the language were wrong? Changes lines of `src/writ`, one at a time, and runs its tests (Stryker).
 *
 * Without arguments a sample: `--blocks N` blocks of 8 lines, drawn by `--seed N`. `--all` takes every line, `--in PREFIX` only
 * those files whose path begins so. Ends with 1 when fewer than 85 of 100 changes are noticed. `MUTATE_TESTS` names the test files
 * to ask, where somebody works on one room: it is quicker, and what they notice, all notice.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const LINES = 8;
const root = join(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    seed: { type: "string", default: "20260601" },
    blocks: { type: "string", default: "60" },
    in: { type: "string", default: "src/writ" },
  },
});

/** Every block of every file of the language, as Stryker names ranges. */
function blocksOf(prefix: string): readonly string[] {
  const names = readdirSync(join(root, "src/writ"), { recursive: true, encoding: "utf8" })
    .map((name) => `src/writ/${name}`)
    .filter((name) => name.endsWith(".ts") && name.startsWith(prefix));
  return names.sort().flatMap((name) => {
    const count = readFileSync(join(root, name), "utf8").split("\n").length;
    return Array.from(
      { length: Math.ceil(count / LINES) },
      (_, at) => `${name}:${at * LINES + 1}-${(at + 1) * LINES}`,
    );
  });
}

/** A draw without replacement that a seed repeats: the blocks with the least hashes. */
function drawn(blocks: readonly string[], count: number, seed: number): readonly string[] {
  const keyed = blocks.map((block) => ({ block, key: hash(`${seed} ${block}`) }));
  return keyed
    .sort((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ block }) => block)
    .sort();
}

/** FNV-1a, stirred once more. */
function hash(text: string): number {
  const mixed = [...text].reduce(
    (state, one) => Math.imul(state ^ (one.codePointAt(0) ?? 0), 0x01000193),
    0x811c9dc5,
  );
  return (Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) ^ (mixed >>> 12)) >>> 0;
}

const all = blocksOf(values.in);
const chosen = values.all ? [`${values.in}/**/*.ts`] : drawn(all, Number(values.blocks), Number(values.seed));
if (chosen.length === 0) throw new Error(`no file of the language begins with ${values.in}`);
process.stdout.write(
  `mutate: ${values.all ? "all" : chosen.length} of ${all.length} blocks, seed ${values.seed}\n`,
);

// A copy of the project in `.stryker-tmp` finds the shared vectors beside it, as the project does.
const shared = join(root, "../shared");
const link = join(root, ".stryker-tmp/shared");
mkdirSync(join(root, ".stryker-tmp"), { recursive: true });
rmSync(link, { force: true });
if (existsSync(shared)) symlinkSync(shared, link);
const { status } = spawnSync(
  process.execPath,
  [join(root, "node_modules/@stryker-mutator/core/bin/stryker.js"), "run", "--mutate", chosen.join(",")],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = status ?? 1;
