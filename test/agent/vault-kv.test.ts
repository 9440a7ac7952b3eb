/** Do five products find in the Vault surface what they ask of a Vault? Each one's requests, one after another, as it sends them. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSurface, putSecret, type Surface, surface } from "./vault-at-hand.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("MariaDB's requests", () => {
  it("find the engine, the newest key, an older one, and no key where there is none", async () => {
    const { ask, broker } = await surface();
    const [first, second] = [randomBytes(32), randomBytes(32)];
    await putSecret(broker, "prod/mariadb/tde/1", Uint8Array.from(first));
    await putSecret(broker, "prod/mariadb/tde/1", Uint8Array.from(second));
    const headers = { accept: "*/*" };
    expect(await ask("GET", "sys/mounts/mariadb/tune", { headers })).toMatchObject({
      status: 200,
      body: { options: { version: "2" }, data: { options: { version: "2" } } },
    });
    expect(await ask("GET", "mariadb/data/1", { headers })).toMatchObject({
      status: 200,
      body: { data: { data: { data: hex(second) }, metadata: { version: 2, destroyed: false } } },
    });
    expect(await ask("GET", "mariadb/data/1?version=1", { headers })).toMatchObject({
      body: { data: { data: { data: hex(first) }, metadata: { version: 1 } } },
    });
    expect(await ask("GET", "mariadb/data/77", { headers })).toMatchObject({
      status: 404,
      body: { errors: [] },
    });
    expect(await ask("GET", "mariadb/data/1?version=9", { headers })).toMatchObject({ status: 404 });
  });

  it("are answered for a mount of several segments, and for whatever lies in or above one", async () => {
    const mount = { kind: "kv", mount: "mariadb/prod/db1", path: "prod/x", isWritable: false } as const;
    const { ask } = await surface({ mounts: [{ ...mount, form: { field: "data", encoding: "hex" } }] });
    for (const path of ["mariadb", "mariadb/prod/db1", "mariadb/prod/db1/data"]) {
      expect(await ask("GET", `sys/mounts/${path}/tune`)).toMatchObject({
        body: { options: { version: "2" } },
      });
    }
    expect(await ask("GET", "sys/mounts/other/tune")).toMatchObject({ status: 403 });
  });
});

describe("the requests of Percona Server's keyring component", () => {
  it("find the engine, list nothing, make a key, list and read it, and delete it", async () => {
    const { ask } = await surface();
    const key = `mysql/${Buffer.from("48_INNODBKey-5f9b1f4e-1c1f-11ee-be56-0242ac120002-10_").toString("base64")}`;
    const data = { type: "AES", value: randomBytes(32).toString("base64") };
    expect((await ask("GET", "nothing/config")).status).toBe(403);
    expect(await ask("GET", "secret/config")).toMatchObject({
      status: 200,
      body: { data: { max_versions: 1000 } },
    });
    expect((await ask("GET", "secret/metadata/mysql?list=true")).status).toBe(404);
    expect(await ask("GET", `secret/data/${key}`)).toMatchObject({ status: 404 });
    expect(await ask("POST", `secret/data/${key}`, { body: { data } })).toMatchObject({
      status: 200,
      body: { data: { version: 1, destroyed: false } },
    });
    expect(await ask("GET", "secret/metadata/mysql?list=true")).toMatchObject({
      body: { data: { keys: [key.slice("mysql/".length)] } },
    });
    expect(await ask("GET", "secret/metadata?list=true")).toMatchObject({
      body: { data: { keys: ["mysql/"] } },
    });
    expect(await ask("GET", `secret/data/${encodeURI(key).replaceAll("=", "%3D")}`)).toMatchObject({
      body: { data: { data, metadata: { version: 1 } } },
    });
    expect((await ask("DELETE", `secret/data/${key}`)).status).toBe(204);
    expect(await ask("GET", `secret/data/${key}`)).toMatchObject({
      status: 404,
      body: { data: { data: null } },
    });
    expect(await ask("POST", `secret/data/${key}`, { body: { data } })).toMatchObject({
      body: { data: { version: 2 } },
    });
    expect(await ask("GET", `secret/data/${key}`)).toMatchObject({ status: 200 });
  });
});

describe("pg_tde's requests", () => {
  it("find a key-value engine of version 2, and make and read a key", async () => {
    const pg = { kind: "kv", mount: "tde", path: "prod/pg", isWritable: true } as const;
    const { ask } = await surface({ mounts: [{ ...pg, form: { field: "key", encoding: "base64" } }] });
    const key = randomBytes(32).toString("base64");
    expect(await ask("GET", "sys/mounts/tde")).toMatchObject({
      status: 200,
      body: { type: "kv", options: { version: "2" } },
    });
    expect((await ask("GET", "tde/metadata/?list=true")).status).toBe(404);
    expect((await ask("GET", "tde/data/global-key-1")).status).toBe(404);
    expect(await ask("POST", "tde/data/global-key-1", { body: { data: { key } } })).toMatchObject({
      status: 200,
    });
    expect(await ask("GET", "tde/data/global-key-1")).toMatchObject({ body: { data: { data: { key } } } });
    expect(await ask("GET", "tde/metadata/?list=true")).toMatchObject({
      status: 200,
      body: { data: { keys: ["global-key-1"] } },
    });
  });
});

describe("the requests of Percona Server for MongoDB", () => {
  it("rotate a master key by check and set, read each version, and are told in Vault's own words who was first", async () => {
    const { ask } = await surface();
    const [one, two] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];
    const openapi = await ask("GET", "sys/internal/specs/openapi");
    expect(JSON.stringify(openapi.body)).toContain("/mongo/data/{path}");
    expect((await ask("GET", "mongo/metadata/master")).status).toBe(404);
    expect(await ask("GET", "mongo/config")).toMatchObject({ body: { data: { max_versions: 1000 } } });
    const write = (cas: number, value: string) =>
      ask("POST", "mongo/data/master", { body: { options: { cas }, data: { value } } });
    expect(await write(0, one)).toMatchObject({ status: 200, body: { data: { version: 1 } } });
    expect(await write(0, two)).toEqual(
      expect.objectContaining({
        status: 400,
        body: { errors: ["check-and-set parameter did not match the current version"] },
      }),
    );
    expect(await write(1, two)).toMatchObject({ body: { data: { version: 2 } } });
    expect(await ask("GET", "mongo/metadata/master")).toMatchObject({
      body: { data: { max_versions: 1000, oldest_version: 0, current_version: 2 } },
    });
    for (const [version, value] of [
      ["1", one],
      ["2", two],
    ] as const) {
      expect(await ask("GET", `mongo/data/master?version=${version}`)).toMatchObject({
        body: { data: { data: { value }, metadata: { version: Number(version) } } },
      });
    }
    expect(await ask("GET", "mongo/data/master")).toMatchObject({ body: { data: { data: { value: two } } } });
  });
});

describe('the requests of Vault\'s own `seal "transit"`', () => {
  it("encrypt, decrypt, look the token up and renew it", async () => {
    const { ask, broker } = await surface();
    await broker.admin.putSecret("prod/transit/autounseal", { kind: "transit", type: "aes-256-gcm" });
    const plaintext = randomBytes(64).toString("base64");
    expect(await ask("GET", "auth/token/lookup-self")).toMatchObject({
      body: { data: { renewable: false } },
    });
    expect(await ask("PUT", "auth/token/renew-self", { body: {} })).toMatchObject({ status: 200 });
    const encrypted = await ask("PUT", "transit/encrypt/autounseal", { body: { plaintext } });
    expect(encrypted).toMatchObject({ status: 200, body: { data: { key_version: 1 } } });
    const { ciphertext } = Object(encrypted.body).data;
    expect(ciphertext).toMatch(/^vault:v1:[\w-]+$/);
    expect(await ask("PUT", "transit/decrypt/autounseal", { body: { ciphertext } })).toMatchObject({
      body: { data: { plaintext } },
    });
    await broker.admin.rotateSecret("prod/transit/autounseal", {});
    expect(await ask("PUT", "transit/decrypt/autounseal", { body: { ciphertext } })).toMatchObject({
      status: 200,
    });
  });

  it("and data keys and contexts are those of other programs", async () => {
    const { ask, broker } = await surface();
    await broker.admin.putSecret("prod/transit/k", { kind: "transit", type: "aes-256-gcm" });
    const made = await ask("POST", "transit/datakey/plaintext/k", { body: { bits: 512 } });
    const { plaintext, ciphertext } = Object(made.body).data;
    expect(Buffer.from(plaintext, "base64")).toHaveLength(64);
    expect(await ask("POST", "transit/decrypt/k", { body: { ciphertext } })).toMatchObject({
      body: { data: { plaintext } },
    });
    const wrapped = await ask("POST", "transit/datakey/wrapped/k", { body: {} });
    expect(Object(wrapped.body).data.plaintext).toBeUndefined();
    const context = Buffer.from("row 7").toString("base64");
    const bound = await ask("POST", "transit/encrypt/k", { body: { plaintext, context } });
    const own = Object(bound.body).data.ciphertext;
    expect(await ask("POST", "transit/decrypt/k", { body: { ciphertext: own } })).toMatchObject({
      status: 400,
      body: { errors: [expect.stringMatching(/^ostiary: transit\/not-opened, decision \w{26}$/)] },
    });
    expect(await ask("POST", "transit/decrypt/k", { body: { ciphertext: own, context } })).toMatchObject({
      status: 200,
    });
    const again = await ask("POST", "transit/rewrap/k", { body: { ciphertext: own, context } });
    expect(again).toMatchObject({ status: 200 });
  });
});

describe("what a Vault says of itself", () => {
  it("is said to anybody for health, and with the token for mounts", async () => {
    const { ask } = await surface();
    expect(await ask("GET", "sys/health", { token: null })).toMatchObject({
      body: { initialized: true, sealed: false },
    });
    expect(await ask("HEAD", "sys/health", { token: null })).toMatchObject({ status: 200, body: undefined });
    expect(await ask("GET", "sys/seal-status", { token: null })).toMatchObject({
      body: { sealed: false, t: 1 },
    });
    expect(await ask("GET", "sys/mounts")).toMatchObject({ body: { "mongo/": { type: "kv" } } });
    expect(await ask("GET", "sys/internal/ui/mounts/transit")).toMatchObject({
      body: { data: { type: "transit" } },
    });
    expect(await ask("GET", "sys/internal/ui/mounts")).toMatchObject({
      body: { data: { secret: { "secret/": {} } } },
    });
    expect((await ask("GET", "sys/policies")).status).toBe(403);
  });
});

describe("a key-value engine", () => {
  let shared: Surface;
  beforeAll(async () => {
    shared = await openSurface();
  });
  afterAll(() => shared.remove());

  it("writes after whoever was first where no version is expected", async () => {
    const { ask } = await surface();
    const write = (value: string) =>
      ask("POST", "mongo/data/k", { body: { data: { value: Buffer.from(value).toString("base64") } } });
    const all = await Promise.all([write("a"), write("b")]);
    expect(all.map(({ status }) => status)).toEqual([200, 200]);
    expect(await ask("GET", "mongo/metadata/k")).toMatchObject({ body: { data: { current_version: 2 } } });
  });

  it.each([
    ["a value that is not in its encoding", { data: { value: "!" } }],
    ["another member", { data: { value: "YQ==", other: 1 } }],
    ["no data", { options: {} }],
    ["nothing", ""],
    ["no JSON", "{"],
    ["a member twice", '{"data":{"value":"YQ=="},"data":{"value":"Yg=="}}'],
    ["an empty value", { data: { value: "" } }],
    ["a negative version", { options: { cas: -1 }, data: { value: "YQ==" } }],
    ["a version as text", { options: { cas: "1" }, data: { value: "YQ==" } }],
    ["a value of more than 64 KiB", { data: { value: Buffer.alloc(65_537).toString("base64") } }],
  ])("takes no write with %s, and keeps nothing of it", async (_, body) => {
    const { ask, broker } = shared;
    expect((await ask("POST", "mongo/data/k", { body })).status).toBe(400);
    expect(await broker.world.store.secretVersions("prod/mongo/k")).toEqual([]);
  });

  it("tells what cannot be said in the form of its mount, and not what it is", async () => {
    const { ask, broker } = await surface();
    await putSecret(broker, "prod/kv/x", new TextEncoder().encode("not JSON, and secret"));
    const answer = await ask("GET", "secret/data/x");
    expect(answer).toMatchObject({ status: 400 });
    expect(JSON.stringify(answer.body)).not.toContain("secret,");
  });
});
