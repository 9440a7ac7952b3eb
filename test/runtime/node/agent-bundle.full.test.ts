/** Is the agent one file? The script that `npm run build:agent` makes, alone in a folder, on the pinned Node and nothing else. */
import { spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pemOf, SIMULATOR_ROOT_FILE } from "../../../src/simulator/chip-folder.ts";
import { type DemoBroker, demoBroker, random } from "../../agent/demo-broker.ts";
import { describeWithFuse } from "../../support/tsm-fuse/describe.ts";
import { mountTsm, type TsmMount } from "../../support/tsm-fuse/mount.ts";

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
    const { status, out } = await asked("prod/disk", "--signing-key", "broker.pem");
    expect(status).toBe(0);
    expect(Uint8Array.from(out)).toEqual(SECRET);
  });

  it("reads what parses certificates, a text in the script, where a broker has to prove itself", async () => {
    expect(readFileSync(script, "utf8")).toMatch(/="[^\n]{300000,}"|='[^\n]{300000,}'/);
    const policy = join(import.meta.dirname, "../../../policies/guest/broker.writ");
    const root = join(folder, "root.pem");
    const proven = ["--broker-policy", policy, "--broker-cluster", "c", "--trust-simulator", root];
    writeFileSync(root, pemOf(Uint8Array.of(0x30, 1, 0)));
    expect((await asked("prod/disk", ...proven)).err).toContain("code: endorsement/malformed");
    cpSync(join(broker.machine, SIMULATOR_ROOT_FILE), root);
    const { err } = await asked("prod/disk", ...proven);
    expect(err).toMatch(/code: broker\//); // the certificate is one, and this broker has nothing to prove itself by
  });

  async function asked(path: string, ...known: readonly string[]) {
    const place = ["--broker", broker.url, "--audience", broker.audience, "--deadline", "5"];
    const words = ["get", path, "--fd", "1", "--tsm-dir", tsm.folder, "--run-dir", join(folder, "run")];
    const child = spawn(process.execPath, [script, ...words, ...place, ...known], { cwd: folder, env: {} });
    const [out, err]: [Buffer[], string[]] = [[], []];
    child.stdout.on("data", (piece: Buffer) => void out.push(piece));
    child.stderr.on("data", (piece) => void err.push(String(piece)));
    const status = await new Promise((done) => child.once("close", done));
    return { status, out: Buffer.concat(out), err: err.join("") };
  }
});
