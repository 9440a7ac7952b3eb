/** Does the program run on a machine whose own Node is older than ours? Only where there is such a Node. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { asGuest, type DemoBroker, demoBroker, freePort, random } from "../../agent/demo-broker.ts";

const BIN = join(import.meta.dirname, "../../../src/runtime/node/bin.mjs");
const olderNode = findOlderNode();
const itOnOlderNode =
  olderNode === undefined
    ? (name: string, _: (node: string) => Promise<void>) =>
        it.skip(`${name} (skipped: no Node below 24 on PATH)`, () => {})
    : (name: string, body: (node: string) => Promise<void>) => it(name, () => body(olderNode));

function findOlderNode(): string | undefined {
  const path = spawnSync("printenv", ["PATH"], { encoding: "utf8" }).stdout.trim();
  return path
    .split(delimiter)
    .map((folder) => join(folder, "node"))
    .find((node) => {
      const { stdout } = spawnSync(node, ["--version"], { encoding: "utf8" });
      const major = Number(/^v(\d+)/.exec(stdout ?? "")?.[1]);
      return major >= 18 && major < 24;
    });
}

async function madeBroker(secret: Uint8Array): Promise<DemoBroker> {
  const broker = await demoBroker({ "prod/disk": secret });
  onTestFinished(() => broker.remove());
  return broker;
}

describe("an older Node on the machine", () => {
  itOnOlderNode("runs the pinned one and ends with its status", async (node) => {
    expect(spawnSync(node, [BIN, "--help"]).status).toBe(0);
    expect(spawnSync(node, [BIN, "steal"]).status).toBe(2);
    expect(spawnSync(node, [BIN, "agent", "get", "a", "--fd"]).status).toBe(2);
    expect(spawnSync(node, [BIN, "agent", "get", "a", "--fd", "300"]).status).toBe(2);
  });

  itOnOlderNode("hands on the descriptor that a secret is written to", async (node) => {
    const secret = random(32);
    const broker = await madeBroker(secret);
    for (const fd of [["--fd", "4"], ["--fd=4"]]) {
      const words = ["agent", "get", "prod/disk", ...fd, ...asGuest(broker)];
      const stdio = ["ignore", "ignore", "ignore", "ignore", "pipe"] as const;
      const run = spawnSync(node, [BIN, ...words], { stdio: [...stdio] }); // in order: two programs
      expect(run.status).toBe(0);
      expect(Buffer.from(run.output[4] ?? "").equals(secret)).toBe(true);
    }
  });

  itOnOlderNode("passes on the signal that ends the broker in order", async (node) => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-bin-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const data = join(folder, "data");
    const made = ["init", "--data", data, "--port", String(await freePort()), "--no-kds"];
    expect(spawnSync(node, [BIN, ...made]).status).toBe(0);
    const child = spawn(node, [BIN, "serve", "--data", data], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stderr.on("data", (piece) => {
      said += String(piece);
    });
    const closed = new Promise<number | null>((done) => child.once("close", done));
    await new Promise<void>((ready) => child.stdout.once("data", () => ready()));
    child.kill("SIGTERM");
    expect(await closed).toBe(0);
    expect(said).toContain('"event":"stopped"');
  });
});
