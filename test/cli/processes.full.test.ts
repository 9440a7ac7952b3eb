/** Are several processes one broker to whoever runs it? Begun, asked, killed and ended as an operator does. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLI, freePort } from "../agent/demo-broker.ts";
import {
  createSeveral,
  inProcesses,
  isAlive,
  type LogLine,
  type SeveralProcesses,
  signalOne,
  until,
} from "../agent/several-processes.ts";

const isFull = process.env["FULL"] === "1";

let folder: string;
let data: string;
let url: string;
let broker: SeveralProcesses;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-processes-"));
  data = join(folder, "data");
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  expect(ostiary("init", "--data", data, "--port", String(port), "--no-kds").status).toBe(0);
  inProcesses(data, 2);
  broker = createSeveral(data);
  await broker.start();
}, 60_000);

afterAll(async () => {
  await broker.kill();
  rmSync(folder, { recursive: true, force: true });
});

function ostiary(...words: readonly string[]) {
  return spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", timeout: 30_000 });
}

/** Each on a connection of its own, so that they go round. */
async function ask(path: string): Promise<string> {
  const answer = await fetch(`${url}${path}`, { headers: { connection: "close" } });
  expect(answer.status).toBe(200);
  return answer.text();
}

/** Of `/metrics`: every series of counters with its value. */
async function counters(): Promise<ReadonlyMap<string, number>> {
  const lines = (await ask("/metrics")).split("\n").filter((line) => /^ostiary_\w+_total/.test(line));
  return new Map(lines.map((line) => [line.replace(/ \d+$/, ""), Number(/ (\d+)$/.exec(line)?.[1])]));
}

/** Which process answered; nobody where the connection broke or was refused. */
async function askedOf(): Promise<unknown> {
  const asked = () => broker.lines().filter(({ route }) => route === "/healthz");
  const before = asked().length;
  const isAnswered = await ask("/healthz").then(
    () => true,
    () => false,
  );
  if (!isAnswered) return undefined;
  await until(() => asked().length > before);
  return asked().at(-1)?.process;
}

/** A request whose body never comes. */
function beginRequest(): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((sent) => {
    const socket = connect(Number(port), hostname, () => {
      const head = "POST /v1/challenge HTTP/1.1\r\nhost: broker\r\ncontent-type: application/json\r\n";
      socket.write(`${head}content-length: 100\r\n\r\n{`, () => sent(socket));
    });
    socket.on("error", () => undefined);
  });
}

function logged(event: string): readonly LogLine[] {
  return broker.lines().filter((line) => line.event === event);
}

const HEALTHZ = 'ostiary_requests_total{route="/healthz",method="GET",status="200"}';
const LOSSES = "ostiary_process_losses_total";

describe("a broker of two processes, from its start to its end", () => {
  it("serves one port by both, and says the same counts whichever is asked", async () => {
    const askers = (): ReadonlySet<unknown> => new Set(asked().map((line) => line.process));
    const asked = () => broker.lines().filter(({ route }) => route === "/healthz");
    let times = 0;
    for (; askers().size < 2; times += 1) await ask("/healthz"); // in order: until both were asked
    await until(() => asked().length === times);
    for (let i = 0; i < 4; i += 1) expect((await counters()).get(HEALTHZ)).toBe(times);
  });

  it("keeps its port to itself: a second broker that is begun by mistake takes none of its guests", () => {
    const { status, stderr } = ostiary("serve", "--data", data);
    expect(status).toBe(3);
    expect(stderr).toContain("(EADDRINUSE)");
  });

  it("serves by the other one when one is killed, and no count falls", async () => {
    const before = await counters();
    const [housekeeper = 0, other = 0] = broker.servingPids();
    signalOne(housekeeper, "SIGKILL");
    await until(() => logged("process-lost").length === 1);
    const after = await counters();
    for (const [series, value] of before) expect(after.get(series), series).toBeGreaterThanOrEqual(value);
    expect(after.get(LOSSES)).toBe(1);
    await until(() => logged("listening").length === 3); // two at the start, and the one in the place of the lost one
    expect(broker.servingPids()).toContain(other);
    expect(broker.servingPids()).toHaveLength(2);
    expect(isAlive(housekeeper)).toBe(false);
  });

  it("tells each process to read its certificate anew, and only those", async () => {
    signalOne(broker.firstPid(), "SIGHUP");
    await until(() => logged("reloaded").length === 2);
    expect(new Set(logged("reloaded").map((line) => line.process))).toEqual(new Set([1, 2]));
  });

  it("ends in order: the one that keeps house last, so that the last head is over everything", async () => {
    const pids = broker.servingPids();
    const unfinished = await Promise.all(Array.from({ length: 24 }, beginRequest)); // some of them at process 2
    const first = broker.firstPid();
    for (const pid of [...pids, first]) signalOne(pid, "SIGTERM"); // as systemd and terminals do
    for (let inRow = 0; inRow < 8 && isAlive(first); ) {
      inRow = (await askedOf()) === 1 ? inRow + 1 : 0; // in order: it waits for 2 to take no more, or for both where that took too long
    }
    for (const socket of unfinished) socket.destroy();
    expect(await broker.ended()).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(logged("stopped").map((line) => line.process)).toEqual([2, 1]);
  });

  if (isFull) {
    it("ends where one process after the other is lost, and says so", async () => {
      await broker.start();
      for (let losses = 1; losses <= 10; losses += 1) {
        await until(() => broker.servingPids().length === 2); // in order: each in the place of the one before
        signalOne(broker.servingPids()[1], "SIGKILL");
        await until(() => logged("process-lost").length === losses);
      }
      expect(await broker.ended()).toBe(3);
      expect(broker.said()).toContain("process/lost");
    }, 120_000);
  }

  it("leaves nobody behind who serves when its first process is killed", async () => {
    await broker.start();
    const pids = broker.servingPids();
    expect(pids).toHaveLength(2);
    await broker.kill();
    await until(() => !pids.some(isAlive));
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  it("does not try again what cannot begin, and says it once", () => {
    writeFileSync(join(data, "kek.key"), new Uint8Array(32).fill(7));
    const { status, stderr } = ostiary("serve", "--data", data);
    expect(status).toBe(3);
    expect(stderr.match(/kek\/wrong-key/g)).toHaveLength(1);
    expect(stderr).not.toContain("process-lost");
  });
});

describe("several processes", () => {
  it("are refused where the root key comes in shares: whichever is begun anew would have nobody to unseal it", () => {
    const path = join(data, "ostiary.toml");
    const shares = `[kek]\nshares = "${"0".repeat(32)}"\n`;
    writeFileSync(path, `${readFileSync(path, "utf8").replace(/^kek = .*\n/m, "")}\n${shares}`);
    const { status, stderr } = ostiary("serve", "--data", data, "--check");
    expect(status).toBe(3);
    expect(stderr).toContain("listen.processes: expected 1 where the root key comes in shares");
    inProcesses(data, 1);
    expect(ostiary("serve", "--data", data, "--check").status).toBe(0);
  });
});
