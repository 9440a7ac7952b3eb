/** Is a dump one moment of the database, whole in the other one, and half of one of no use? */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { refuseForeignStore } from "../../src/broker/startup.ts";
import { dump, load } from "../../src/store/dump.ts";
import { openPostgresDriver } from "../../src/store/postgres.ts";
import type { SnapshotDriver } from "../../src/store/query.ts";
import { rowsOf } from "../../src/store/rows.ts";
import { createSqliteDriver } from "../../src/store/sqlite.ts";
import { openSqlite } from "../../src/store/sqlite-file.ts";
import { createSqlStore } from "../../src/store/statements.ts";
import { KEPT_TABLES } from "../../src/store/tables.ts";
import { adminDraft, bundleOf, commitOf, itemOf, T0, useOf, versionOf } from "../contract/store/examples.ts";
import { describeWithPostgres, startPostgres, type TestServer } from "../support/postgres.ts";
import { temporaryPath } from "./temporary.ts";

function fresh(): SnapshotDriver {
  const driver = createSqliteDriver(openSqlite({ path: temporaryPath(), mode: "create" }));
  onTestFinished(() => driver.close());
  return driver;
}

async function filled(driver: SnapshotDriver): Promise<SnapshotDriver> {
  const store = createSqlStore(driver);
  await store.commitDecisions([commitOf({ items: [{ ...itemOf(useOf("a\nü", 9)), reads: 1 }] })]);
  await store.putBundle(bundleOf("a".repeat(64)), adminDraft("propose"));
  for (let version = 1; version <= 700; version += 1) {
    const envelope = new Uint8Array(1200).fill(version);
    await store.putSecretVersion(versionOf({ version, envelope }), adminDraft("put")); // in order
  }
  await store.putNonceEpoch({ kid: 2, wrapped: Uint8Array.of(0, 255), createdAt: T0 });
  await store.putTokenKey(
    { serial: 1, wrapped: Uint8Array.of(1), signsFrom: T0, withdraws: false, createdAt: T0, createdBy: "a" },
    undefined,
  );
  const end = { expiresAt: T0, createdAt: T0, createdBy: "a" };
  const importKey = {
    id: "ab".repeat(16),
    suite: 1,
    publicKey: Uint8Array.of(2),
    wrapped: Uint8Array.of(3),
    ...end,
  } as const;
  await store.putImportKey(importKey, adminDraft("import-key"));
  await store.keepKbsSession({ id: "cd".repeat(16), token: "a.b.c", until: T0 });
  return driver;
}

async function textOf(from: SnapshotDriver): Promise<readonly string[]> {
  const pieces: string[] = [];
  for await (const piece of dump(from)) pieces.push(piece);
  return pieces;
}

async function* streamed(pieces: readonly string[]) {
  yield* pieces;
}

async function countsOf(driver: SnapshotDriver): Promise<readonly number[]> {
  const counts: number[] = [];
  for (const kept of KEPT_TABLES) {
    let count = 0;
    for await (const _ of rowsOf(kept, driver)) count += 1;
    counts.push(count);
  }
  return counts;
}

function dumpContract(make: () => Promise<SnapshotDriver>): void {
  it("brings every row but nonces, the keys of tokens and sessions", async () => {
    const [from, to] = [await filled(await make()), await make()];
    const pieces = await textOf(from);
    expect(pieces.length).toBeGreaterThan(2);
    await load(streamed(pieces), to);
    const withoutKeys = (lines: readonly string[]) => lines.join("\n").split("\n").slice(0, -1);
    const [before, after] = [withoutKeys(pieces), withoutKeys(await textOf(to))];
    const names = KEPT_TABLES.map(({ table }) => table);
    expect(before.length - after.length).toBe(5);
    expect(before.filter((line) => !after.includes(line))).toHaveLength(5);
    expect(names.length).toBe((await countsOf(to)).length);
  });

  it("is one moment, whatever is written meanwhile", async () => {
    const from = await filled(await make());
    const store = createSqlStore(from);
    const to = fresh();
    await from.snapshot(async (moment) => {
      async function* slowly() {
        for await (const piece of dump(moment)) {
          await store.commitDecisions([commitOf()]);
          yield piece;
        }
      }
      await load(slowly(), to);
    });
    const copy = createSqlStore(to);
    expect(await copy.ledgerSize()).toBe(703);
    expect(await store.ledgerSize()).toBeGreaterThan(703);
  });
}

describe("a dump of SQLite", () => dumpContract(async () => fresh()));

describeWithPostgres("a dump of PostgreSQL", () => {
  let server: TestServer;
  let count = 0;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterAll(() => server.remove());

  dumpContract(async () => {
    count += 1;
    const database = `dump${count}`;
    server.psql(`create database ${database}`);
    const { host, port } = server;
    const driver = await openPostgresDriver({ host, port, database, role: "ostiary", mode: "migrate" });
    onTestFinished(() => driver.close());
    return driver;
  });
});

describe("what is no whole dump", () => {
  const rows: readonly (readonly [string, (pieces: readonly string[]) => readonly string[]])[] = [
    ["without its end", (pieces) => pieces.slice(0, -1)],
    ["without its beginning", (pieces) => pieces.slice(1)],
    ["with another count", (pieces) => [...pieces.slice(0, -1), '{"rows":1}']],
    ["with rows after its end", (pieces) => [...pieces, pieces[0] ?? ""]],
    ["with a row of an unknown table", (pieces) => ['[99,"x"]', ...pieces]],
    [
      "with a row that is too long",
      (pieces) => pieces.map((piece) => piece.replace(/^(\[1,.*)\]$/m, '$1,"more"]')),
    ],
    ["with a row that is too short", (pieces) => ["[0,1]", ...pieces]],
    ["with a cell of another kind", (pieces) => [`[${KEPT_TABLES.length - 1},"n",{"c":1}]`, ...pieces]],
    ["of no JSON", (pieces) => ["[", ...pieces]],
    ["of nothing", () => []],
  ];

  it.each(rows)("is refused: %s", async (_name, change) => {
    const pieces = await textOf(await filled(fresh()));
    const to = fresh();
    await expect(load(streamed(change(pieces)), to)).rejects.toMatchObject({
      code: "store/malformed-backup",
    });
    const kek = { id: "k", wrap: async (b: Uint8Array) => b, unwrap: async (b: Uint8Array) => b };
    await expect(refuseForeignStore(createSqlStore(to), kek, "https://a.example")).rejects.toMatchObject({
      code: "store/incompatible",
    });
  });

  it("is not put over rows that are there", async () => {
    const from = await filled(fresh());
    await expect(load(streamed(await textOf(from)), from)).rejects.toMatchObject({
      code: "store/incompatible",
    });
  });
});
