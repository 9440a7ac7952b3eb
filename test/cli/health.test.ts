/** Does `ostiary health` say yes of a broker that can decide, over TLS too, and no of anything else? */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
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
    [200, undefined],
    [503, "store/unavailable"],
    [404, "store/unavailable"],
    [undefined, "broker/unreachable"],
  ])("is for an answer of %s: %s", async (answer, code) => {
    await answering(answer, async (port) => {
      const config = join(configOn(port), "ostiary.toml");
      expect(await codeOfPromise(askHealth(config))).toBe(code);
    });
  });

  it("is misuse with more words, and unusable without a configuration", () => {
    expect(ostiary("health", "now").status).toBe(2);
    expect(ostiary("health", "--data", join(folder, "nowhere")).status).toBe(3);
  });
});
