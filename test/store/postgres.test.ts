/** Does PostgreSQL keep the contract, alone and for several brokers, through lost connections and on hostile databases? */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { instant } from "../../src/base/time.ts";
import type { Store } from "../../src/broker/store.ts";
import { openPostgresStore } from "../../src/store/postgres.ts";
import { expectedColumns } from "../../src/store/postgres-open.ts";
import { commitOf, itemOf, T0, useOf } from "../contract/store/examples.ts";
import { storeContract } from "../contract/store.ts";
import { cuttingProxy } from "../support/cutting-proxy.ts";
import { describeWithPostgres, startPostgres, type TestServer } from "../support/postgres.ts";

let server: TestServer;

async function opened(place: Partial<Parameters<typeof openPostgresStore>[0]> = {}): Promise<Store> {
  const { host, port } = server;
  const store = await openPostgresStore({
    host,
    port,
    database: "broker",
    role: "ostiary",
    mode: "existing",
    ...place,
  });
  onTestFinished(() => store.close());
  return store;
}

const EMPTY = `do $$ begin execute (select 'truncate ' || string_agg(quote_ident(tablename), ', ')
  from pg_tables where schemaname = 'public' and tablename <> 'schema_migration'); end $$`;

async function emptyStore(): Promise<Store> {
  server.psql(EMPTY, "broker");
  return opened();
}

/** Runs statements on a database of its own, made whole before. */
async function spoiled(database: string, text: string): Promise<void> {
  server.psql(`create database ${database} template whole`);
  server.psql(text, database);
}

describeWithPostgres("on a real server", () => {
  beforeAll(async () => {
    server = await startPostgres();
    server.psql("create database broker");
    const { host, port } = server;
    const place = { host, port, database: "broker", role: "ostiary" };
    const both = [0, 1].map(() => openPostgresStore({ ...place, mode: "migrate" }));
    for (const store of await Promise.all(both)) await store.close();
    server.psql("create database whole template broker");
  });
  afterAll(() => server.remove());

  storeContract("PostgreSQL", emptyStore);

  it("has exactly the columns that statements know from the other dialect, none of them null", () => {
    const columns = server.psql(
      `select table_name || '.' || column_name || ' ' || data_type from information_schema.columns
       where table_schema = 'public' and is_nullable = 'NO' and table_name <> 'batch'`,
      "broker",
    );
    expect(columns.split("\n").sort()).toEqual([...expectedColumns()].sort());
  });

  it("lets several brokers append, spend and count as one, whatever the server's own isolation", async () => {
    server.psql("alter database broker set default_transaction_isolation = 'repeatable read'");
    onTestFinished(() => void server.psql("alter database broker reset all"));
    const brokers = [await emptyStore(), await opened(), await opened()];
    const { spend } = commitOf();
    const items = [itemOf(useOf("k", 5))];
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const rival = i % 4 === 0 ? { spend, items: [] } : { items };
        return (await brokers[i % 3]?.commitDecisions([commitOf(rival), commitOf()]))?.[0];
      }),
    );
    const committed = outcomes.filter((one) => one?.kind === "committed");
    expect(committed).toHaveLength(46);
    expect(committed.filter((one) => one?.kind === "committed" && one.exhausted.length > 0)).toHaveLength(40);
    const seqs = (await brokers[0]?.entries(0, 200))?.map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: 106 }, (_, seq) => seq));
  });

  it("lets one of sixty guests of three brokers hold a leased secret, and counts fences as one", async () => {
    const brokers = [await emptyStore(), await opened(), await opened()];
    const ask = (guest: number, seconds: number) => {
      const items = [{ resource: "prod/db", uses: [], leaseSeconds: 60 }];
      const commit = commitOf({ reportId: `${guest}`.padStart(64, "0"), items, at: instant(T0 + seconds) });
      return brokers[guest % 3]?.commitDecisions([commit]);
    };
    for (const round of [0, 60, 120]) {
      const rivals = Array.from({ length: 20 }, (_, guest) => ask(guest + round, round)); // each round after the one before
      const outcomes = (await Promise.all(rivals)).flatMap((one) => one ?? []);
      const given = outcomes.filter((one) => one.kind === "committed" && one.exhausted.length === 0);
      expect(given).toHaveLength(1);
      expect(await brokers[1]?.lease("prod/db")).toMatchObject({ fence: round / 60 + 1 });
    }
  });

  it.each([
    ["answers it where the server took it", ["late"]],
    ["repeats it where the server never saw it", ["early"]],
    ["asks again where asking is cut as well", ["late", "early", "late"]],
  ] as const)("asks what became of a commit that lost its connection, and %s", async (_what, plan) => {
    await emptyStore();
    const proxy = await cuttingProxy(server, plan);
    const store = await opened({ host: proxy.host });
    const items = [itemOf(useOf("k", 2))];
    const outcomes = [];
    for (let i = 0; i < 3; i += 1) outcomes.push(...(await store.commitDecisions([commitOf({ items })])));
    expect(proxy.cuts()).toBe(plan.length);
    expect(outcomes).toEqual(
      outcomes.map((_, seq) => ({ kind: "committed", seq, exhausted: seq < 2 ? [] : [0] })),
    );
    expect(await store.ledgerSize()).toBe(3);
  });

  it("loses nothing that was answered when the server crashes under load, and goes on", async () => {
    const store = await emptyStore();
    const commits = Array.from({ length: 40 }, () => commitOf());
    const answers = commits.map((commit) => store.commitDecisions([commit]));
    await answers[3];
    await server.crash();
    await server.start();
    const outcomes = (await Promise.all(answers)).flat();
    expect(outcomes.map(({ kind }) => kind)).toEqual(commits.map(() => "committed"));
    for (const { id } of commits) expect(await store.decision(id)).toBeDefined();
    expect(await store.ledgerSize()).toBe(40);
  });

  it.each([
    ["holds nothing", "empty_one", "drop schema public cascade; create schema public", "store/incompatible"],
    [
      "is from the future",
      "future",
      "insert into schema_migration values (99, 'later', 'x')",
      "store/incompatible",
    ],
    ["was made by other steps", "other", "update schema_migration set sha256 = 'x'", "store/incompatible"],
    ["lost a table", "truncated", "drop table nonce_spend", "store/incompatible"],
    ["lost a column", "narrow", "alter table counter_use rename column uses to used", "store/incompatible"],
    [
      "is read-only",
      "readonly",
      "alter database readonly set default_transaction_read_only = on",
      "store/unavailable",
    ],
  ])("is refused and left alone where it %s", async (_what, database, text, code) => {
    await spoiled(database, text);
    const dump = () => server.psql("select table_name from information_schema.tables order by 1", database);
    const before = dump();
    await expect(opened({ database })).rejects.toMatchObject({ code });
    expect(dump()).toBe(before);
  });

  it("is refused where the server has no such database or role, in words without either's password", async () => {
    await expect(opened({ database: "nowhere" })).rejects.toMatchObject({ code: "store/incompatible" });
    const refused = opened({ role: "nobody", password: "planted" });
    await expect(refused).rejects.toMatchObject({ code: "store/unavailable" });
    await expect(refused).rejects.not.toThrow("planted");
  });

  it("is refused without TLS where TLS is asked for", async () => {
    await expect(opened({ tls: { authorities: undefined } })).rejects.toMatchObject({
      code: "store/unavailable",
    });
  });

  it("gets an older schema up to date when asked, and is refused until then", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-steps-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const first = "create table schema_migration (version bigint primary key, name text, sha256 text);";
    writeFileSync(join(folder, "0001-first.sql"), first);
    server.psql("create database older");
    const place = { database: "older", migrationsFolder: folder };
    await expect(opened({ ...place, mode: "migrate" })).rejects.toMatchObject({ code: "store/incompatible" });
    writeFileSync(join(folder, "0002-second.sql"), "create table second (x bigint);");
    await expect(opened(place)).rejects.toThrow("older Ostiary");
    await expect(opened({ ...place, mode: "migrate" })).rejects.toThrow("lacks a column");
    expect(server.psql("select max(version), to_regclass('second') from schema_migration", "older")).toBe(
      "2|second",
    );
  });
});
