#!/usr/bin/env node
/** Starts the command line on the Node that this package pins, whatever Node the machine has. */
import { existsSync, lstatSync, mkdirSync } from "node:fs";
import module, { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

const PINNED_MAJOR = 24;
const MAX_DESCRIPTOR = 255;

if (Number(process.versions.node.split(".")[0]) >= PINNED_MAJOR) {
  const folder = cacheFolder();
  if (folder !== undefined) module.enableCompileCache(folder);
  await import("./quick-resolve.mjs");
  await import("./cli.ts");
} else {
  const pinned = pinnedNode();
  if (pinned === undefined) {
    process.stderr.write(
      `ostiary: Node ${PINNED_MAJOR} is needed and not installed; run \`npm install\` first\n`,
    );
    process.exit(3);
  }
  await runOn(pinned, process.argv.slice(2));
}

/** This process stands aside: signals and the descriptor of `--fd` go to the program, its status comes back. */
async function runOn(node, words) {
  const { spawn } = await import("node:child_process"); // most starts need none of it
  const child = spawn(node, [import.meta.filename, ...words], { stdio: descriptorsOf(words) });
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  // A terminal sends this one to both.
  process.on("SIGINT", () => undefined);
  child.on("error", () => process.exit(3));
  child.on("exit", (status) => process.exit(status ?? 3));
}

/** Node hands on the first three alone unless it is told; what is not open is left to the program to refuse. */
function descriptorsOf(words) {
  const at = words.findIndex((word) => word === "--fd" || word.startsWith("--fd="));
  const fd = at < 0 ? 0 : Number(words[at] === "--fd" ? words[at + 1] : words[at].slice("--fd=".length));
  const isOpen = Number.isInteger(fd) && existsSync(`/proc/self/fd/${fd}`);
  if (!isOpen || fd < 3 || fd > MAX_DESCRIPTOR) return "inherit";
  return ["inherit", "inherit", "inherit", ...Array(fd - 3).fill("ignore"), fd];
}

/**
 * Where compiled code is kept from run to run, which saves a third of the start. Whoever writes there runs code here, so the
 * folder is this user's alone: never a shared temporary one, and no cache at all where that cannot be.
 */
function cacheFolder() {
  try {
    const folder = join(homedir(), ".cache", "ostiary");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    const isOurs = found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
    return isOurs ? folder : undefined;
  } catch {
    return undefined;
  }
}

function pinnedNode() {
  try {
    const found = join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin/node");
    return existsSync(found) ? found : undefined;
  } catch {
    return undefined;
  }
}
