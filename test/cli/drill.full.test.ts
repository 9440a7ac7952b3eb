/** Does a drill end by itself, though the program that planted it and the broker were both killed? */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";

const PROGRAM = join(import.meta.dirname, "../../src/runtime/node/cli.ts");
const SECONDS = 25;

it("a drill ends by itself, though the program that planted it and the broker were killed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-drill-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const data = join(folder, "broker");
  const port = await freePort();
  ostiary(
    "init",
    "--data",
    data,
    "--mode",
    "demo",
    "--port",
    String(port),
    "--no-kds",
    "--audience",
    "https://b.example",
  );
  appendFileSync(join(data, "ostiary.toml"), '\n[findings]\nscan_every = "1d"\n');
  const admin = ["--config", join(data, "ostiary.toml")];

  const first = serve(data);
  await until(() => json("credentials", "list", ...admin) !== undefined);
  ostiary("findings", "scan", ...admin); // the scan of today: what is planted now is not found by itself
  const drill = started("drill", "certificate", "--for", `${SECONDS}s`, ...admin);
  await until(() => json("drill", "list", ...admin)?.drills.length === 1);
  drill.kill("SIGKILL"); // before it is found: nobody is there to take it away
  ostiary("findings", "scan", ...admin);
  const [finding] = json("findings", "list", ...admin)?.findings ?? [];
  expect(finding).toMatchObject({ class: "credential-expiring" });
  first.kill("SIGKILL");

  serve(data);
  await until(() => json("drill", "list", ...admin)?.drills.length === 0);
  ostiary("findings", "scan", ...admin);
  expect(json("credentials", "list", ...admin)?.credentials.some((one) => one["drill"] !== undefined)).toBe(
    false,
  );
  const spells = json("findings", "show", String(finding?.["id"]), ...admin)?.findings ?? [];
  expect(spells[0]).toMatchObject({ remediated: { how: "gone" } });
  expect(json("findings", "report", ...admin)).toMatchObject({ all: { detected: 0, open: 0 } });
}, 240_000);

type Rows = readonly Readonly<Record<string, unknown>>[];

interface Printed {
  readonly drills: Rows;
  readonly findings: Rows;
  readonly credentials: Rows;
}

function ostiary(...words: readonly string[]): { readonly status: number | null; readonly stdout: string } {
  return spawnSync(process.execPath, [PROGRAM, ...words], { encoding: "utf8", timeout: 30_000 });
}

/** `undefined` while nobody answers. */
function json(...words: readonly string[]): Printed | undefined {
  const { status, stdout } = ostiary(...words, "--json");
  return status === 0 ? JSON.parse(stdout) : undefined;
}

function started(...words: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, ...words], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

function serve(data: string): ChildProcess {
  return started("serve", "--data", data);
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (isSo()) return;
    await sleep(200); // in order: until it is so
  }
  throw new Error("waited too long");
}

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => found(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
