/** Does `ostiary health` say yes of a broker that can decide, over TLS too, and no of anything else? */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { instant } from "../../src/base/time.ts";
import { createHealthCommand, type HealthAnswer } from "../../src/cli/commands/health.ts";
import { askHealth } from "../../src/runtime/node/health.ts";
import { codeOfPromise } from "../support/faults.ts";

const CLI = join(import.meta.dirname, "../../src/runtime/node/bin.mjs");
const folder = mkdtempSync(join(tmpdir(), "ostiary-health-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function ostiary(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

/** A server on a port of its own that answers every request with a status; `undefined` hangs up. */
async function answering<T>(status: number | undefined, during: (port: number) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    if (status === undefined) request.socket.destroy();
    else response.writeHead(status).end("{}");
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
  try {
    return await during(port);
  } finally {
    server.close();
  }
}

function configOn(port: number, ...more: readonly string[]): string {
  const data = join(folder, `data-${port}`);
  expect(ostiary("init", "--data", data, "--port", String(port), "--no-kds", ...more).status).toBe(0);
  return data;
}

/** What the command makes of an answer. */
async function told(answer: HealthAnswer, lines: string[] = []): Promise<void> {
  const terminal = { out: (text: string) => void lines.push(text), err: () => undefined } as never;
  await createHealthCommand(async () => answer).run([], terminal);
}

describe("ostiary health", () => {
  it("is yes while a broker serves, over TLS, and no once it is gone", async () => {
    const port = await answering(200, async (free) => free);
    const data = configOn(port, "--tls", "localhost");
    const broker = spawn(process.execPath, [CLI, "serve", "--data", data], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      await new Promise((resolve) => broker.stdout.once("data", resolve));
      expect(ostiary("health", "--data", data)).toEqual({ status: 0, out: "ready\n", err: "" });
      const ended = new Promise((resolve) => broker.once("exit", resolve));
      broker.kill("SIGTERM");
      await ended;
      const { status, out, err } = ostiary("health", "--data", data);
      expect({ status, out }).toEqual({ status: 3, out: "" });
      expect(err).toContain("broker/unreachable");
    } finally {
      broker.kill("SIGKILL");
    }
  });

  it.each([
    [200, { isReady: true, status: 200 }],
    [503, { isReady: false, status: 503 }],
    [404, { isReady: false, status: 404 }],
  ])("is for an answer of %s: %s", async (answer, read) => {
    await answering(answer, async (port) => {
      expect(await askHealth(join(configOn(port), "ostiary.toml"))).toEqual(read);
      if (!read.isReady) expect(await codeOfPromise(told({ ...read }))).toBe("store/unavailable");
    });
  });

  it("is no where the connection is cut off", async () => {
    await answering(undefined, async (port) => {
      const config = join(configOn(port), "ostiary.toml");
      expect(await codeOfPromise(askHealth(config))).toBe("broker/unreachable");
    });
  });

  it("says of each part how it stands, since when, and what to do", async () => {
    const since = instant(1_795_000_000);
    const lines: string[] = [];
    const store = { part: "store", state: "ok", since, said: "the database answers" } as const;
    const sink = {
      part: "sink audit/siem",
      state: "warning",
      since,
      said: "it hangs",
      next: "look at it",
    } as const;
    await told({ isReady: true, status: 200, parts: [store, sink] }, lines);
    expect(lines.join("")).toBe(`ready
ok       store: the database answers (since 2026-11-18T11:06:40Z)
warning  sink audit/siem: it hangs (since 2026-11-18T11:06:40Z)
         next: look at it
`);
  });

  it("is misuse with more words, and unusable without a configuration", () => {
    expect(ostiary("health", "now").status).toBe(2);
    expect(ostiary("health", "--data", join(folder, "nowhere")).status).toBe(3);
  });
});
