/** Does the Vault surface serve its program and nobody else? Other tokens, browsers, other names, slow and greedy clients, refusals. */
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseTarget } from "../../src/agent/vault/request.ts";
import { Fault } from "../../src/base/fault.ts";
import { makeLive } from "../pipeline/guest-at-hand.ts";
import {
  ALL,
  ask,
  folderInMemory,
  MOUNTS,
  openSurface,
  putSecret,
  type Surface,
  surface,
  TOKEN,
} from "./vault-at-hand.ts";

const KEY = "mariadb/data/1";
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i);

/** What tests share that leave it as it was. */
let shared: Surface;

beforeAll(async () => {
  shared = await openSurface({ token: TOKEN });
  await putSecret(shared.broker, "prod/mariadb/tde/1", SECRET);
});

afterAll(() => shared.remove());

/** With a token of its own and a secret that only it may read. */
async function guarded(plan: Parameters<typeof surface>[0] = {}): Promise<Surface> {
  const opened = await surface({ token: TOKEN, ...plan });
  await putSecret(opened.broker, "prod/mariadb/tde/1", SECRET);
  return opened;
}

function portOf({ place }: Surface): number {
  return "socket" in place ? 0 : place.port;
}

/** What a program without any library says and hears, until the other side ends or so many milliseconds are over. */
function raw(socket: Socket, ...pieces: readonly string[]): Promise<string> {
  let heard = "";
  return new Promise((done) => {
    socket.on("data", (piece) => {
      heard += piece.toString();
    });
    socket.once("error", () => done(heard));
    socket.once("close", () => done(heard));
    for (const piece of pieces) socket.write(piece);
  });
}

describe("a token", () => {
  it("opens the surface that it is of, in either header", async () => {
    const { ask } = shared;
    expect((await ask("GET", KEY)).status).toBe(200);
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await ask("GET", KEY, { token: null, headers })).status).toBe(200);
  });

  it.each([
    ["none", null],
    ["an empty one", ""],
    ["another", "another-agent-token"],
    ["its beginning", TOKEN.slice(0, -1)],
    ["one letter more", `${TOKEN}x`],
    ["it twice", `${TOKEN}, ${TOKEN}`],
  ])("that is %s opens nothing, and is told without a decision", async (_, token) => {
    const { ask } = shared;
    for (const path of [KEY, "mongo/data/x", "sys/mounts", "auth/token/lookup-self", "transit/encrypt/x"]) {
      expect(await ask("GET", path, { token })).toMatchObject({
        status: 403,
        body: { errors: ["ostiary: vault/token"] },
      });
    }
  });

  it("is given for the role and the secret id, to who has both", async () => {
    const { ask } = shared;
    const login = (role: string, secret: string) =>
      ask("POST", "auth/approle/login", { token: null, body: { role_id: role, secret_id: secret } });
    expect(await login("db", TOKEN)).toMatchObject({ body: { auth: { client_token: TOKEN } } });
    expect((await login("db", "another-agent-token")).status).toBe(403);
    expect((await login("other", TOKEN)).status).toBe(403);
    expect((await ask("POST", "auth/approle/login", { token: null, body: {} })).status).toBe(403);
  });

  it("is made where there is none, for its owner, in memory; one that is there stays", async () => {
    const tokenFile = `${folderInMemory()}/token`;
    const opened = await surface({ tokenFile, rights: { uid: 65_534, gid: 65_534 } });
    const token = readFileSync(tokenFile, "utf8");
    const { mode, uid, gid } = statSync(tokenFile);
    expect({ mode: mode & 0o777, uid, gid }).toEqual({ mode: 0o600, uid: 65_534, gid: 65_534 });
    expect(token).toMatch(/^[\w-]{43}$/);
    expect((await opened.ask("GET", "sys/mounts", { token })).status).toBe(200);
    await surface({ tokenFile });
    expect(readFileSync(tokenFile, "utf8")).toBe(token);
  });

  it.each([
    ["short", "short", 0o600],
    ["with a space", "a token with spaces in it", 0o600],
    ["everybody's to read", TOKEN, 0o604],
  ])("in a file that is %s keeps the door shut", async (_, text, mode) => {
    const tokenFile = `${folderInMemory()}/token`;
    writeFileSync(tokenFile, text);
    chmodSync(tokenFile, mode);
    await expect(surface({ tokenFile })).rejects.toMatchObject({ code: "file/unusable" });
    symlinkSync(tokenFile, `${tokenFile}-link`);
    await expect(surface({ tokenFile: `${tokenFile}-link` })).rejects.toMatchObject({
      code: "file/unusable",
    });
  });
});

describe("a refusal", () => {
  it("is 403 with the code and the decision that the broker's operator finds, and never 404", async () => {
    const { ask, broker } = await guarded();
    await makeLive(broker, ALL.replaceAll("02".repeat(48), "03".repeat(48)), 2);
    const answer = await ask("GET", KEY);
    expect(answer).toMatchObject({
      status: 403,
      body: { errors: [expect.stringMatching(/^ostiary: policy\/denied, decision \w{26}$/)] },
    });
    const id = /decision (\w{26})/.exec(JSON.stringify(answer.body))?.[1] ?? "";
    expect(await broker.admin.decision(id)).toMatchObject({ kind: "decision", entry: { outcome: "deny" } });
    for (const [method, path, body] of [
      ["GET", "mongo/data/x", undefined],
      ["POST", "mongo/data/x", { data: { value: "YQ==" } }],
      ["GET", "mongo/metadata?list=true", undefined],
      ["GET", "mongo/metadata/x", undefined],
      ["DELETE", "mongo/data/x", undefined],
      ["POST", "transit/encrypt/x", { plaintext: "YQ==" }],
      ["POST", "transit/decrypt/x", { ciphertext: "vault:v1:AAAA" }],
    ] as const) {
      expect([path, (await ask(method, path, { body })).status]).toEqual([path, 403]);
    }
  });

  it("is 403 for a version that an admin took out of service", async () => {
    const { ask, broker } = await guarded();
    await broker.admin.changeSecret("prod/mariadb/tde/1", { version: 1, state: "disabled" });
    expect((await ask("GET", KEY)).status).toBe(403);
    expect((await ask("GET", `${KEY}?version=1`)).status).toBe(403);
  });

  it.each([
    ["broker/unreachable", 503],
    ["broker/other-key", 503],
    ["channel/bad-release", 503],
    ["provider/unavailable", 503],
    ["request/rate-limited", 503],
    ["store/unavailable", 503],
    ["endorsement/revoked", 403],
    ["admin/unauthorized", 403],
    ["obligation/exhausted", 403],
    ["secret/versions-full", 400],
  ] as const)("by %s is %i, and never an absent key", async (code, status) => {
    const { ask, source } = shared;
    const kept = source.now;
    const refuse = () =>
      Promise.reject(new Fault(code, "expected otherwise", { id: "01KB0000000000000000000001" }));
    source.now = { read: refuse, readAnew: refuse, write: refuse, transit: refuse };
    expect(await ask("GET", KEY)).toMatchObject({
      status,
      body: { errors: [`ostiary: ${code}, decision 01KB0000000000000000000001`] },
    });
    source.now = kept;
  });

  it("by what is no fault says nothing of it", async () => {
    const { ask, source } = await guarded();
    const fail = () => Promise.reject(new Error("a secret in a message"));
    source.now = { read: fail, readAnew: fail, write: fail, transit: fail };
    expect(await ask("GET", KEY)).toMatchObject({
      status: 503,
      body: { errors: ["ostiary: internal/invariant"] },
    });
  });
});

describe("a program", () => {
  it("writes nothing where its mount is to be read, and lists nothing", async () => {
    const { ask, broker } = shared;
    const body = { data: { data: "00" } };
    for (const [method, path] of [
      ["POST", KEY],
      ["PUT", KEY],
      ["DELETE", KEY],
      ["LIST", "mariadb/metadata"],
      ["GET", "mariadb/metadata?list=true"],
    ] as const) {
      expect((await ask(method, path, { body: method.startsWith("P") ? body : undefined })).status).toBe(403);
    }
    expect(await broker.world.store.secretVersions("prod/mariadb/tde/1")).toHaveLength(1);
  });

  it("reaches no secret beside its mounts, and not the list of its own keys", async () => {
    const { ask, broker } = await guarded();
    await putSecret(broker, "prod/other", SECRET);
    await ask("POST", "mongo/data/k", { body: { data: { value: "YQ==" } } });
    for (const path of [
      "prod/data/other",
      "other/data/1",
      "mariadb/data",
      "mariadb/1",
      "mongo/data/_keys",
      "mongo/data/_keys/x",
      "mongo/metadata/_keys",
      "mongo/delete/k",
      "mongo/destroy/k",
      "mongo/undelete/k",
      "transit/keys/x",
      "transit/export/encryption-key/x",
      "transit/sign/x",
      "transit/data/x",
    ]) {
      expect([path, (await ask("GET", path)).status]).toEqual([path, 403]);
    }
    expect((await ask("DELETE", "mongo/metadata/k")).status).toBe(403); // destroying is an admin's
  });

  it.each([
    "mariadb/data/../data/1",
    "mariadb/data/%2e%2e/1",
    "mariadb/data%2f1",
    "mariadb//data/1",
    "/mariadb/data/1",
    "mariadb/data/1%00",
    "mariadb/data/1%5c",
    "mariadb/data/%",
    "mariadb/data/%ff",
    "mariadb/data/1;x",
    "mariadb/data/1 x",
    `mariadb/data/${"a".repeat(129)}`,
    `mariadb/data/1?${"a".repeat(2048)}`,
  ])("finds nothing under %s", async (path) => {
    expect(parseTarget(`/v1/${path}`)).toBeUndefined();
    const { ask } = shared;
    const asked = path.includes(" ") ? "mariadb/data/1%20x" : path;
    expect((await ask("GET", asked)).status).toBe(400);
  });

  it("finds nothing outside /v1", async () => {
    const opened = shared;
    const socket = connect(portOf(opened), "127.0.0.1");
    const head = `GET /ui/ HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: ${TOKEN}\r\nConnection: close\r\n\r\n`;
    expect(await raw(socket, head)).toMatch(/^HTTP\/1.1 400 /);
  });
});

describe("a page in a browser", () => {
  it.each([
    ["of an origin of its own", { origin: "https://evil.example" }],
    ["of this machine", { origin: "http://127.0.0.1:8200" }],
    ["that names no origin", { origin: "null" }],
    ["by a form or a picture", { "sec-fetch-site": "cross-site" }],
    ["that was linked to", { referer: "https://evil.example/" }],
  ])("gets nothing %s", async (_, headers) => {
    const { ask } = shared;
    expect(await ask("GET", KEY, { headers })).toMatchObject({
      status: 403,
      body: { errors: ["ostiary: vault/browser"] },
    });
    expect((await ask("GET", "sys/health", { headers, token: null })).status).toBe(403);
  });

  it.each(["evil.example", "evil.example:8200", "127.0.0.1.evil.example", "169.254.169.254", "127.0.0.1:1"])(
    "that rebound a name to this machine gets nothing: Host %s",
    async (host) => {
      const { ask } = shared;
      expect((await ask("GET", KEY, { headers: { host } })).status).toBe(403);
    },
  );

  it("makes no preflight, and no method that no program uses", async () => {
    const { ask } = shared;
    for (const method of ["OPTIONS", "PATCH", "TRACE", "PROPFIND"]) {
      expect([method, (await ask(method, KEY)).status]).toEqual([method, 405]);
    }
    const { headers } = await ask("GET", KEY);
    expect(headers["access-control-allow-origin"]).toBeUndefined();
    expect(headers["cache-control"]).toBe("no-store");
  });

  it("and whoever wants a namespace or a wrapped answer is told that there is none", async () => {
    const { ask } = shared;
    for (const name of ["x-vault-namespace", "x-vault-wrap-ttl"]) {
      expect((await ask("GET", KEY, { headers: { [name]: "x" } })).status).toBe(400);
    }
    expect((await ask("GET", KEY, { headers: { "x-vault-namespace": "" } })).status).toBe(200);
  });
});

describe("a client", () => {
  it("that says LIST, which Vault made up, is answered", async () => {
    const opened = shared;
    const { ask } = opened;
    await ask("POST", "mongo/data/a/b", { body: { data: { value: "YQ==" } } });
    const socket = connect(portOf(opened), "127.0.0.1");
    const words = ["LIST /v1/mongo/metadata HTTP/1.1", "Host: localhost", `X-Vault-Token: ${TOKEN}`, "", ""];
    const heard = await raw(socket, words.join("\r\n"));
    expect(heard).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(heard).toContain('"keys":["a/"]');
  });

  it.each([
    ["without the token", ["LIST /v1/mongo/metadata HTTP/1.1", "Host: localhost"], 403],
    [
      "by another name",
      ["LIST /v1/mongo/metadata HTTP/1.1", "Host: evil.example", `X-Vault-Token: ${TOKEN}`],
      403,
    ],
    [
      "from a page",
      ["LIST /v1/mongo/metadata HTTP/1.1", "Host: localhost", "Origin: null", `X-Vault-Token: ${TOKEN}`],
      403,
    ],
    [
      "with its token twice",
      [
        "LIST /v1/mongo/metadata HTTP/1.1",
        "Host: localhost",
        `X-Vault-Token: ${TOKEN}`,
        `X-Vault-Token: ${TOKEN}`,
      ],
      400,
    ],
    [
      "with a body",
      ["LIST /v1/mongo/metadata HTTP/1.1", "Host: localhost", `X-Vault-Token: ${TOKEN}`, "Content-Length: 4"],
      400,
    ],
    [
      "with a folded header",
      ["LIST /v1/mongo/metadata HTTP/1.1", "Host: localhost", " folded", `X-Vault-Token: ${TOKEN}`],
      400,
    ],
    ["of nothing", ["LIST /v1/mongo/metadata"], 400],
    ["in another protocol", ["LIST / HTTP/0.9", "Host: localhost"], 400],
  ])("that says LIST %s gets no list", async (_, lines, status) => {
    const opened = shared;
    const heard = await raw(connect(portOf(opened), "127.0.0.1"), [...lines, "", ""].join("\r\n"));
    expect(heard).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it.each([
    [
      "a head of more than 16 KiB",
      [`GET /v1/${KEY} HTTP/1.1`, "Host: localhost", `X: ${"a".repeat(17_000)}`, "", ""],
    ],
    ["no HTTP", ["\x16\x03\x01"]],
    [
      "two lengths",
      [`POST /v1/${KEY} HTTP/1.1`, "Host: localhost", "Content-Length: 1", "Content-Length: 2", "", "ab"],
    ],
    [
      "a length and chunks",
      [`POST /v1/${KEY} HTTP/1.1`, "Host: localhost", "Content-Length: 4", "Transfer-Encoding: chunked", "0"],
    ],
  ])("that says %s is told off, and the next is served", async (_, lines) => {
    const opened = shared;
    const heard = await raw(connect(portOf(opened), "127.0.0.1"), lines.join("\r\n"));
    expect(heard).toMatch(/^HTTP\/1.1 400 /);
    expect((await opened.ask("GET", KEY)).status).toBe(200);
  });

  it("that sends more than 256 KiB is told so, and is not read to the end", async () => {
    const { ask } = shared;
    const body = JSON.stringify({ data: { value: "A".repeat(300_000) } });
    expect(await ask("POST", "mongo/data/k", { body })).toMatchObject({
      status: 413,
      body: { errors: ["ostiary: request/too-large"] },
    });
  });

  it("that goes away while the broker is asked leaves the surface as it was", async () => {
    const opened = shared;
    const socket = connect(portOf(opened), "127.0.0.1");
    socket.write(`GET /v1/${KEY} HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: ${TOKEN}\r\n\r\n`);
    socket.destroy();
    expect((await opened.ask("GET", KEY)).status).toBe(200);
  });
});

describe("a place", () => {
  it("with TLS has a certificate of this boot's authority, whose key is in no file", async () => {
    const { ask: direct, place, folder, close } = await guarded({ place: "tls" });
    const ca = readFileSync(`${folder}/ca.pem`, "utf8");
    expect(ca).not.toContain("PRIVATE");
    expect(statSync(`${folder}/ca.pem`).mode & 0o777).toBe(0o644);
    expect((await direct("GET", KEY, { ca })).status).toBe(200);
    await expect(direct("GET", KEY)).rejects.toThrow(/self-signed|unable to verify/);
    const plain = { ...place, authorityFile: undefined };
    await expect(ask(plain, { method: "GET", path: KEY })).rejects.toThrow();
    const old = tlsConnect({
      port: portOf({ place } as Surface),
      host: "127.0.0.1",
      ca,
      maxVersion: "TLSv1.1",
    });
    await expect(new Promise((_, failed) => old.once("error", failed))).rejects.toThrow();
    await close();
    expect(existsSync(`${folder}/ca.pem`)).toBe(false);
  });

  it("that is a socket has its owner and mode from the first moment, and goes with the daemon", async () => {
    const owner = { uid: 65_534, gid: 65_533 };
    const {
      ask: direct,
      folder,
      close,
    } = await surface({ place: "socket", rights: { ...owner, mode: 0o660 } });
    const { mode, uid, gid } = statSync(`${folder}/vault.sock`);
    expect({ mode: mode & 0o777, uid, gid }).toEqual({ mode: 0o660, ...owner });
    expect((await direct("GET", "sys/mounts", { token: null, headers: { host: "anything" } })).status).toBe(
      200,
    );
    await close();
    expect(existsSync(`${folder}/vault.sock`)).toBe(false);
  });

  it("that is taken, or holds something else than an old socket, is told", async () => {
    const first = await guarded();
    if ("socket" in first.place) throw new Error("expected a port");
    const { createVaultDoor } = await import("../../src/agent/vault/door.ts");
    const parts = { digest: (bytes: Uint8Array) => bytes, makeTls: () => Promise.reject(new Error("none")) };
    const never = {
      read: first.source.now.read,
      readAnew: first.source.now.readAnew,
      write: first.source.now.write,
      transit: first.source.now.transit,
    };
    const context = { log: () => {}, signal: new AbortController().signal };
    const second = createVaultDoor({ name: "two", mounts: MOUNTS, place: first.place, rights: {} }, parts);
    await expect(second.open(never, context)).rejects.toMatchObject({ code: "config/invalid" });
    const socket = `${first.folder}/file`;
    writeFileSync(socket, "precious");
    const third = createVaultDoor({ name: "three", mounts: MOUNTS, place: { socket }, rights: {} }, parts);
    await expect(third.open(never, context)).rejects.toMatchObject({ code: "config/invalid" });
    expect(readFileSync(socket, "utf8")).toBe("precious");
  });
});
