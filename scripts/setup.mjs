/** Makes a clone ready: installs the locked dependencies where they are missing or stale. Runs on any Node ≥ 20. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

if (!isInstalled()) {
  process.stderr.write("ostiary: installing the locked dependencies (once)\n");
  const npm = process.env["npm_execpath"];
  // Not `npm ci`: it demands the optional packages of every platform in the lockfile, and registries do not carry them all.
  const words = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  const run =
    npm === undefined
      ? spawnSync("npm", words, { cwd: root, stdio: ["ignore", 2, 2] })
      : spawnSync(process.execPath, [npm, ...words], { cwd: root, stdio: ["ignore", 2, 2] });
  if (run.status !== 0) {
    process.stderr.write("ostiary: npm install failed; what it printed is above\n");
    process.exit(3);
  }
}
if (!existsSync(join(root, "node_modules/node/bin/node"))) {
  process.stderr.write(
    "ostiary: Node 24 is missing: npm must be allowed to run the install script of `node`\n",
  );
  process.exit(3);
}

/** Whether every package that this lockfile demands stands in node_modules at the locked version. */
function isInstalled() {
  const locked = packagesOf("package-lock.json");
  const present = packagesOf("node_modules/.package-lock.json");
  if (locked === undefined || present === undefined) return false;
  return Object.entries(locked).every(
    ([path, entry]) => path === "" || entry.optional === true || present[path]?.version === entry.version,
  );
}

function packagesOf(file) {
  const path = join(root, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : undefined;
}
