/** Does MariaDB keep its tables under keys that an attested guest alone is given? The real server and plugin, the daemon, a broker: processes all. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Daemon, daemonFolder, guestFile, startDaemon } from "../agent/daemon.ts";
import { type DemoBroker, demoBroker, freePort } from "../agent/demo-broker.ts";
import { ask } from "../agent/vault-at-hand.ts";
import { createMariadb, describeWithMariadb, type MariadbServer } from "../support/mariadb.ts";

const PATH = "prod/mariadb/orders/tde";
const CANARY = "canary-of-the-encrypted-table";
const TABLE = "orders/t";
const REFUSING = `writ 1
module acme.agent version 2.0.0 { owner "ops@acme.example" }
policy closed {
  for resource "prod/**", "attest"
  platform bare-metal
  require measurement == hex"${"03".repeat(48)}" else "another image"
  allow "boot" when request.op == release
}
`;
const ALLOWING = REFUSING.replace("03".repeat(48), "02".repeat(48)).replace(
  'allow "boot" when request.op == release',
  'allow "boot" when request.op == release\n  on release { key_version any }',
);

describeWithMariadb("MariaDB with hashicorp_key_management", () => {
  let broker: DemoBroker;
  let daemon: Daemon;
  let port: number;
  let guest: ReturnType<typeof daemonFolder>;
  let mariadb: MariadbServer;

  beforeAll(async () => {
    broker = await demoBroker({});
    await broker.decideBy(ALLOWING);
    await broker.admin.putSecret(`${PATH}/1`, { kind: "generated", make: { name: "aes-256" } });
    port = await freePort();
    guest = daemonFolder(`${guestFile(broker)}
[[vault]]
name = "orders"
listen = "127.0.0.1:${port}"
plain_http = true
token_file = "FOLDER/token"
kv = [{ mount = "mariadb", path = "${PATH}", field = "data", encoding = "hex" }]
`);
    daemon = await started();
    mariadb = createMariadb([
      "plugin-maturity=gamma",
      "plugin-load-add=hashicorp_key_management.so",
      `hashicorp-key-management-vault-url=http://127.0.0.1:${port}/v1/mariadb`,
      `hashicorp-key-management-token=${token()}`,
      "hashicorp-key-management-cache-version-timeout=100",
      "innodb-encrypt-tables=ON",
      "innodb-encrypt-log=ON",
      "innodb-encryption-threads=2",
    ]);
  }, 60_000);

  afterEach(() => mariadb.stop());

  afterAll(async () => {
    await mariadb.remove();
    daemon.child.kill();
    await daemon.ended;
    guest.remove();
    await broker.remove();
  });

  async function started(): Promise<Daemon> {
    const begun = startDaemon(guest.file);
    await begun.says("ready");
    return begun;
  }

  const token = (): string => readFileSync(join(guest.folder, "token"), "utf8");

  const fileOf = (table: string): string =>
    readFileSync(join(mariadb.folder, `data/orders/${table}.ibd`), "latin1");

  const versionOf = (): string =>
    mariadb
      .sql(
        `select CURRENT_KEY_VERSION from information_schema.INNODB_TABLESPACES_ENCRYPTION where NAME = '${TABLE}'`,
      )
      .trim();

  /** What the surface gives for a version, the newest unless one is named, by the token of the database. */
  async function keyOf(version = 0): Promise<unknown> {
    const place = { host: "127.0.0.1", port, authorityFile: undefined };
    const path = version === 0 ? "mariadb/data/1" : `mariadb/data/1?version=${version}`;
    const { body } = await ask(place, { method: "GET", path, token: token() });
    return Object(body).data?.data?.data;
  }

  it("starts, and writes no page of an encrypted table in the clear", async () => {
    expect(await mariadb.start()).toBe("up");
    mariadb.sql("create database orders");
    mariadb.sql("create table orders.t (c varchar(64)) encrypted=yes encryption_key_id=1");
    mariadb.sql("create table orders.control (c varchar(64)) encrypted=no");
    for (const table of ["t", "control"]) mariadb.sql(`insert into orders.${table} values ('${CANARY}')`);
    expect(() => mariadb.sql("create table orders.x (c int) encrypted=yes encryption_key_id=77")).toThrow(
      /140|1005/,
    );
    await mariadb.stop();
    expect(fileOf("control")).toContain(CANARY);
    expect(fileOf("t")).not.toContain(CANARY);
    expect(mariadb.log()).toContain("Key not found (key id: 77)");
  }, 60_000);

  it("reads it again after its own restart and after one of the daemon", async () => {
    expect(await mariadb.start()).toBe("up");
    expect(mariadb.sql("select c from orders.t").trim()).toBe(CANARY);
    await mariadb.stop();
    const before = token();
    daemon.child.kill("SIGKILL");
    await daemon.ended;
    daemon = await started();
    expect(token()).toBe(before);
    expect(await mariadb.start()).toBe("up");
    expect(mariadb.sql("select c from orders.t").trim()).toBe(CANARY);
  }, 60_000);

  it("goes to a new version of the key while it runs, and both versions serve", async () => {
    expect(await mariadb.start()).toBe("up");
    expect(versionOf()).toBe("1");
    const first = await keyOf(1);
    await broker.admin.rotateSecret(`${PATH}/1`, {});
    for (let tries = 0; tries < 600 && versionOf() !== "2"; tries += 1) await sleep(50); // its clock is its own CPU time
    expect(versionOf()).toBe("2");
    expect(await keyOf(1)).toBe(first);
    expect(await keyOf(2)).toMatch(/^[0-9a-f]{64}$/);
    expect(await keyOf(2)).not.toBe(first);
    await mariadb.stop();
    expect(await mariadb.start()).toBe("up");
    expect(mariadb.sql("select c from orders.t").trim()).toBe(CANARY);
    const change = { version: 1, state: "destroyed" } as const;
    await expect(broker.admin.changeSecret(`${PATH}/1`, change)).rejects.toMatchObject({
      code: "secret/in-use",
    });
  }, 60_000);

  it("does not start where the policy refuses its guest, and its log has the decision", async () => {
    await broker.decideBy(REFUSING);
    expect(await mariadb.start()).toEqual({ status: 1 });
    const said = /ostiary: policy\/denied, decision (\w{26})/.exec(mariadb.log());
    expect(said).not.toBeNull();
    expect(await broker.admin.decision(said?.[1] ?? "")).toMatchObject({
      kind: "decision",
      entry: { outcome: "deny", code: "require-failed" },
    });
    await broker.decideBy(ALLOWING);
    for (let tries = 0; tries < 100 && (await keyOf()) === undefined; tries += 1) await sleep(50); // a no counts for a second
    expect(await mariadb.start()).toBe("up");
    expect(mariadb.sql("select c from orders.t").trim()).toBe(CANARY);
  }, 60_000);

  it("does not start while nobody answers it, and says why where the broker is away", async () => {
    await broker.kill();
    const away = await ask(
      { host: "127.0.0.1", port, authorityFile: undefined },
      { method: "GET", path: "sys/mounts/mariadb/tune", token: token() },
    );
    expect(away.status).toBe(200);
    daemon.child.kill();
    await daemon.ended;
    expect(await mariadb.start()).toEqual({ status: 1 });
    await broker.start();
    daemon = await started();
    expect(await mariadb.start()).toBe("up");
  }, 60_000);
});
