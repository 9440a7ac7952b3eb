/** Can a secret be written, seen or forged by who may not? One attack at a time, each beside the write that it began as. */
import { beforeAll, describe, expect, it } from "vitest";
import { base64UrlOf, utf8 } from "../../src/base/bytes.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { useToken } from "../../src/client/token-use.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { decodeSignedImportKey, encodeSignedImportKey } from "../../src/wire/import.ts";
import { decodeWriteRequest, encodeWriteRequest, IMPORT_KEY_PATH } from "../../src/wire/write.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { type GuestBroker, makeLive, post, random } from "./guest-at-hand.ts";
import { codeOf } from "./transit-at-hand.ts";
import { KEY, WRITING, type WriteGuest, writeBroker, writeGuest } from "./write-at-hand.ts";

const URL_PATH = `/v1/secret/${KEY}`;
const UNAUTHORIZED = "admin/unauthorized";

type Hand = (path: string, init: RequestInit) => Promise<Response>;

async function lastEntry({ world }: GuestBroker) {
  return (await ledgerEntries({ from: 0, limit: 300 }, world)).at(-1);
}

async function versionsOf({ world }: GuestBroker, path = KEY): Promise<number> {
  return (await world.store.secretVersions(path)).length;
}

/** A write whose requests go through a hand. */
async function through(guest: WriteGuest, hand: Hand): Promise<string> {
  return codeOf(guest.write({ cas: 0 }, { fetch: (path, init = {}) => hand(path, init) }));
}

/** Changes the body of the write itself, never of what comes before it. */
function changing(broker: GuestBroker, change: (body: string) => string, to = URL_PATH): Hand {
  return async (path, init) => {
    if (path !== URL_PATH) return broker.app.request(path, init);
    const body = change(String(init.body));
    return broker.app.request(to, { ...init, body });
  };
}

function keeping(broker: GuestBroker): { readonly hand: Hand; readonly kept: [string, RequestInit][] } {
  const kept: [string, RequestInit][] = [];
  return {
    kept,
    hand: async (path, init) => {
      kept.push([path, init]);
      return broker.app.request(path, init);
    },
  };
}

describe("a write on its way", () => {
  it.each<readonly [string, (body: string) => string]>([
    ["another expected version", (body) => body.replace('"cas":0', '"cas":1')],
    ["no expected version", (body) => body.replace('"cas":0,', "")],
    [
      "the one-use key of whoever stands between",
      (body) => body.replace(/"wrapPub":"[^"]+"/, `"wrapPub":"${base64UrlOf(random(32))}"`),
    ],
    ["another sealed secret", (body) => body.replace(/"ct":"[^"]+"/, `"ct":"${base64UrlOf(random(48))}"`)],
  ])("is refused with %s: the proof is about the body", async (_, change) => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    const hand = changing(broker, (body) => {
      const other = change(body);
      expect(other).not.toBe(body);
      return other;
    });
    expect(await through(guest, hand)).toBe(UNAUTHORIZED);
    expect(await versionsOf(broker)).toBe(0);
  });

  it("is refused by a proof that says no body", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    const sign = (bytes: Uint8Array) => guest.key.signer.sign(withoutBody(bytes));
    const unbound = { ...guest, key: { ...guest.key, signer: { ...guest.key.signer, sign } } };
    const fetch = async (path: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      const [head = "", claims = "", signature = ""] = (headers.get("dpop") ?? "").split(".");
      headers.set("dpop", `${Buffer.from(withoutBody(utf8(`${head}.${claims}`))).toString()}.${signature}`);
      return broker.app.request(path, { ...init, headers });
    };
    const key = await broker.admin.makeImportKey({ suite: 1, validSeconds: 60 });
    const sealed = { key: key.id, enc: random(32), ct: random(48) };
    const body = encodeWriteRequest({ suite: 1, wrapPub: random(32), cas: undefined, sealed });
    expect(await codeOf(sendAs(broker, unbound, body, KEY, fetch))).toBe(UNAUTHORIZED);
  });

  /** The input of a proof whose claims have no `bh`. */
  function withoutBody(input: Uint8Array): Uint8Array {
    const [head = "", claims = ""] = Buffer.from(input).toString().split(".");
    const { bh: _, ...rest } = JSON.parse(Buffer.from(claims, "base64url").toString());
    return utf8(`${head}.${base64UrlOf(utf8(JSON.stringify(rest)))}`);
  }

  it("is refused at another path: the proof is about the URL", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    const hand = changing(broker, (body) => body, `${URL_PATH}/other`);
    expect(await through(guest, hand)).toBe(UNAUTHORIZED);
  });

  it("counts once: sent again it is refused, by its proof and by its import key", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    const { hand, kept } = keeping(broker);
    expect(await through(guest, hand)).toBe("done");
    const last = kept.at(-1) ?? ["/", {}];
    expect((await broker.app.request(...last)).status).toBe(401);
    const body = String(last[1].body);
    expect(await codeOf(sendAs(broker, guest, body.replace('"cas":0', '"cas":1')))).toBe("request/conflict");
    expect(await versionsOf(broker)).toBe(1);
  });

  it("is refused without a token, with an admin's hand, and with a token whose key another guest has", async () => {
    const broker = await writeBroker();
    const [guest, other] = [await writeGuest(broker), await writeGuest(broker)];
    const { hand, kept } = keeping(broker);
    await through(guest, hand);
    const body = String(kept.at(-1)?.[1].body);
    const headers = { "content-type": "application/json" };
    const put = (more: Record<string, string>) =>
      broker.app.request(URL_PATH, { method: "PUT", headers: { ...headers, ...more }, body });
    expect((await put({})).status).toBe(401);
    expect((await put({ authorization: "Bearer x" })).status).toBe(401);
    expect((await put({ authorization: `Bearer ${guest.token}` })).status).toBe(401);
    expect((await post(broker, IMPORT_KEY_PATH, '{"v":1,"suite":1}')).status).toBe(401);
    expect(await codeOf(guest.write({}, { token: other.token }))).toBe(UNAUTHORIZED);
    expect(await versionsOf(broker)).toBe(1);
  });

  it("is refused under the import key of another guest or of an admin", async () => {
    const broker = await writeBroker();
    const [guest, other] = [await writeGuest(broker), await writeGuest(broker)];
    let stolen = "";
    const hand = async (path: string, init: RequestInit) => {
      if (path !== URL_PATH) return broker.app.request(path, init);
      stolen = String(init.body);
      return new Response(null, { status: 503 });
    };
    await through(guest, hand);
    expect(await codeOf(sendAs(broker, other, stolen))).toBe("request/conflict");
    const admins = await broker.admin.makeImportKey({ suite: 1, validSeconds: 60 });
    const { sealed, ...rest } = decodeWriteRequest(new TextEncoder().encode(stolen));
    const moved = encodeWriteRequest({ ...rest, sealed: { ...sealed, key: admins.id } });
    expect(await codeOf(sendAs(broker, guest, moved))).toBe("request/conflict");
    expect(await versionsOf(broker)).toBe(0);
    expect(await codeOf(sendAs(broker, guest, stolen))).toBe("done"); // its own it is
  });

  it("is refused once its import key has run out", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    let body = "";
    const hand = async (path: string, init: RequestInit) => {
      if (path !== URL_PATH) return broker.app.request(path, init);
      body = String(init.body);
      return new Response(null, { status: 503 });
    };
    await through(guest, hand);
    broker.pass(119);
    broker.pass(1);
    expect(await codeOf(sendAs(broker, guest, body))).toMatch(/request\/conflict|admin\/unauthorized/);
    expect(await versionsOf(broker)).toBe(0);
  });

  it("does not open what was sealed for another path", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    let body = "";
    const hand = async (path: string, init: RequestInit) => {
      if (path !== URL_PATH) return broker.app.request(path, init);
      body = String(init.body);
      return new Response(null, { status: 503 });
    };
    await through(guest, hand);
    expect(await codeOf(sendAs(broker, guest, body, "prod/mongo/other"))).toBe("request/malformed");
    expect(await versionsOf(broker, "prod/mongo/other")).toBe(0);
    expect(await lastEntry(broker)).toMatchObject({ kind: "release-failed" });
  });
});

/** Sends a body of the guest's own making, with a proof that is good for it. */
async function sendAs(
  broker: GuestBroker,
  { token, key }: Pick<WriteGuest, "token" | "key">,
  body: string,
  path = KEY,
  fetch = async (to: string, init?: RequestInit) => broker.app.request(to, init),
) {
  const session = { fetch };
  const parts = { now: broker.world.now, random, digest: nodePrimitives.digest };
  const use = { audience: AUDIENCE, path: `/v1/secret/${path}`, body, method: "PUT" } as const;
  return useToken(use, { token, ...key }, { session, parts });
}

describe("whoever ends TLS on the way", () => {
  it("puts no key of his own in the place of the broker's", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    let isSent = false;
    const hand = async (path: string, init: RequestInit) => {
      if (path === URL_PATH) isSent = true;
      const response = await broker.app.request(path, init);
      if (path !== IMPORT_KEY_PATH || !response.ok) return response;
      const key = decodeSignedImportKey(new Uint8Array(await response.arrayBuffer()));
      return new Response(encodeSignedImportKey({ ...key, publicKey: random(32) }), { status: 201 });
    };
    expect(await through(guest, hand)).toBe("broker/other-key");
    expect(isSent).toBe(false);
  });

  it("cannot say that something was written which was not", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    const { hand, kept } = keeping(broker);
    let answer = "";
    const first = async (path: string, init: RequestInit) => {
      const response = await hand(path, init);
      if (path === URL_PATH && response.ok) answer = await response.clone().text();
      return response;
    };
    expect(await through(guest, first)).toBe("done");
    expect(kept.length).toBeGreaterThan(3);
    const replaying: Hand = async (path, init) =>
      path === URL_PATH ? new Response(answer, { status: 201 }) : broker.app.request(path, init);
    expect(await through(guest, replaying)).toBe("channel/bad-release");
    const other = makeGuestSigner().signer.spki;
    expect(await codeOf(guest.write({}, { signingKey: other }))).toBe("broker/other-key");
  });
});

describe("a write", () => {
  let shared: { readonly broker: GuestBroker; readonly guest: WriteGuest };
  beforeAll(async () => {
    const broker = await writeBroker();
    shared = { broker, guest: await writeGuest(broker) };
  });

  it("follows the policy that is live now, not the one of the token", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    expect(await codeOf(guest.write())).toBe("done");
    await makeLive(broker, WRITING.replaceAll("02".repeat(48), "03".repeat(48)), 2);
    expect(await codeOf(guest.write())).toBe("policy/denied");
    expect(await versionsOf(broker)).toBe(1);
  });

  it("is refused once the token's decision was revoked", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    const [, payload = ""] = guest.token.split(".");
    await broker.admin.revokeDecision(JSON.parse(Buffer.from(payload, "base64url").toString()).jti);
    expect(await codeOf(guest.write())).toBe(UNAUTHORIZED);
    expect(await versionsOf(broker)).toBe(0);
  });

  it("holds to the bindings of the secret, and to the lease of another guest", async () => {
    const broker = await writeBroker();
    const [one, two] = [
      await writeGuest(broker, { reportId: new Uint8Array(32).fill(0x71) }),
      await writeGuest(broker, { reportId: new Uint8Array(32).fill(0x72) }),
    ];
    await one.write();
    await broker.admin.changeSecret(KEY, { bindings: [2] });
    expect(await codeOf(one.write())).toBe("policy/denied");
    expect(await lastEntry(broker)).toMatchObject({ code: "wrong-binding" });
    await broker.admin.changeSecret(KEY, { bindings: [2, 3], leaseSeconds: 600 });
    expect(await codeOf(one.write())).toBe("done");
    expect(await codeOf(two.write())).toBe("policy/denied");
    expect(await lastEntry(broker)).toMatchObject({ code: "lease-held" });
    expect(await versionsOf(broker)).toBe(2);
  });

  it("makes no version of a transit key, nor of what keys are derived from", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    await broker.admin.putSecret("prod/transit", { kind: "transit", type: "aes-256-gcm" });
    await broker.admin.putSecret("prod/root", { kind: "derived", size: 32, by: ["measurement"] });
    for (const path of ["prod/transit", "prod/root"]) {
      expect(await codeOf(guest.write({ path }))).toBe("policy/denied");
      expect(await lastEntry(broker)).toMatchObject({ outcome: "deny", code: "no-secret" });
      expect(await versionsOf(broker, path)).toBe(1);
    }
  });

  it("keeps the version that was decided on, or none: not a later one, after what came between", async () => {
    let between: (() => Promise<unknown>) | undefined;
    const broker = await writeBroker({
      change: ({ commit }) => ({
        commit: async (decision) => {
          const outcome = await commit(decision);
          await between?.();
          return outcome;
        },
      }),
    });
    const guest = await writeGuest(broker);
    await guest.write();
    between = () => broker.admin.putSecret(KEY, { kind: "static", plaintext: random(8) });
    expect(await codeOf(guest.write({ cas: 1 }))).toBe("secret/other-version");
    expect(await lastEntry(broker)).toMatchObject({ kind: "release-failed" });
    expect(await versionsOf(broker)).toBe(2);
  });

  it("is recorded as failed where it is decided and another writer is first", async () => {
    let isBehind = false;
    const broker = await writeBroker({
      change: ({ store }) => ({
        store: {
          ...store,
          importSecretVersion: async (version, by, entry) =>
            !isBehind && (await store.importSecretVersion(version, by, entry)),
        },
      }),
    });
    const guest = await writeGuest(broker);
    isBehind = true;
    expect(await codeOf(guest.write({ cas: 0 }))).toBe("secret/other-version");
    expect(await lastEntry(broker)).toMatchObject({ kind: "release-failed" });
    isBehind = false;
    expect(await codeOf(guest.write({ cas: 0 }))).toBe("done");
  });

  it.each([
    ["%2e%2e", "/v1/secret/prod/%2e%2e/x"],
    ["two dots", "/v1/secret/prod/../x"],
    ["a slash that is encoded", "/v1/secret/prod%2fx"],
    ["a double slash", "/v1/secret//prod/x"],
    ["a slash at the end", "/v1/secret/prod/x/"],
    ["nothing", "/v1/secret/"],
    ["the path of a token", "/v1/secret/token/sts"],
    ["the resource of attestation", "/v1/secret/attest"],
    ["a query", "/v1/secret/prod/x?version=1"],
  ])("finds no path under %s", async (_, path) => {
    const { broker, guest } = shared;
    const before = await broker.world.store.ledgerSize();
    const { token, key } = guest;
    const session = { fetch: async (to: string, init?: RequestInit) => broker.app.request(to, init) };
    const parts = { now: broker.world.now, random, digest: nodePrimitives.digest };
    const sealed = { key: "ab".repeat(16), enc: random(32), ct: random(48) };
    const body = encodeWriteRequest({ suite: 1, wrapPub: random(32), cas: undefined, sealed });
    const use = { audience: AUDIENCE, path, body, method: "PUT" } as const;
    expect(await codeOf(useToken(use, { token, ...key }, { session, parts }))).toMatch(
      /^(request\/malformed|admin\/unauthorized|request\/not-found)$/,
    );
    expect(await broker.world.store.ledgerSize()).toBe(before);
  });

  it.each([
    ["a member that nobody knows", (body: string) => body.replace('"v":1', '"v":1,"x":1')],
    ["a negative version", (body: string) => body.replace('"v":1', '"v":1,"cas":-1')],
    ["half a version", (body: string) => body.replace('"v":1', '"v":1,"cas":0.5')],
    ["a version as text", (body: string) => body.replace('"v":1', '"v":1,"cas":"0"')],
    ["a use", (body: string) => body.replace('"key"', '"use":"aes-256-gcm","key"')],
    [
      "the third suite, which this broker does not offer",
      (body: string) => body.replace('"suite":1', '"suite":3'),
    ],
  ])("is refused with %s, before anything is decided", async (_, change) => {
    const { broker, guest } = shared;
    const before = await broker.world.store.ledgerSize();
    const sealed = { key: "ab".repeat(16), enc: random(32), ct: random(48) };
    const body = encodeWriteRequest({ suite: 1, wrapPub: random(32), cas: undefined, sealed });
    expect(await codeOf(sendAs(broker, guest, body))).toBe("request/conflict"); // well formed, of no key
    expect(await codeOf(sendAs(broker, guest, change(body)))).toBe("request/malformed");
    expect(await broker.world.store.ledgerSize()).toBe(before);
  });
});

describe("keys to seal to", () => {
  it("are made as often as challenges, and no more", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    const session = { fetch: async (to: string, init?: RequestInit) => broker.app.request(to, init) };
    const parts = { now: broker.world.now, random, digest: nodePrimitives.digest };
    const use = { audience: AUDIENCE, path: IMPORT_KEY_PATH, body: '{"v":1,"suite":1}' };
    const codes = [];
    for (let i = 0; i < 8; i += 1) {
      codes.push(await codeOf(useToken(use, { token: guest.token, ...guest.key }, { session, parts })));
    }
    expect(codes).toContain("done");
    expect(codes.at(-1)).toBe("request/rate-limited");
  });
});
