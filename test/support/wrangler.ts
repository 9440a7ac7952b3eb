/** How does a test run the Worker? As a developer does: wrangler's own bundle in real workerd, on a port of this machine. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import type { Program } from "../agent/demo-broker.ts";

const root = join(import.meta.dirname, "../..");
const WRANGLER = join(root, "node_modules/wrangler/bin/wrangler.js");
const CONFIG = ["--config", join(root, "wrangler.toml")];
const READY_MS = 60_000;

const environment = { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "1", NO_COLOR: "1" };

/** Runs wrangler to its end. */
export function wrangler(...words: readonly string[]) {
  const options = { env: environment, encoding: "utf8", cwd: root, timeout: READY_MS } as const;
  return spawnSync(process.execPath, [WRANGLER, ...words, ...CONFIG], options);
}

/** The same by the configuration in a folder, beside which wrangler keeps its state. */
export function wranglerAt(folder: string, ...words: readonly string[]) {
  const options = { env: environment, encoding: "utf8", cwd: folder, timeout: READY_MS } as const;
  return spawnSync(process.execPath, [WRANGLER, ...words], options);
}

/** The Worker on what a data folder of Node holds: the same keys and configuration, and a D1 database of its own there. */
export function workerProgram(data: string, port: number): Program {
  let child: ChildProcess | undefined;
  const state = ["--persist-to", join(data, "d1")];
  const at = (name: string): string => readFileSync(join(data, name), "utf8");
  const variables = join(data, "worker.env");
  return {
    start: async () => {
      const made = wrangler("d1", "migrations", "apply", "ostiary", "--local", ...state);
      if (made.status !== 0) throw new Error(`no tables: ${made.stdout}${made.stderr}`);
      const kek = readFileSync(join(data, DATA_FILES.kek)).toString("hex");
      const keys = `SIGNING_KEY="${at(DATA_FILES.signingKey)}"\nLEDGER_KEY="${at(DATA_FILES.ledgerKey)}"`;
      writeFileSync(variables, `KEK=${kek}\n${keys}\nCONFIG='${configOf(at(DATA_FILES.config))}'\n`);
      const words = ["dev", ...CONFIG, ...state, "--env-file", variables, "--ip", "127.0.0.1"];
      const quiet = ["--port", String(port), "--inspector-port", "0", "--log-level", "info"];
      const started = spawn(process.execPath, [WRANGLER, ...words, ...quiet], {
        env: environment,
        cwd: data,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
      child = started;
      await ready(started);
    },
    kill: async () => {
      const running = child;
      child = undefined;
      if (running?.pid === undefined || running.exitCode !== null) return;
      const ended = new Promise((done) => running.once("exit", done));
      process.kill(-running.pid, "SIGKILL"); // workerd is a child of wrangler's
      await ended;
    },
  };
}

/** What a Worker takes of a configuration for Node: everything but listener and files. */
function configOf(text: string): string {
  const withoutTables = text
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/^\[(?:listen|files)\]\n(?:(?!\[).*\n)*/gm, "");
  return withoutTables.replace(/^trust_simulator = "(.*)"$/m, (_, file: string) => {
    return `trust_simulator_pem = """\n${readFileSync(file, "utf8")}"""`;
  });
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((done, failed) => {
    let said = "";
    const timer = setTimeout(() => failed(new Error(`wrangler is not ready: ${said}`)), READY_MS);
    const hear = (piece: unknown): void => {
      said = (said + String(piece)).slice(-20_000);
      if (!said.includes("Ready on")) return;
      clearTimeout(timer);
      done();
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.once("exit", () => failed(new Error(`wrangler ended: ${said}`)));
  });
}
