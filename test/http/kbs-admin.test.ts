/** May an admin of `kbs-client` do here what its roles say, and nothing by a token that somebody else has? Tokens as that client makes them. */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import type { Admin, Role } from "../../src/policy/admins.ts";
import { kbsEdgesOf } from "../../src/runtime/kbs-config.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { securityKey } from "../support/security-key.ts";
import { ADMIN_PEM, type BrokerAtHand, brokerAtHand, ONE_ADMIN } from "./broker-at-hand.ts";

const PATH = "default/key/1";
const KEY = createPrivateKey(ADMIN_PEM);

function kbsAdminBroker(admins: readonly Admin[] = ONE_ADMIN.admins, takesAdmins = true): BrokerAtHand {
  return brokerAtHand(
    ({ settings, roster }) => ({
      settings: { ...settings, governance: { ...ONE_ADMIN, admins } },
      roster: async () => ({ ...(await roster()), now: { ...(await roster()).now, admins } }),
    }),
    { kbs: kbsEdgesOf({ versions: ["0.4.0"], takesAdmins }) },
  );
}

interface Plan {
  readonly key?: KeyObject;
  readonly header?: object;
  readonly claims?: object;
}

/** `Ed25519KeyPair::sign(Claims::create(2 h))`: issued, expires, not before. */
function tokenOf(
  { world }: BrokerAtHand,
  { key = KEY, header = { alg: "EdDSA", typ: "JWT" }, claims }: Plan = {},
): string {
  const now = world.now();
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${part(header)}.${part({ iat: now, exp: now + 7200, nbf: now, ...claims })}`;
  return `${input}.${sign(null, Buffer.from(input), key).toString("base64url")}`;
}

interface Asking extends Plan {
  readonly token?: string;
  readonly path?: string;
  readonly content?: string;
  readonly type?: string;
  readonly method?: string;
}

/** `kbs-client config set-resource`. */
async function put(broker: BrokerAtHand, asking: Asking = {}): Promise<Response> {
  const {
    path = `resource/${PATH}`,
    content = "a secret",
    type = "application/octet-stream",
    method = "POST",
  } = asking;
  const token = asking.token ?? tokenOf(broker, asking);
  return broker.app.request(`/kbs/v0/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": type },
    body: content,
  });
}

const admin = (kid: string, roles: readonly Role[], under: readonly string[] = []) => {
  const pem = generateEd25519Pem();
  const { spki } = createEd25519Signer(kid, pem);
  return { key: createPrivateKey(pem), row: { kid, spki, person: kid, roles, under, owns: [] } };
};

describe("kbs-client", () => {
  it("puts a secret as `ostiary secret put` does: versions, log, and the admin's name", async () => {
    const broker = kbsAdminBroker();
    const answer = await put(broker);
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    broker.pass(1);
    expect((await put(broker, { content: "its next version" })).status).toBe(200);
    const versions = await broker.admin.showSecret(PATH);
    expect(versions.map(({ version, kind, createdBy }) => [version, kind, createdBy])).toEqual([
      [2, "static", "admin-1"],
      [1, "static", "admin-1"],
    ]);
    const last = (await ledgerEntries({ from: 0, limit: 9 }, broker.world)).at(-1);
    expect(last).toMatchObject({ kind: "admin", act: "secret-put", subject: `${PATH}@2`, actor: "admin-1" });
  });

  it("is told of policies where they come from, and none is set", async () => {
    const broker = kbsAdminBroker();
    const policy = Buffer.from("package policy\ndefault allow = true\n").toString("base64url");
    for (const path of ["resource-policy", "attestation-policy", "reference-value"]) {
      const content = JSON.stringify({ type: "rego", policy_id: "default", policy });
      const answer = await put(broker, { path, content, type: "application/json" });
      expect(answer.status).toBe(401);
      expect(JSON.parse(await answer.text())).toEqual({
        type: "https://github.com/confidential-containers/kbs/errors/ParsePolicyError",
        detail: expect.stringContaining("`ostiary policy import-trustee`"),
      });
    }
    expect(await broker.world.liveBundle()).toBeUndefined();
    expect((await broker.admin.listBundles()).bundles).toEqual([]);
  });

  it("has the key of a file: of a security key nothing counts but assertions", async () => {
    const key = securityKey("EdDSA");
    const row = {
      kid: "eve",
      spki: key.spki,
      person: "eve",
      roles: ["operator"],
      under: [],
      owns: [],
    } as const;
    const asks = { key: key.privateKey, path: "resource/default/key/2" };
    expect((await put(kbsAdminBroker([...ONE_ADMIN.admins, row]), asks)).status).toBe(200);
    const held = [...ONE_ADMIN.admins, { ...row, webauthn: key.webauthn }];
    expect((await put(kbsAdminBroker(held), asks)).status).toBe(401);
  });

  it("is let in nowhere unless [kbs] says so", async () => {
    const broker = kbsAdminBroker(ONE_ADMIN.admins, false);
    for (const path of [`resource/${PATH}`, "resource-policy"]) {
      const answer = await put(broker, {
        path,
        ...(path === "resource-policy" ? { type: "application/json" } : {}),
      });
      expect([answer.status, await answer.text()]).toEqual([401, expect.stringContaining("AdminAuthAccess")]);
    }
    await expect(broker.admin.showSecret(PATH)).rejects.toMatchObject({ code: "secret/unknown" });
  });

  it("writes what its roles may, under the paths that they reach", async () => {
    const rows = [
      admin("operator", ["operator"]),
      admin("narrow", ["operator"], ["default/key"]),
      admin("elsewhere", ["operator"], ["prod"]),
      admin("author", ["author"]),
      admin("approver", ["approver"]),
      admin("auditor", ["auditor"]),
      admin("nobody", []),
    ];
    const broker = kbsAdminBroker(rows.map(({ row }) => row));
    const statuses = [];
    for (const { key } of rows) {
      statuses.push((await put(broker, { key })).status); // in order: one path
      broker.pass(1);
    }
    expect(statuses).toEqual([200, 200, 401, 401, 401, 401, 401]);
  });
});

describe("a token of kbs-client", () => {
  const rows: readonly (readonly [string, (broker: BrokerAtHand) => Asking])[] = [
    ["by a key of nobody", () => ({ key: createPrivateKey(generateEd25519Pem()) })],
    [
      "made more than a minute ago",
      ({ world }) => ({ claims: { iat: world.now() - 61, nbf: world.now() - 61, exp: world.now() + 60 } }),
    ],
    ["made in the future", ({ world }) => ({ claims: { iat: world.now() + 10 } })],
    ["that is over", ({ world }) => ({ claims: { iat: world.now() - 30, exp: world.now() } })],
    ["that holds longer than two hours", ({ world }) => ({ claims: { exp: world.now() + 7201 } })],
    ["that is not to be used yet", ({ world }) => ({ claims: { nbf: world.now() + 10 } })],
    ["with a claim that says more", () => ({ claims: { role: "admin" } })],
    ["of another algorithm", () => ({ header: { alg: "HS256", typ: "JWT" } })],
    ["of no algorithm", () => ({ header: { alg: "none" } })],
    ["with a key of its own", () => ({ header: { alg: "EdDSA", typ: "JWT", jwk: {} } })],
    ["of the admins of /v1", () => ({ header: { alg: "EdDSA", typ: "ostiary-admin+jwt", kid: "admin-1" } })],
    ["that is none", () => ({ token: "x" })],
    ["that is too long", () => ({ token: `${"a".repeat(600)}.${"b".repeat(600)}.c` })],
    ["whose signature was cut", (broker) => ({ token: tokenOf(broker).slice(0, -8) })],
  ];
  it.each(rows)("is refused, and nothing is read or written: %s", async (_name, asking) => {
    const broker = kbsAdminBroker();
    const answer = await put(broker, asking(broker));
    expect(answer.status).toBe(401);
    expect(JSON.parse(await answer.text()).type).toMatch(/\/AdminAuthAccess$/);
    await expect(broker.admin.showSecret(PATH)).rejects.toMatchObject({ code: "secret/unknown" });
  });

  it("counts for each request once: caught and sent again, it puts no older secret over a newer one", async () => {
    const broker = kbsAdminBroker();
    const token = tokenOf(broker);
    expect((await put(broker, { token })).status).toBe(200);
    expect((await put(broker, { token, content: "newer" })).status).toBe(200); // one second, one token: the client's clock is no finer
    expect((await put(broker, { token })).status).toBe(401);
    expect(await broker.admin.showSecret(PATH)).toHaveLength(2);
  });

  it("is no admin's at /v1", async () => {
    const broker = kbsAdminBroker();
    const answer = await broker.app.request("/v1/admin/secrets", {
      headers: { authorization: `Bearer ${tokenOf(broker)}` },
    });
    expect(answer.status).toBe(401);
  });

  it("is asked for no more often than sessions are", async () => {
    const broker = kbsAdminBroker();
    const answers = [];
    for (let i = 0; i < 12; i += 1) answers.push((await put(broker, { token: "a.b.c" })).status); // in order: a bucket
    expect(answers.filter((status) => status === 429)).toHaveLength(2);
  });
});

describe("what is put", () => {
  it("has a size, a type and a path", async () => {
    const broker = kbsAdminBroker();
    expect((await put(broker, { content: "" })).status).toBe(401);
    expect((await put(broker, { content: "a".repeat(64 * 1024 + 1) })).status).toBe(413);
    expect((await put(broker, { type: "application/json" })).status).toBe(401);
    for (const path of ["resource/a/b", "resource/a/b/../c", "resource/token/b/c", "resource/.a/b/c"]) {
      const { status } = await put(broker, { path });
      broker.pass(1);
      expect([401, 404], path).toContain(status);
    }
    expect((await put(broker, { method: "DELETE" })).status).toBe(405);
    expect(await broker.admin.listSecrets()).toEqual([]);
    expect((await put(broker, { content: "a".repeat(64 * 1024) })).status).toBe(200);
  });
});
