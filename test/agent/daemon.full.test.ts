import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { type Daemon, daemonFolder, guestFile, startDaemon } from "./daemon.ts";
import { asGuest, CLI, type DemoBroker, demoBroker, random } from "./demo-broker.ts";
import { CACHE, sourceAt } from "./source-at.ts";

const DISK = random(32);
const ACTIVATE = "/usr/bin/systemd-socket-activate";

let broker: DemoBroker;

beforeAll(async () => {
  broker = await demoBroker({ "prod/disk": DISK, "prod/words": utf8("one"), "prod/turned": utf8("one") });
}, 60_000);

afterAll(async () => {
  await broker.remove();
});

function folderOf(config: string) {
  const folder = daemonFolder(`${guestFile(broker)}${config}`);
  onTestFinished(folder.remove);
  return folder;
}

function start(file: string): Daemon {
  const daemon = startDaemon(file);
  onTestFinished(async () => {
    daemon.child.kill("SIGKILL");
    await daemon.ended;
  });
  return daemon;
}

function readAll(path: string): Promise<Buffer> {
  return new Promise((done, failed) => {
    const pieces: Buffer[] = [];
    const client = connect(path);
    client.on("data", (piece) => void pieces.push(piece));
    client.once("end", () => done(Buffer.concat(pieces)));
    client.once("error", failed);
  });
}

function health(socketPath: string): Promise<{ readonly status: number | undefined; readonly body: string }> {
  return new Promise((done, failed) => {
    const asked = request({ socketPath, path: "/health" }, (answer) => {
      let body = "";
      answer.on("data", (piece) => {
        body += String(piece);
      });
      answer.once("end", () => done({ status: answer.statusCode, body }));
    });
    asked.once("error", failed);
    asked.end();
  });
}

describe("the daemon", () => {
  it("leaves no file of a secret to the start after a SIGKILL, also where no broker answers then", async () => {
    const { folder, file } = folderOf('[[file]]\npath = "FOLDER/key"\nsecret = "prod/disk"\n');
    const killed = start(file);
    await killed.says('"ready"');
    killed.child.kill("SIGKILL");
    await killed.ended;
    expect(existsSync(join(folder, "key"))).toBe(true);
    await broker.kill();
    const next = start(file);
    await next.says('"waiting"');
    expect(readdirSync(folder)).toEqual(["agent.toml"]);
    await broker.start();
    await next.says('"ready"');
    expect(Uint8Array.from(readFileSync(join(folder, "key")))).toEqual(DISK);
  }, 60_000);

  it("says at /health what it waits for, and that it waits no more", async () => {
    const { folder, file } = folderOf(
      '[serve]\nhealth = "FOLDER/health.sock"\n[[file]]\npath = "FOLDER/key"\nsecret = "prod/disk"\n',
    );
    await broker.kill();
    const daemon = start(file);
    await daemon.says('"waiting"');
    const { status, body } = await health(join(folder, "health.sock"));
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({
      status: "starting",
      waiting: { broker: broker.url, code: "broker/unreachable" },
      files: { waiting: 1 },
    });
    await broker.start();
    await daemon.says('"ready"');
    expect((await health(join(folder, "health.sock"))).status).toBe(200);
  }, 60_000);

  it("ends at once on SIGTERM while it waits for a broker, and leaves nothing", async () => {
    const { folder, file } = folderOf('[[file]]\npath = "FOLDER/key"\nsecret = "prod/disk"\n');
    await broker.kill();
    const daemon = start(file);
    await daemon.says('"waiting"');
    daemon.child.kill("SIGTERM");
    expect(await daemon.ended).toBe(0);
    expect(readdirSync(folder)).toEqual(["agent.toml"]);
    await broker.start();
  }, 60_000);

  it.skipIf(!existsSync(ACTIVATE))(
    "takes over a socket of systemd, in whose queue the first client waited",
    async () => {
      const { folder, file } = folderOf(
        '[[credential]]\nsocket = "FOLDER/disk.sock"\nsecret = "prod/disk"\n',
      );
      const socket = join(folder, "disk.sock");
      const words = ["--listen", socket, process.execPath, CLI, "agent", "serve", "--config", file];
      const child = spawn(ACTIVATE, words, { stdio: ["ignore", "ignore", "pipe"] });
      onTestFinished(() => void child.kill("SIGKILL"));
      while (!existsSync(socket)) await sleep(20);
      expect(Uint8Array.from(await readAll(socket))).toEqual(DISK); // it is this that starts the daemon
      child.kill("SIGTERM");
      await new Promise((gone) => child.once("exit", gone));
      expect(existsSync(socket)).toBe(true); // it is systemd's
    },
    60_000,
  );

  it("takes no name from somebody who serves at it", async () => {
    const { file } = folderOf('[[credential]]\nsocket = "FOLDER/disk.sock"\nsecret = "prod/disk"\n');
    await start(file).says('"ready"');
    const second = start(file);
    expect(await second.ended).toBe(3);
    expect(second.log()).toContain("a socket that nobody serves");
  }, 60_000);
});

describe("ostiary agent exec", () => {
  it("begins the program again, or tells it, when a secret is another", async () => {
    const running = (change: string, program: string): ChildProcess => {
      const own = ["--run-dir", "/dev/shm/ostiary-exec-full", "--refresh", "1s", "--on-change", change];
      const words = ["agent", "exec", ...asGuest(broker), ...own, "--file", "KEY=prod/turned"];
      const child = spawn(process.execPath, [CLI, ...words, "--", "/bin/sh", "-c", program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      onTestFinished(() => void child.kill("SIGTERM"));
      return child;
    };
    const until = (child: ChildProcess, words: string): Promise<void> =>
      new Promise((heard) => {
        let out = "";
        child.stdout?.on("data", (piece) => {
          out += String(piece);
          if (out.includes(words)) heard();
        });
      });
    const again = running("restart", 'echo "has $(cat $KEY)"; exec sleep 100');
    const told = running(
      "signal:HUP",
      'trap "cat $KEY" HUP; echo "has $(cat $KEY)"; while :; do sleep 0.1; done',
    );
    await Promise.all([until(again, "has one"), until(told, "has one")]);
    const changes = [until(again, "has two"), until(told, "two")];
    await broker.admin.putSecret("prod/turned", { kind: "static", plaintext: utf8("two") });
    await Promise.all(changes);
    for (const child of [again, told]) {
      const gone = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      expect(await gone).toBe(128 + 15);
    }
    expect(readdirSync("/dev/shm/ostiary-exec-full")).toEqual([]);
  }, 60_000);
});

describe("the daemon's way to the broker", () => {
  it("bridges a broker that is away with what is old, where it is told to, and says so; a refusal it never bridges", async () => {
    const plan = { ...CACHE, maxAgeMs: 1, staleMs: 60_000 };
    const { source, outcomes } = await sourceAt(broker, { cache: plan, deadline: "1" });
    const strict = await sourceAt(broker, { cache: { ...plan, staleMs: 0 }, deadline: "1" });
    await Promise.all([source.read("prod/disk"), strict.source.read("prod/disk"), source.read("prod/words")]);
    await broker.kill();
    expect((await source.read("prod/disk")).secret).toEqual(DISK);
    expect(outcomes.at(-1)).toEqual({ kind: "stale", code: "broker/unreachable" });
    await expect(strict.source.read("prod/disk")).rejects.toMatchObject({ code: "broker/unreachable" });
    await broker.start();
    await broker.admin.changeSecret("prod/words", { version: 1, state: "disabled" });
    await expect(source.read("prod/words")).rejects.toMatchObject({ detail: { id: expect.any(String) } });
    await broker.kill();
    await sleep(1100); // for as long a no is told again
    await expect(source.read("prod/words")).rejects.toMatchObject({ code: "broker/unreachable" });
    await broker.start();
  });

  it("ends what waits for a broker when the daemon ends", async () => {
    await broker.kill();
    const { source, stop } = await sourceAt(broker, { deadline: "none" });
    const reading = source.read("prod/disk").catch((thrown: unknown) => thrown);
    stop.abort();
    expect(await reading).toMatchObject({ code: "broker/unreachable" });
    await broker.start();
  });
});
