import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { asGuest, CLI, type DemoBroker, demoBroker } from "./demo-broker.ts";

const WORDS = new TextEncoder().encode("planted-one");

let broker: DemoBroker;
let folder: string;

beforeAll(async () => {
  broker = await demoBroker({ "prod/words": WORDS, "prod/bytes": Uint8Array.of(0xff, 0, 1) });
  folder = mkdtempSync("/dev/shm/ostiary-exec-");
}, 60_000);

afterAll(async () => {
  await broker.remove();
  rmSync(folder, { recursive: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly until: (words: string) => Promise<void>;
  readonly ended: Promise<{ readonly status: number | null; readonly out: string; readonly err: string }>;
}

function exec(words: readonly string[], program: string): Running {
  const all = ["agent", "exec", ...asGuest(broker), "--run-dir", join(folder, "runs"), ...words];
  const child = spawn(process.execPath, [CLI, ...all, "--", "/bin/sh", "-c", program], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NOTIFY_SOCKET: "/nowhere" },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let [out, err] = ["", ""];
  child.stdout?.on("data", (piece) => {
    out += String(piece);
  });
  child.stderr?.on("data", (piece) => {
    err += String(piece);
  });
  const ended = new Promise<{ status: number | null; out: string; err: string }>((done) =>
    child.once("close", (status) => done({ status, out, err })),
  );
  const until = (said: string): Promise<void> =>
    new Promise((heard, failed) => {
      child.stdout?.on("data", () => (out.includes(said) ? heard() : undefined));
      void ended.then(() => failed(new Error(`it ended: ${out}${err}`)));
    });
  return { child, until, ended };
}

const runs = (): readonly string[] =>
  existsSync(join(folder, "runs")) ? readdirSync(join(folder, "runs")) : [];

describe("ostiary agent exec", () => {
  it("gives secrets to the program's environment and files alone, and ends with its status", async () => {
    const words = ["--env", "WORDS=prod/words", "--env", "HEX=prod/bytes#hex", "--file", "KEY=prod/bytes"];
    const program = `echo "$WORDS $HEX"; od -An -tx1 "$KEY"; stat -c '%a' "$KEY"; stat -c '%a' "$(dirname "$KEY")"
      tr '\\0' '\\n' < /proc/$PPID/environ | grep -c 'plante[d]'; tr '\\0' ' ' < /proc/$PPID/cmdline | grep -c 'plante[d]'
      echo "notify=$NOTIFY_SOCKET"; exit 7`;
    const { status, out } = await exec(words, program).ended;
    expect({ status, out }).toEqual({
      status: 7,
      out: "planted-one ff0001\n ff 00 01\n600\n700\n0\n0\nnotify=\n",
    });
    expect(runs()).toEqual([]);
  });

  it("passes signals on, ends as the program ends, and takes its files away", async () => {
    const program = exec(
      ["--file", "KEY=prod/words"],
      'trap "echo hup" HUP; trap "echo term; exit 3" TERM; echo up; while :; do sleep 0.1; done',
    );
    await program.until("up");
    expect(runs()).toHaveLength(1);
    program.child.kill("SIGHUP");
    await program.until("hup");
    program.child.kill("SIGTERM");
    expect(await program.ended).toMatchObject({ status: 3, out: "up\nhup\nterm\n" });
    expect(runs()).toEqual([]);
    expect((await exec(["--env", "W=prod/words"], "kill -9 $$").ended).status).toBe(128 + 9);
  });

  it("starts nothing where a secret is refused, or is no text", async () => {
    const refused = await exec(["--env", "W=prod/words", "--env", "N=lab/none"], "echo started").ended;
    expect(refused).toMatchObject({ status: 1, out: "" });
    expect(refused.err).toContain("code: policy/denied");
    const bytes = await exec(["--env", "W=prod/bytes"], "echo started").ended;
    expect(bytes).toMatchObject({ status: 1, out: "" });
    expect(bytes.err).toContain("code: secret/unfit");
  });

  it("takes away what a killed one left, and leaves alone what a living one has", async () => {
    const base = join(folder, "runs");
    const killed = exec(["--file", "KEY=prod/words"], "echo up; exec sleep 3");
    await killed.until("up");
    killed.child.kill("SIGKILL");
    await new Promise((gone) => killed.child.once("exit", gone));
    const [left = ""] = runs();
    expect(readFileSync(join(base, left, "KEY"), "utf8")).toBe("planted-one");
    const living = createServer();
    mkdirSync(join(base, "run-living"), { mode: 0o700 });
    await new Promise<void>((done) => living.listen({ path: join(base, "run-living/.alive") }, done));
    onTestFinished(() => void living.close());
    await exec(["--file", "KEY=prod/words"], "true").ended;
    expect(runs()).toEqual(["run-living"]);
  });
});
