/**
 * Makes the agent one executable, `dist/ostiary-agent` (`--out FILE`): the locked Node with the script of `npm run build:agent` in it.
 *
 * Without symbols where `strip` is at hand, and says what it weighs. Options of Node's and NODE_OPTIONS do nothing to it.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "postject";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
/** What Node looks for in itself when it starts (Node's documentation, single executable applications). */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
const MAX_BYTES = 150_000_000;

const at = process.argv.indexOf("--out");
const out = at > 0 ? process.argv[at + 1] : join(ROOT, "dist/ostiary-agent");
const node = join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin/node");
const folder = mkdtempSync(join(tmpdir(), "ostiary-executable-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const script = join(folder, "ostiary-agent.cjs");
run(process.execPath, [join(ROOT, "scripts/agent-bundle.mjs"), "--out", script]);
writeFileSync(
  join(folder, "sea.json"),
  JSON.stringify({
    main: script,
    output: join(folder, "sea.blob"),
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    execArgvExtension: "none",
  }),
);
run(node, ["--experimental-sea-config", join(folder, "sea.json")]);

const executable = join(folder, "ostiary-agent");
copyFileSync(node, executable);
chmodSync(executable, 0o755);
const isStripped = spawnSync("strip", ["--strip-all", executable]).status === 0;
await inject(executable, "NODE_SEA_BLOB", readFileSync(join(folder, "sea.blob")), { sentinelFuse: FUSE });
mkdirSync(dirname(out), { recursive: true });
copyFileSync(executable, out);
chmodSync(out, 0o755);
const size = readFileSync(out).length;
process.stdout.write(
  `agent: executable ${size} of ${MAX_BYTES} bytes, ${isStripped ? "without" : "with"} symbols\n`,
);
if (size > MAX_BYTES) process.stderr.write("agent: the executable is over its ceiling\n");
process.exit(size > MAX_BYTES ? 1 : 0);

function run(program, words) {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8" });
  if (status === 0) return;
  process.stderr.write(`${stdout}${stderr}`);
  process.exit(1);
}
