/** Is the agent one executable? The file that `npm run build:agent-executable` makes, in a root folder with the C library and nothing else. */
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { SIMULATOR_ROOT_FILE } from "../../../src/simulator/chip-folder.ts";
import { type DemoBroker, demoBroker, random } from "../../agent/demo-broker.ts";
import { describeWithFuse } from "../../support/tsm-fuse/describe.ts";
import { mountTsm, type TsmMount } from "../../support/tsm-fuse/mount.ts";

const BUILD = join(import.meta.dirname, "../../../scripts/agent-executable.mjs");
const POLICY = join(import.meta.dirname, "../../../policies/guest/broker.writ");
const SECRET = random(32);
const TSM = "/sys/kernel/config/tsm/report";

describeWithFuse("the agent as one executable, where there is nothing else", () => {
  const root = mkdtempSync(join(tmpdir(), "ostiary-root-"));
  let said: string;
  let broker: DemoBroker;
  let tsm: TsmMount;

  beforeAll(async () => {
    const file = join(root, "ostiary-agent");
    said = spawnSync(process.execPath, [BUILD, "--out", file], { encoding: "utf8" }).stdout;
    const { stdout } = spawnSync("ldd", [file], { encoding: "utf8" });
    for (const [, library = ""] of stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)) {
      mkdirSync(join(root, dirname(library)), { recursive: true });
      copyFileSync(library, join(root, library));
    }
    broker = await demoBroker({ "prod/disk": SECRET });
    copyFileSync(broker.signingKeyFile, join(root, "broker.pem"));
    tsm = await mountTsm({ machine: broker.machine, folder: join(root, TSM) });
  }, 120_000);
  afterAll(async () => {
    await tsm.unmount();
    await broker.remove();
    rmSync(root, { recursive: true, force: true });
  });

  /** With an environment that would have Node load a file. */
  async function inside(...words: readonly string[]) {
    writeFileSync(join(root, "planted.cjs"), "console.log('planted')");
    const child = spawn("chroot", [root, "/ostiary-agent", ...words], {
      env: { PATH: process.env["PATH"], NODE_OPTIONS: "--require /planted.cjs" },
    });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (piece: Buffer) => void out.push(piece));
    child.stderr.on("data", (piece: Buffer) => void err.push(piece));
    const status = await new Promise((done) => child.once("close", done));
    return { status, out: Buffer.concat(out), err: Buffer.concat(err).toString() };
  }

  it("says what it weighs", () => {
    const [, size] = /^agent: executable (\d+) of \d+ bytes, with(out)? symbols\n$/.exec(said) ?? [];
    expect(Number(size)).toBe(statSync(join(root, "ostiary-agent")).size);
  });

  it("has the agent's verbs, says nothing of its own, and loads no file that the environment names", async () => {
    const { status, out, err } = await inside("agent", "--help");
    expect([status, err]).toEqual([0, ""]);
    expect(out.toString()).toContain("ostiary agent unlock");
    expect(out.toString()).not.toContain("planted");
  });

  it("gets a secret by the kernel's interface at its own place", async () => {
    const pins = ["--broker", broker.url, "--audience", broker.audience, "--signing-key", "/broker.pem"];
    const { status, out, err } = await inside("get", "prod/disk", "--fd", "1", ...pins);
    expect(err).toMatch(/^ostiary: prod\/disk version 1, decision \S+\n$/);
    expect([status, Uint8Array.from(out)]).toEqual([0, SECRET]);
  });

  it("parses certificates, by a text that lies in it, where a broker has to prove itself", async () => {
    copyFileSync(POLICY, join(root, "broker.writ"));
    copyFileSync(join(broker.machine, SIMULATOR_ROOT_FILE), join(root, "root.pem"));
    const known = [
      "--broker-policy",
      "/broker.writ",
      "--broker-cluster",
      "c",
      "--trust-simulator",
      "/root.pem",
    ];
    const place = ["--broker", broker.url, "--audience", broker.audience, "--deadline", "5"];
    const { err } = await inside("get", "prod/disk", "--fd", "1", ...place, ...known);
    expect(err).toMatch(/code: broker\//);
  });
});
