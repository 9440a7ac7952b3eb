import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { inspect } from "node:util";
import BetterSqlite3 from "better-sqlite3";
import { DrizzleQueryError } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { Fault, isFault } from "../../src/base/fault.ts";
import type { Store } from "../../src/broker/store.ts";
import { storeFault } from "../../src/store/errors.ts";
import { createSqliteDriver } from "../../src/store/sqlite.ts";
import { openSqlite } from "../../src/store/sqlite-file.ts";
import { createSqlStore } from "../../src/store/statements.ts";
import {
  adminDraft,
  bundleOf,
  commitOf,
  itemOf,
  settingsOf,
  T0,
  useOf,
  versionOf,
} from "../contract/store/examples.ts";
import { openedStore, temporaryPath } from "./temporary.ts";

const PLANTED = "planted-secret-7f3a";
const PLANTED_BYTES = new TextEncoder().encode(PLANTED.repeat(300));

/** Everything that a careless log line could print of a thrown value. */
function everythingOf(thrown: unknown): string {
  const stack = thrown instanceof Error ? thrown.stack : "";
  return `${inspect(thrown, { depth: 20, showHidden: true })} ${JSON.stringify(thrown)} ${String(thrown)} ${stack}`;
}

/** Each write of the contract, with a secret in every value that can hold one. */
const WRITES: readonly (readonly [string, (store: Store) => Promise<unknown>])[] = [
  ["commitDecisions", (store) => store.commitDecisions([plantedCommit()])],
  ["putSecretVersion", (store) => store.putSecretVersion(plantedVersion(), adminDraft(PLANTED))],
  ["setVersionState", (store) => store.setVersionState(PLANTED, 1, "disabled", adminDraft(PLANTED))],
  [
    "condemnVersion",
    (store) =>
      store.condemnVersion({ path: PLANTED, version: 1, destroyAt: T0, despite: 0 }, adminDraft(PLANTED)),
  ],
  [
    "destroyVersion",
    (store) => store.destroyVersion({ path: PLANTED, version: 1, despite: 0 }, adminDraft(PLANTED)),
  ],
  ["putSecretSettings", (store) => store.putSecretSettings(plantedSettings(), adminDraft(PLANTED))],
  [
    "putBundle",
    (store) => store.putBundle({ ...bundleOf(PLANTED), tar: PLANTED_BYTES }, adminDraft(PLANTED)),
  ],
  ["putMeta", (store) => store.putMeta(PLANTED, undefined, PLANTED.repeat(300))],
  ["putNonceEpoch", (store) => store.putNonceEpoch({ kid: 9, wrapped: PLANTED_BYTES, createdAt: T0 })],
  ["cacheEndorsement", (store) => store.cacheEndorsement(PLANTED, { der: PLANTED_BYTES, obtainedAt: T0 })],
  ["appendEntry", (store) => store.appendEntry(adminDraft(PLANTED.repeat(300)))],
];

function plantedCommit() {
  const items = [{ ...itemOf(useOf(PLANTED, 1)), resource: PLANTED }];
  return commitOf({ reportId: PLANTED, items, trace: PLANTED.repeat(300) });
}

function plantedSettings() {
  return { path: PLANTED, settings: settingsOf({ owner: PLANTED }), expected: undefined };
}

function plantedVersion() {
  return versionOf({ path: PLANTED, version: 2, envelope: PLANTED_BYTES });
}

async function expectSilentFault(attempt: Promise<unknown>, code = "store/unavailable"): Promise<void> {
  const thrown: unknown = await attempt.then(
    () => "no fault",
    (reason: unknown) => reason,
  );
  expect(isFault(thrown) ? thrown.code : thrown).toBe(code);
  expect(everythingOf(thrown)).not.toContain(PLANTED);
}

describe("storeFault", () => {
  const sqliteError = (code: string) => new BetterSqlite3.SqliteError(`near "${PLANTED}"`, code);

  it.each([
    ["SQLITE_BUSY", "store/unavailable"],
    ["SQLITE_FULL", "store/unavailable"],
    ["SQLITE_READONLY_DBMOVED", "store/unavailable"],
    ["SQLITE_IOERR_FSYNC", "store/unavailable"],
    ["SQLITE_CORRUPT_VTAB", "store/unavailable"],
    ["SQLITE_NOTADB", "store/incompatible"],
    ["SQLITE_CONSTRAINT_CHECK", "store/unavailable"],
  ])("keeps nothing of %s but the code", (driverCode, code) => {
    const fault = storeFault(sqliteError(driverCode));
    expect(fault).toMatchObject({ code, detail: { code: driverCode } });
    expect(everythingOf(fault)).not.toContain(PLANTED);
  });

  it.each([
    [
      "drizzle's error, whose message holds the parameters",
      drizzleError(sqliteError("SQLITE_BUSY")),
      "SQLITE_BUSY",
    ],
    ["an error of another kind", new TypeError(PLANTED), "unknown"],
    ["a code that is a sentence", Object.assign(new Error("x"), { code: PLANTED }), "unknown"],
    ["a text", PLANTED, "unknown"],
    ["nothing", undefined, "unknown"],
    ["an error that causes itself", selfCaused(), "unknown"],
  ])("takes %s", (_, thrown, driverCode) => {
    const fault = storeFault(thrown);
    expect(fault).toMatchObject({ code: "store/unavailable", detail: { code: driverCode } });
    expect(everythingOf(fault)).not.toContain(PLANTED);
  });

  it("passes a fault on as it is", () => {
    const fault = new Fault("store/incompatible", "as it is");
    expect(storeFault(fault)).toBe(fault);
  });
});

describe("a SQLite store in trouble", () => {
  it.each(WRITES)("says only that the disk is full: %s", async (_, write) => {
    const database = openSqlite({ path: temporaryPath(), mode: "create" });
    const store = createSqlStore(createSqliteDriver(database));
    await store.putSecretVersion(versionOf({ path: PLANTED }), adminDraft("x"));
    database.pragma("max_page_count = 60");
    const size = await fill(store);
    await expectSilentFault(write(store));
    expect(await store.ledgerSize()).toBe(size);
    database.pragma("max_page_count = 1000");
    await write(store);
    await store.close();
  });

  it.each(WRITES)("says only that it may not be written: %s", async (_, write) => {
    const path = temporaryPath();
    const first = openedStore(path, "create");
    await first.putSecretVersion(versionOf({ path: PLANTED, version: 1 }), adminDraft("x"));
    await first.close();
    const store = createSqlStore(createSqliteDriver(new BetterSqlite3(path, { readonly: true })));
    await expectSilentFault(write(store));
    await store.close();
  });

  it.each(WRITES)("says only that it is locked, and takes the write once it is not: %s", async (_, write) => {
    const path = temporaryPath();
    const store = openedStore(path, "create", 20);
    await store.putSecretVersion(versionOf({ path: PLANTED, envelope: new Uint8Array() }), adminDraft("x"));
    const other = new BetterSqlite3(path);
    other.exec("begin immediate");
    await expectSilentFault(write(store));
    other.exec("rollback");
    other.close();
    await write(store);
  });

  it("lets this process go on while another one writes, and takes its turn then", async () => {
    const path = temporaryPath();
    const store = openedStore(path, "create", 10_000);
    const other = new BetterSqlite3(path);
    other.exec("begin immediate");
    const written = store.commitDecisions([plantedCommit()]);
    expect(await store.ledgerSize()).toBe(0); // whoever only reads does not wait at all
    other.exec("commit"); // by this same event loop, which a wait of SQLite's own would hold up
    other.close();
    expect(await written).toMatchObject([{ kind: "committed" }]);
    expect(await store.ledgerSize()).toBe(1);
  }, 5000);

  it("asks nothing more of a damaged file", async () => {
    const path = temporaryPath();
    const writer = openedStore(path, "create");
    for (let i = 0; i < 200; i += 1) await writer.commitDecisions([plantedCommit()]);
    await writer.close();
    const store = openedStore(path, "existing");
    scribble(path);
    await expectSilentFault(readEverything(store));
    await expectSilentFault(store.meta("audience"));
    await expectSilentFault(store.commitDecisions([plantedCommit()]));
  });

  it("answers with a fault after it was closed", async () => {
    const store = openedStore(temporaryPath(), "create");
    await store.close();
    await expectSilentFault(store.commitDecisions([plantedCommit()]));
    await expectSilentFault(store.meta(PLANTED));
  });

  it("says which column holds a value that it does not know", async () => {
    const path = temporaryPath();
    const store = openedStore(path, "create");
    await store.putSecretVersion(versionOf(), adminDraft("x"));
    const other = new BetterSqlite3(path);
    other.exec(
      `update secret_version set state = '${PLANTED}'; update ledger_entry set draft = '${PLANTED}'`,
    );
    other.close();
    await expectSilentFault(store.secretVersions("prod/db"), "store/incompatible");
    await expectSilentFault(store.entries(0, 1), "store/incompatible");
  });
});

/** Appends entries, smaller and smaller ones, until not even the smallest finds room; answers how many there are. */
async function fill(store: Store): Promise<number> {
  for (const length of [3000, 300, 30, 1]) {
    const append = () => store.appendEntry(adminDraft("x".repeat(length)));
    while (await append().then(Number.isInteger, () => false))
      expect(await store.ledgerSize()).toBeLessThan(500);
  }
  return store.ledgerSize();
}

async function readEverything(store: Store): Promise<void> {
  for (let from = 0; from < 200; from += 1) await store.entries(from, 200);
  for (let i = 0; i < 50; i += 1) await store.countAttempts(PLANTED, PLANTED, T0);
}

/** Overwrites the later half of the pages with noise: small tables made at the beginning stay readable. */
function scribble(path: string): void {
  const file = openSync(path, "r+");
  const { size } = statSync(path);
  for (let at = Math.ceil(size / 8192) * 4096; at < size; at += 4096)
    writeSync(file, Buffer.alloc(4096, PLANTED), 0, 4096, at);
  closeSync(file);
}

function drizzleError(cause: Error): DrizzleQueryError {
  return new DrizzleQueryError("insert into secret values (?)", [PLANTED], cause);
}

function selfCaused(): Error {
  const error = new Error(PLANTED);
  error.cause = error;
  return error;
}
