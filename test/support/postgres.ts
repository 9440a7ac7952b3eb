/** Where is a real PostgreSQL? Tests start one of their own on a socket in a temporary folder, where the machine has it. */
import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe } from "vitest";

const HOME = "/usr/lib/postgresql";
const NOBODY = 65_534;

const bin = existsSync(HOME)
  ? readdirSync(HOME)
      .map((version) => join(HOME, version, "bin"))
      .find((folder) => existsSync(join(folder, "initdb")))
  : undefined;

export const isPostgresHere = bin !== undefined;

/** Tests that need PostgreSQL; where it is not installed they are skipped by name with the reason. */
export function describeWithPostgres(name: string, tests: () => void): void {
  if (bin === undefined)
    describe.skip(`${name} (no PostgreSQL here: install the package \`postgresql\`)`, tests);
  else describe(name, tests);
}

export interface TestServer {
  /** The folder of its socket. */
  readonly host: string;
  readonly port: number;
  readonly folder: string;
  /** Starts it again on the same data. */
  readonly start: () => Promise<void>;
  /** As a crash: no checkpoint, no goodbye. */
  readonly crash: () => Promise<void>;
  /** Ends it and forgets its data. */
  readonly remove: () => Promise<void>;
  /** Runs statements as the superuser. */
  readonly psql: (text: string, database?: string) => string;
}

const ROLE = "ostiary";
const PORT = 5432;

/** PostgreSQL refuses to run as root. */
const asNobody = process.geteuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** Starts a server; `settings` are given as on its command line. */
export async function startPostgres(settings: readonly string[] = ["fsync=off"]): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-pg-"));
  if (asNobody.uid !== undefined) chownSync(folder, NOBODY, NOBODY);
  const data = join(folder, "data");
  run(
    "initdb",
    ["-D", data, "-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
    folder,
  );
  const server = processOf(folder, data, settings);
  await server.start();
  const psql = (text: string, database = "postgres"): string =>
    run("psql", ["-h", folder, "-p", String(PORT), "-U", ROLE, "-d", database, "-AtXqc", text], folder);
  const remove = async (): Promise<void> => {
    await server.crash();
    rmSync(folder, { recursive: true, force: true });
  };
  return { host: folder, port: PORT, folder, ...server, psql, remove };
}

function processOf(
  folder: string,
  data: string,
  settings: readonly string[],
): Pick<TestServer, "start" | "crash"> {
  let child: ReturnType<typeof spawn> | undefined;
  const start = async (): Promise<void> => {
    const words = ["-D", data, "-k", folder, "-p", String(PORT), "-c", "listen_addresses="];
    child = spawn(
      postgresProgram("postgres"),
      [...words, ...settings.flatMap((setting) => ["-c", setting])],
      {
        ...asNobody,
        cwd: folder,
        stdio: "ignore",
      },
    );
    for (let tries = 0; tries < 300 && !isReady(folder); tries += 1) await sleep(50);
  };
  const crash = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((done) => child?.once("exit", done));
    child.kill("SIGQUIT"); // "immediate": the next start recovers as after a crash
    await ended;
  };
  return { start, crash };
}

function isReady(folder: string): boolean {
  const words = ["-h", folder, "-p", String(PORT), "-U", ROLE, "-d", "postgres", "-AtXqc", "select 1"];
  return spawnSync(postgresProgram("psql"), words, { cwd: folder }).status === 0;
}

/** Where one of its programs is. */
export function postgresProgram(name: string): string {
  return join(bin ?? HOME, name);
}

function run(name: string, words: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(postgresProgram(name), [...words], {
    ...asNobody,
    cwd,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
  return stdout.trim();
}
