/** Where is a real MariaDB with its plugin for HashiCorp Vault? Tests start one of their own in a temporary folder, where the machine has both. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe } from "vitest";

const PLUGIN = "/usr/lib/mysql/plugin/hashicorp_key_management.so";
const SERVER = "/usr/sbin/mariadbd";

/** MariaDB refuses to run as root. */
const NOBODY = 65_534;
const asNobody = process.geteuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** Tests that need both; elsewhere they are skipped by name with the reason. */
export function describeWithMariadb(name: string, tests: () => void): void {
  if (existsSync(PLUGIN) && existsSync(SERVER)) describe(name, tests);
  else {
    const packages = "`mariadb-server` and `mariadb-plugin-hashicorp-key-management`";
    describe.skip(`${name} (no MariaDB with its Vault plugin here: install the packages ${packages})`, tests);
  }
}

export interface MariadbServer {
  readonly folder: string;
  /** Starts it, and waits until it answers, or until it ended: then its status. */
  readonly start: () => Promise<"up" | { readonly status: number | null }>;
  /** In order, so that every page is on disk. */
  readonly stop: () => Promise<void>;
  readonly sql: (text: string) => string;
  /** Everything in its error log. */
  readonly log: () => string;
  readonly remove: () => Promise<void>;
}

/** Makes an empty database, before encryption is spoken of; `lines` are put into `[mariadbd]` of its file. */
export function createMariadb(lines: readonly string[]): MariadbServer {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-mariadb-"));
  const data = join(folder, "data");
  mkdirSync(data);
  if (asNobody.uid !== undefined) for (const path of [folder, data]) chownSync(path, NOBODY, NOBODY);
  run(
    "mariadb-install-db",
    ["--no-defaults", `--datadir=${data}`, "--auth-root-authentication-method=normal", "--skip-test-db"],
    folder,
  );
  const [socket, log, file] = ["socket", "error.log", "my.cnf"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const own = [`datadir=${data}`, `socket=${socket}`, `log-error=${log}`, `pid-file=${join(folder, "pid")}`];
  const small = [
    "skip-networking",
    "innodb-buffer-pool-size=16M",
    "innodb-log-file-size=8M",
    "performance-schema=off",
  ];
  writeFileSync(file, ["[mariadbd]", ...own, ...small, ...lines, ""].join("\n"));
  let child: ChildProcess | undefined;
  const sql = (text: string): string =>
    run("mariadb", ["--no-defaults", `--socket=${socket}`, "-u", "root", "-N", "-B", "-e", text], folder);
  const stop = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const ended = new Promise((done) => running.once("exit", done));
    running.kill("SIGTERM");
    await ended;
  };
  return {
    folder,
    start: async () => {
      const server = spawn(SERVER, [`--defaults-file=${file}`], {
        ...asNobody,
        cwd: folder,
        stdio: "ignore",
      });
      child = server;
      for (;;) {
        if (server.exitCode !== null) return { status: server.exitCode };
        if (existsSync(socket) && answers(socket)) return "up";
        await sleep(50); // until it answers or has ended
      }
    },
    stop,
    sql,
    log: () => (existsSync(log) ? readFileSync(log, "utf8") : ""),
    remove: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answers(socket: string): boolean {
  const words = ["--no-defaults", `--socket=${socket}`, "-u", "root", "ping"];
  return spawnSync("mariadb-admin", words, { stdio: "ignore" }).status === 0;
}

function run(program: string, words: readonly string[], folder: string): string {
  const { status, stdout, stderr } = spawnSync(program, words, {
    ...asNobody,
    cwd: folder,
    encoding: "utf8",
  });
  if (status === 0) return stdout;
  throw new Error(`${program} ended with ${status}: ${stderr}${stdout}`);
}
