/** Is the agent one file? The script that `npm run build:agent` makes, alone in a folder, on the pinned Node and nothing else. */
import { spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DemoBroker, demoBroker, random } from "../../agent/demo-broker.ts";
import { describeWithFuse, mountTsm, type TsmMount } from "../../support/tsm-fuse/mount.ts";

const BUILD = join(import.meta.dirname, "../../../scripts/agent-bundle.mjs");
const folder = mkdtempSync(join(tmpdir(), "ostiary-bundle-"));
const script = join(folder, "ostiary-agent.cjs");
let said: string;

beforeAll(() => {
  const built = spawnSync(process.execPath, [BUILD, "--out", script], { encoding: "utf8" });
  said = built.stdout + built.stderr;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Without an environment, so that nothing of this machine is found by it. */
function agent(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...words], {
    cwd: folder,
    env: {},
    encoding: "utf8",
  });
  return { status, out: stdout, err: stderr };
}

describe("the agent as one script", () => {
  it("says what it weighs, and stays below its ceilings", () => {
    expect(said).toMatch(/^agent: bytes: script \d{6,7} of \d+, gzip \d{6} of \d+\n$/);
    expect(readdirSync(folder)).toContain("ostiary-agent.cjs");
  });

  it("has the agent's verbs, with that word before them and without", () => {
    const { status, out, err } = agent("--help");
    expect([status, err]).toEqual([0, ""]);
    expect(out).toContain("ostiary agent unlock");
    expect(agent("agent", "--help").out).toBe(out);
    expect(agent("serve-all")).toMatchObject({ status: 2, out: "" });
  });

  it("has no simulator to offer", () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeFileSync(join(folder, "broker.pem"), publicKey.export({ format: "pem", type: "spki" }));
    const pins = ["--broker", "http://127.0.0.1:1", "--signing-key", "broker.pem"];
    const { status, err } = agent(
      "get",
      "a",
      "--json",
      "--provider",
      "simulator",
      "--simulator-dir",
      ".",
      ...pins,
    );
    expect([status, err.split("\n", 1)]).toEqual([3, ["ostiary: this agent has no simulator"]]);
    expect(readFileSync(script, "utf8")).not.toContain("createSimulatedChip");
  });

  it("names each package in it with its licence, and no folder of the machine that built it", () => {
    const text = readFileSync(script, "utf8");
    const notices = text.slice(0, text.indexOf("\n*/\n"));
    for (const name of ["@peculiar/x509", "reflect-metadata", "valibot", "tslib"])
      expect(notices).toContain(name);
    expect(
      notices.match(/Permission is hereby granted|Apache License|Permission to use/g)?.length,
    ).toBeGreaterThan(8);
    expect(text).not.toContain(join(import.meta.dirname, "../../.."));
  });

  it("is the same bytes when it is built again", () => {
    const again = join(folder, "again", "ostiary-agent.cjs");
    spawnSync(process.execPath, [BUILD, "--out", again]);
    expect(readFileSync(again).equals(readFileSync(script))).toBe(true);
    rmSync(join(folder, "again"), { recursive: true });
  });
});

describeWithFuse("the agent as one script, in a guest", () => {
  const SECRET = random(32);
  let broker: DemoBroker;
  let tsm: TsmMount;
  beforeAll(async () => {
    broker = await demoBroker({ "prod/disk": SECRET });
    tsm = await mountTsm({ machine: broker.machine });
  });
  afterAll(async () => {
    await tsm.unmount();
    await broker.remove();
  });

  it("gets a secret by a report of the kernel's", async () => {
    cpSync(broker.signingKeyFile, join(folder, "broker.pem"));
    const pins = ["--broker", broker.url, "--audience", broker.audience, "--signing-key", "broker.pem"];
    const words = ["get", "prod/disk", "--fd", "1", "--tsm-dir", tsm.folder, ...pins];
    const child = spawn(process.execPath, [script, ...words], { cwd: folder, env: {} });
    const pieces: Buffer[] = [];
    child.stdout.on("data", (piece: Buffer) => void pieces.push(piece));
    expect(await new Promise((done) => child.once("close", done))).toBe(0);
    expect(Uint8Array.from(Buffer.concat(pieces))).toEqual(SECRET);
  });
});
