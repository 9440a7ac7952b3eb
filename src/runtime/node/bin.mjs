#!/usr/bin/env node
/** Starts the command line on the Node that this package pins, whatever Node the machine has. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const PINNED_MAJOR = 24;

if (Number(process.versions.node.split(".")[0]) >= PINNED_MAJOR) {
  await import("./cli.ts");
} else {
  const pinned = pinnedNode();
  if (pinned === undefined) {
    process.stderr.write(
      `ostiary: Node ${PINNED_MAJOR} is needed and not installed; run \`npm install\` first\n`,
    );
    process.exit(3);
  }
  const run = spawnSync(pinned, [import.meta.filename, ...process.argv.slice(2)], { stdio: "inherit" });
  process.exit(run.status ?? 3);
}

function pinnedNode() {
  try {
    const found = join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin/node");
    return existsSync(found) ? found : undefined;
  } catch {
    return undefined;
  }
}
