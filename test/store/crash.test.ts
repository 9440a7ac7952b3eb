import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { createSqliteStore } from "../../src/store/sqlite.ts";
import { commitOf } from "../contract/store/examples.ts";
import { openedStore, temporaryPath } from "./temporary.ts";

const CHILD = join(import.meta.dirname, "writer-child.ts");

function writer(...args: readonly string[]) {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  /** Whole lines only: what a killed process began to say it has not said. */
  const lines = () => text.split("\n").slice(0, -1);
  const isReady = new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
  return { child, lines, isReady, isOver: ended(child) };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once("close", () => resolve()));
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs a writer, kills it soon after it said `count` lines, and answers all that it said. */
async function killedAfter(count: number, path: string, first: number): Promise<readonly string[]> {
  const { child, lines, isOver } = writer("crash", path, String(first));
  while (lines().length < count && child.exitCode === null) await pause(1);
  await pause(Math.random() * 3);
  child.kill("SIGKILL");
  await isOver;
  return lines();
}

interface Said {
  readonly decisions: Map<string, { readonly seq: number; readonly number: number }>;
  readonly entries: number[];
  versions: number;
}

function listen(said: Said, lines: readonly string[]): void {
  for (const line of lines) {
    const [word, a = "", b, c] = line.split(" ");
    if (word === "decision") said.decisions.set(a, { seq: Number(b), number: Number(c) });
    if (word === "entry") said.entries.push(Number(a));
    if (word === "version") said.versions = Math.max(said.versions, Number(a));
  }
}

describe("a store whose process is killed", () => {
  it("keeps every acknowledged decision, nonce, secret version and entry, and half of nothing", async () => {
    const path = temporaryPath();
    await createSqliteStore({ path, mode: "create" }).close();
    const all: Said = { decisions: new Map(), entries: [], versions: 0 };
    for (let round = 0; round < 10; round += 1) {
      const lines = await killedAfter(5 + Math.random() * 80, path, round * 1_000_000);
      const said: Said = { decisions: new Map(), entries: [], versions: 0 };
      for (const heard of [said, all]) listen(heard, lines);
      await expectKept(path, said);
      expectWhole(path);
    }
    expect(all.decisions.size).toBeGreaterThan(20);
    await expectKept(path, all);
  }, 60_000);
});

async function expectKept(path: string, said: Said): Promise<void> {
  const store = openedStore(path, "existing");
  const entries = await store.entries(0, 1_000_000);
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i));
  for (const [id, { seq, number }] of said.decisions) {
    const kept = await store.decision(id);
    expect(kept).toMatchObject({ seq, trace: `{"n":${number}}`, draft: { id } });
  }
  for (const { number } of [...said.decisions.values()].slice(-50)) {
    const rand = new Uint8Array(16);
    new DataView(rand.buffer).setUint32(0, number);
    expect(await store.isSpent(1, rand)).toBe(true);
    const again = commitOf({ spend: { ...commitOf().spend, rand } });
    expect(await store.commitDecisions([again])).toEqual([{ kind: "nonce-spent" }]);
  }
  for (const seq of said.entries) expect(entries[seq]?.draft).toMatchObject({ act: "policy-propose" });
  expect((await store.secretVersions("crash")).length).toBeGreaterThanOrEqual(said.versions);
  const newest = await store.secretVersion("crash", said.versions);
  if (said.versions > 0) expect(newest?.envelope).toEqual(new Uint8Array(200).fill(said.versions % 251));
  await store.close();
}

/** What belongs to one transaction is there together: a decision has its spend, its entry, its uses and its attempt. */
function expectWhole(path: string): void {
  const database = new BetterSqlite3(path, { readonly: true });
  const count = (sql: string) => database.prepare(`select ${sql}`).pluck().get();
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  const decisions = count("count(*) from decision");
  expect(count("count(*) from decision join ledger_entry using (seq)")).toBe(decisions);
  expect(count("count(*) from nonce_spend join decision on decision.id = nonce_spend.decision")).toBe(
    decisions,
  );
  expect(count("count(*) from nonce_spend")).toBe(decisions);
  expect(count("coalesce(sum(decisions), 0) from attempt")).toBe(decisions);
  const whole = count("count(*) from decision where exhausted = ''");
  for (const key of ["all", "some", "lately"]) {
    expect(count(`coalesce(sum(uses), 0) from counter_use where key = '${key}'`)).toBe(whole);
  }
  expect(count("count(*) from ledger_entry where json_extract(draft, '$.act') = 'secret-put'")).toBe(
    count("count(*) from secret_version"),
  );
  database.close();
}

describe("two processes on one database", () => {
  it("spend each nonce once and give each use of a counter once", async () => {
    const path = temporaryPath();
    await createSqliteStore({ path, mode: "create" }).close();
    const rivals = ["A", "B"].map((owner) => writer("race", path, owner));
    await Promise.all(rivals.map(({ isReady }) => isReady));
    for (const { child } of rivals) child.stdin?.write("go\n");
    await Promise.all(rivals.map(({ isOver }) => isOver));
    const said = rivals.map(({ lines }) => lines().filter((line) => line !== "ready"));
    const won = said.flat().filter((line) => line.startsWith("committed"));
    expect(said.map((lines) => lines.length)).toEqual([300, 300]);
    expect(won.map((line) => Number(line.split(" ")[1])).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 300 }, (_, n) => n),
    );
    expect(won.filter((line) => line.endsWith(" 0"))).toHaveLength(100);
    expectWhole(path);
  }, 30_000);

  it("let one of two stores in one process win each nonce", async () => {
    const path = temporaryPath();
    const stores = [openedStore(path, "create"), openedStore(path, "existing")];
    for (let round = 0; round < 20; round += 1) {
      const { spend } = commitOf();
      const outcomes = await Promise.all(stores.map((store) => store.commitDecisions([commitOf({ spend })])));
      expect(outcomes.flat().filter(({ kind }) => kind === "committed")).toHaveLength(1);
    }
    const [size] = await Promise.all(stores.map((store) => store.ledgerSize()));
    expect(size).toBe(20);
  });
});
