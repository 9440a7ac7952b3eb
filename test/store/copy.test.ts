/** Does a broker's database arrive whole in another one, and is half of one of no use? */
import { getTableColumns, getTableName, is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { addSeconds } from "../../src/base/time.ts";
import { refuseForeignStore } from "../../src/broker/startup.ts";
import type { Kek } from "../../src/broker/world.ts";
import { copyStore } from "../../src/store/copy.ts";
import { openPostgresDriver } from "../../src/store/postgres.ts";
import type { SqlDriver } from "../../src/store/query.ts";
import * as findings from "../../src/store/schema-findings.ts";
import * as governance from "../../src/store/schema-governance.ts";
import * as schema from "../../src/store/schema-sqlite.ts";
import { createSqliteDriver } from "../../src/store/sqlite.ts";
import { openSqlite } from "../../src/store/sqlite-file.ts";
import { createSqlStore } from "../../src/store/statements.ts";
import { KEPT_TABLES } from "../../src/store/tables.ts";
import {
  adminDraft,
  bundleOf,
  commitOf,
  explanationOf,
  freshId,
  itemOf,
  settingsOf,
  shadowOrderOf,
  shadowRowOf,
  T0,
  useOf,
  versionOf,
} from "../contract/store/examples.ts";
import { describeWithPostgres, startPostgres, type TestServer } from "../support/postgres.ts";
import { temporaryPath } from "./temporary.ts";

const KEK: Kek = {
  id: "test:1",
  wrap: async (plaintext) => plaintext.slice(),
  unwrap: async (wrapped) => wrapped.slice(),
};
const AUDIENCE = "https://broker.example";

function fresh(): SqlDriver {
  const driver = createSqliteDriver(openSqlite({ path: temporaryPath(), mode: "create" }));
  onTestFinished(() => driver.close());
  return driver;
}

/** A database with rows in every table, and more than two pages in one. */
async function filled(): Promise<SqlDriver> {
  const driver = fresh();
  const store = createSqlStore(driver);
  await refuseForeignStore(store, KEK, AUDIENCE);
  for (let i = 0; i < 1201; i += 1) {
    await store.logRefusal({ id: freshId(), at: T0, source: "192.0.2.7", code: "ü", format: "raw" }); // in order
  }
  await store.commitDecisions([
    commitOf({ items: [{ ...itemOf(useOf("a", 9)), reads: 1, leaseSeconds: 60 }] }),
    commitOf({}),
  ]);
  await store.putBundle(bundleOf("a".repeat(64)), adminDraft("propose"));
  const activation = { serial: 1, digest: "a".repeat(64), signature: "{}", at: T0, by: "admin-1" };
  await store.activateBundle(activation, { roster: 0, approvals: 0 }, adminDraft("activate"));
  const approval = { id: "c".repeat(64), bundle: "a".repeat(64), envelope: "{}", at: T0, by: "admin-2" };
  await store.putApproval(approval, { roster: 0, live: 1 }, adminDraft("approve"));
  const change = { serial: 1, envelope: "{}", digest: "d".repeat(64), at: T0, by: "admin-1" };
  await store.putRosterChange(change, 1, adminDraft("admin-add"));
  const edition = { serial: 1, digest: "b".repeat(64), envelope: "{}", at: T0, by: "ü" };
  await store.putAdvisory(edition, { roster: 1, newest: 0 }, adminDraft("advisory-import"));
  await store.putExplanation(explanationOf("f".repeat(64)), adminDraft("explain"));
  await store.orderShadow(shadowOrderOf(1, "a".repeat(64)), adminDraft("shadow"));
  await store.keepShadowDifferences([shadowRowOf(1)], adminDraft("shadow-differences"));
  const times = { since: T0, at: T0, until: addSeconds(T0, 60) };
  const subject = {
    resource: "prod/db",
    op: "release",
    report: "e".repeat(64),
    channel: "application",
  } as const;
  const waiting = {
    request: "f".repeat(64),
    ...subject,
    ...times,
    source: "ü",
    decision: freshId(),
    seconds: 60,
  };
  await store.putWaiting(waiting, { all: 1, perResource: 1, perSource: 1 });
  const word = { id: "9".repeat(64), request: waiting.request, person: "ada", kid: "ada-1", envelope: "{}" };
  const yes = { ...word, at: T0, until: times.until };
  await store.putRequestApproval(yes, { roster: 1, now: T0 }, adminDraft("request-approve"));
  await store.putSecretVersion(versionOf(), adminDraft("secret-put"));
  const settings = settingsOf({ bindings: [1, 3], owner: "ü", labels: { a: "b" } });
  await store.putSecretSettings({ path: "prod/db", settings, expected: undefined }, adminDraft("settings"));
  const hashes = new Uint8Array(32);
  await store.putCheckpoint({ size: 1, note: "note", frontier: [hashes] }, [
    { level: 0, position: 0, hashes },
  ]);
  await store.spendAdminRequest("admin-1", "jti", T0);
  await store.putNonceEpoch({ kid: 2, wrapped: Uint8Array.of(0, 255), createdAt: T0 });
  await store.cacheEndorsement("key", { der: Uint8Array.of(48), obtainedAt: T0 });
  const audience = { name: "sts", aud: "urn:a", isBearer: false, createdAt: T0, createdBy: "admin-1" };
  await store.putAudience(audience, adminDraft("audience-add"));
  const key = {
    serial: 1,
    wrapped: Uint8Array.of(1),
    signsFrom: T0,
    withdraws: false,
    createdAt: T0,
    createdBy: "b",
  };
  await store.putTokenKey(key, undefined);
  const importKey = {
    ...key,
    id: "ab".repeat(16),
    suite: 2,
    publicKey: Uint8Array.of(2),
    expiresAt: T0,
  } as const;
  await store.putImportKey(importKey, adminDraft("import-key"));
  await store.keepKbsSession({ id: "cd".repeat(16), token: "a.b.c", until: T0 });
  const sighting = {
    id: "cd".repeat(16),
    class: "credential-weak",
    subject: "broker-tls",
    severity: "high",
    owner: "ü",
    sentence: "it is weak",
    advice: "make another",
    evidence: { bits: 1024 },
    introducedAt: T0,
  } as const;
  await store.putSightings([sighting], T0);
  await store.beginScan("credentials", T0, T0);
  await store.noteUses([{ name: "crl/vcek/milan", firstAt: T0, lastAt: T0, about: "" }]);
  const drill = { id: freshId(), kind: "certificate", plantedAt: T0, endsAt: T0, plantedBy: "admin-1" };
  await store.putDrill(drill, adminDraft("drill"));
  await store.putGuests([{ id: "ab".repeat(32), place: "cd".repeat(16), seq: 1, lastAt: T0, about: "{}" }]);
  await store.spendProof("jkt", "jti", T0);
  await store.revokeDecision({ decision: freshId(), at: T0, by: "admin-1" }, adminDraft("revoke"));
  return driver;
}

/** Every row of every table, as text. */
async function contentOf(driver: SqlDriver): Promise<readonly string[]> {
  const all: string[] = [];
  for (const { table, key } of KEPT_TABLES) {
    const order = key.map(({ name }) => `"${name}"`).join(", ");
    const columns = Object.values(getTableColumns(table)).map(({ name }) => `"${name}"`);
    const text = `select ${columns.join(", ")} from "${getTableName(table)}" order by ${order}`;
    const rows = await driver.read({ text, params: [] }); // in order: one connection
    expect(rows.length, getTableName(table)).toBeGreaterThan(0);
    all.push(...rows.map((row) => JSON.stringify([getTableName(table), Object.entries(row).map(plain)])));
  }
  return all;
}

function plain([name, value]: readonly [string, unknown]): readonly unknown[] {
  return [name, value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value];
}

/** Runs `first` before the n-th write. */
function interrupted(driver: SqlDriver, n: number, first: () => Promise<unknown>): SqlDriver {
  let writes = 0;
  return {
    ...driver,
    write: async (batch) => {
      writes += 1;
      if (writes === n) await first();
      return driver.write(batch);
    },
  };
}

/** The mark, a page of each table, and the mark again. */
const LAST_WRITE = KEPT_TABLES.length + 2;

const INCOMPATIBLE = { code: "store/incompatible" };

describe("the tables that are copied", () => {
  it("are all but the database's own, each by its primary key", () => {
    const known = Object.values({ ...schema, ...findings, ...governance }).filter((value) =>
      is(value, SQLiteTable),
    );
    const names = KEPT_TABLES.map(({ table }) => getTableName(table));
    expect([...names, "schema_migration"].sort()).toEqual(known.map((table) => getTableName(table)).sort());
    for (const { table, key } of KEPT_TABLES) {
      if (!is(table, SQLiteTable)) throw new Error("a table of another kind");
      const { columns, primaryKeys } = getTableConfig(table);
      const wanted = primaryKeys.flatMap((primary) => primary.columns);
      const single = columns.filter(({ primary }) => primary);
      expect(key.map(({ name }) => name)).toEqual([...single, ...wanted].map(({ name }) => name));
    }
  });
});

describe("a copy", () => {
  it("has every row as it was, and a broker starts on it", async () => {
    const [from, to] = [await filled(), fresh()];
    expect(await copyStore(from, to)).toBe((await contentOf(from)).length);
    expect(await contentOf(to)).toEqual(await contentOf(from));
    await refuseForeignStore(createSqlStore(to), KEK, AUDIENCE);
  });

  it("goes into an empty database only", async () => {
    const from = await filled();
    const to = await filled();
    const before = await contentOf(to);
    await expect(copyStore(from, to)).rejects.toMatchObject(INCOMPATIBLE);
    await expect(copyStore(from, from)).rejects.toMatchObject(INCOMPATIBLE);
    expect(await contentOf(to)).toEqual(before);
  });

  it("that broke off at any write is refused by brokers, and by the next copy", async () => {
    const from = await filled();
    const crash = () => Promise.reject(new Error("killed"));
    for (const n of [2, 5, 14, LAST_WRITE - 1, LAST_WRITE]) {
      const to = fresh();
      await expect(copyStore(from, interrupted(to, n, crash)), `${n}`).rejects.toThrow("killed");
      await expect(refuseForeignStore(createSqlStore(to), KEK, AUDIENCE)).rejects.toMatchObject(INCOMPATIBLE);
      await expect(copyStore(from, to)).rejects.toMatchObject(INCOMPATIBLE);
    }
  });

  it("of a database that changed meanwhile is refused, whether rows came, went or changed", async () => {
    const changes = [
      "insert into refusal values ('0', 1, 'a', 'b', 'c')",
      "insert into refusal values ('zzz', 1, 'a', 'b', 'c')",
      "delete from token_revocation",
      "update secret_version set state = 'destroyed', envelope = x''",
    ];
    for (const text of changes) {
      const [from, to] = [await filled(), fresh()];
      const late = interrupted(to, LAST_WRITE, () => from.write([{ text, params: [] }]));
      await expect(copyStore(from, late), text).rejects.toMatchObject(INCOMPATIBLE);
      await expect(refuseForeignStore(createSqlStore(to), KEK, AUDIENCE)).rejects.toMatchObject(INCOMPATIBLE);
    }
  });
});

describeWithPostgres("a copy to PostgreSQL and back", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
    server.psql("create database broker");
  });
  afterAll(() => server.remove());

  it("has every row as it was", async () => {
    const { host, port } = server;
    const place = { host, port, database: "broker", role: "ostiary", mode: "migrate" } as const;
    const postgres = await openPostgresDriver(place);
    onTestFinished(() => postgres.close());
    const [from, back] = [await filled(), fresh()];
    const rows = await copyStore(from, postgres);
    expect(await copyStore(postgres, back)).toBe(rows);
    expect(await contentOf(back)).toEqual(await contentOf(from));
    await refuseForeignStore(createSqlStore(postgres), KEK, AUDIENCE);
  });
});
