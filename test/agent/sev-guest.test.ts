/** Does the provider speak the driver's language? Real ioctl through the kernel, to a file that answers as /dev/sev-guest does. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { openSevGuest } from "../../src/agent/providers/sev-guest.ts";
import { parseCertTable } from "../../src/attestation/snp/cert-table.ts";
import { parseReport } from "../../src/attestation/snp/report.ts";
import { openSevGuestDevice } from "../../src/runtime/node/sev-guest.ts";
import type { Vmpl } from "../../src/wire/messages.ts";
import { random } from "../client/sealed-answer.ts";
import { simulatedRoot } from "../support/simulated.ts";
import { describeWithFuse } from "../support/tsm-fuse/describe.ts";
import { ownChannel, ownFolder } from "./own-channel.ts";

const DATA = random(64);
const PROGRAM = join(import.meta.dirname, "../support/sev-guest-fuse/process.ts");
const [GET_REPORT, GET_EXT_REPORT] = [0xc020_5300, 0xc020_5302];

interface StandIn {
  readonly file: string;
  /** What it was asked, in its order. */
  readonly asked: () => readonly Record<string, unknown>[];
}

async function standIn(plan: string): Promise<StandIn> {
  simulatedRoot("genoa");
  const folder = mkdtempSync(join(tmpdir(), "ostiary-sev-guest-"));
  const file = join(folder, "sev-guest");
  const machine = join(tmpdir(), "ostiary-simulator-v1", "genoa");
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, file, machine, plan], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout?.on("data", (piece) => {
    said += String(piece);
  });
  onTestFinished(() => {
    spawnSync("umount", ["-l", file]);
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  await vi.waitFor(() => expect(said).toContain("mounted\n"), { timeout: 10_000, interval: 20 });
  const asked = () =>
    said
      .split("\n")
      .slice(1, -1)
      .map((line) => JSON.parse(line));
  return { file, asked };
}

const opened = ({ file }: StandIn, vmpl?: Vmpl, folder = ownFolder()) =>
  openSevGuest({ open: () => openSevGuestDevice(file, () => true), channel: ownChannel({ folder }), vmpl });

async function faultOf(asked: Promise<unknown>) {
  return asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
}

describeWithFuse("/dev/sev-guest", () => {
  it("gives a report over the 64 bytes at the level asked for, and the host's table", async () => {
    const device = await standIn("ok");
    const provider = await opened(device, 2);
    const { report, certTable } = await provider.attest(DATA);
    expect(await faultOf(provider.attest(random(65)))).toMatchObject({ code: "internal/invariant" });
    expect([parseReport(report).reportData, parseReport(report).vmpl]).toEqual([DATA, 2]);
    expect(parseCertTable(certTable ?? new Uint8Array(0)).certificates.length).toBeGreaterThanOrEqual(3);
    const words = { command: GET_EXT_REPORT, version: 1, level: 2, room: 0x4000, isZeroed: true };
    await vi.waitFor(() => expect(device.asked()).toEqual([{ ...words, turn: "ok" }]));
  });

  it("asks with the room that the host's table needs, and without it where no room will do", async () => {
    const device = await standIn("small:8192,ok,small:20480,bare,small:16384,bare");
    const provider = await opened(device);
    expect((await provider.attest(DATA)).certTable).toHaveLength(8192);
    expect((await provider.attest(DATA)).certTable).toBeUndefined();
    expect((await provider.attest(DATA)).certTable).toBeUndefined();
    await vi.waitFor(() => expect(device.asked()).toHaveLength(6));
    expect(device.asked().map(({ command, room }) => [command, room])).toEqual([
      [GET_EXT_REPORT, 0x4000],
      [GET_EXT_REPORT, 8192],
      [GET_EXT_REPORT, 0x4000],
      [GET_REPORT, 0],
      [GET_EXT_REPORT, 0x4000],
      [GET_REPORT, 0],
    ]);
  });

  it("says what the host and the firmware said, and takes a table of zeroes for none", async () => {
    const device = await standIn(
      "bare,EIO:0:2,ETIMEDOUT,status:22,size:1183,small:4096,small:8192,small:4096,ok",
    );
    const provider = await opened(device);
    expect((await provider.attest(DATA)).certTable).toBeUndefined();
    const code = "provider/unavailable";
    expect(await faultOf(provider.attest(DATA))).toMatchObject({
      code,
      detail: { reason: "EIO", firmware: 0, host: 2 },
    });
    expect(await faultOf(provider.attest(DATA))).toMatchObject({
      code,
      detail: { reason: "ETIMEDOUT", firmware: 255 },
    });
    expect(await faultOf(provider.attest(DATA))).toMatchObject({ code, detail: { status: 22 } });
    expect(await faultOf(provider.attest(DATA))).toMatchObject({ code, detail: { size: 1183 } });
    expect(await faultOf(provider.attest(DATA))).toMatchObject({ code }); // a table that changes all the time
    expect((await provider.attest(DATA)).report).toHaveLength(1184);
  });

  it("asks no more once the key is gone (ENOTTY)", async () => {
    const device = await standIn("ENOTTY,ok");
    const folder = ownFolder();
    const first = await opened(device, 0, folder);
    expect(await faultOf(first.attest(DATA))).toMatchObject({ code: "provider/key-wiped" });
    const next = await opened(device, 0, folder);
    expect(await faultOf(next.attest(DATA))).toMatchObject({ code: "provider/key-wiped" });
    await vi.waitFor(() => expect(device.asked()).toHaveLength(1));
  });
});

it("is unavailable where there is no device, or a file in its place, which would seem to say that the key is gone", async () => {
  const folder = ownFolder();
  const file = join(folder, "sev-guest");
  const open = (path: string) =>
    openSevGuest({ open: () => openSevGuestDevice(path), channel: ownChannel({ folder }) });
  expect(await faultOf(open(file))).toMatchObject({
    code: "provider/unavailable",
    message: expect.stringContaining("modprobe"),
  });
  writeFileSync(file, "");
  expect(await faultOf(open(file))).toMatchObject({ code: "provider/unavailable" });
  expect(existsSync(join(folder, "secure-processor"))).toBe(false);
});
