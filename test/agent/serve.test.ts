import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { notifySocket } from "../support/notify-socket.ts";
import { type Daemon, daemonFolder, guestFile, startDaemon } from "./daemon.ts";
import { CLI, type DemoBroker, demoBroker, random } from "./demo-broker.ts";

let broker: DemoBroker;

beforeAll(async () => {
  broker = await demoBroker({ "prod/disk": random(32) });
}, 60_000);

afterAll(async () => {
  await broker.remove();
});

function folderOf(config: string) {
  const folder = daemonFolder(config);
  onTestFinished(folder.remove);
  return folder;
}

function start(file: string, environment: NodeJS.ProcessEnv = {}): Daemon {
  const daemon = startDaemon(file, environment);
  onTestFinished(async () => {
    daemon.child.kill("SIGKILL");
    await daemon.ended;
  });
  return daemon;
}

function check(file: string) {
  return spawnSync(process.execPath, [CLI, "agent", "serve", "--check", "--config", file], {
    encoding: "utf8",
  });
}

describe("ostiary agent serve", () => {
  it("tells systemd when it is ready, that it lives, and that it ends, and ends with 0 on SIGTERM", async () => {
    const { folder, file } = folderOf(guestFile(broker));
    const socket = notifySocket(join(folder, "notify"));
    onTestFinished(socket.close);
    const daemon = start(file, { NOTIFY_SOCKET: socket.place, WATCHDOG_USEC: "100000" });
    expect((await socket.until("READY=1"))[0]).toMatch(/^READY=1\nSTATUS=/);
    await socket.until("WATCHDOG=1");
    daemon.child.kill("SIGTERM");
    expect((await socket.until("STOPPING=1")).at(-1)).toBe("STOPPING=1");
    expect(await daemon.ended).toBe(0);
  });

  it("speaks to an abstract name too, and gives no beat that was meant for another process", async () => {
    const { file } = folderOf(guestFile(broker));
    const socket = notifySocket(`@ostiary-test-${process.pid}`);
    onTestFinished(socket.close);
    const daemon = start(file, { NOTIFY_SOCKET: socket.place, WATCHDOG_USEC: "10000", WATCHDOG_PID: "1" });
    await socket.until("READY=1");
    daemon.child.kill("SIGINT");
    const heard = await socket.until("STOPPING=1");
    expect(heard.filter((one) => one.includes("WATCHDOG"))).toEqual([]);
    expect(await daemon.ended).toBe(0);
  });

  it("reads the file with --check, names every problem, and starts nothing", () => {
    const good = folderOf(guestFile(broker));
    expect(check(good.file)).toMatchObject({ status: 0, stdout: `${good.file}: good\n` });
    const bad = folderOf(`${guestFile(broker)}tsm = 1\n[serv]\n`);
    const { status, stderr } = check(bad.file);
    expect(status).toBe(3);
    expect(stderr).toMatch(/code: config\/invalid\n {2}evidence[.]tsm: .*\n {2}serv: /);
    const keyless = folderOf(guestFile(broker).replace(broker.signingKeyFile, "/nowhere.pem"));
    expect(check(keyless.file)).toMatchObject({ status: 3 });
    expect(existsSync(join(good.folder, "health.sock"))).toBe(false);
  });
});
