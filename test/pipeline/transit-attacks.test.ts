/** Can a transit key be had, or used, by who may not? One attack at a time, each beside the use that it began as. */
import { describe, expect, it } from "vitest";
import { base64UrlOf, hexOf, utf8 } from "../../src/base/bytes.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import type { SecretVersion } from "../../src/broker/secret-store.ts";
import { useToken } from "../../src/client/token-use.ts";
import { useTransitKey } from "../../src/client/transit.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { decodeTransitAnswer, encodeTransitAnswer, encodeTransitRequest } from "../../src/wire/transit.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { attemptOf, type GuestBroker, makeLive, POLICY, post, random } from "./guest-at-hand.ts";
import {
  codeOf,
  encryptItem,
  KEY,
  madeIn,
  openItem,
  textIn,
  transitBroker,
  transitGuest,
  USING,
} from "./transit-at-hand.ts";

const OTHER = "prod/transit/other";
const EVERYTHING = POLICY.replace("max_releases 3 per report.chip_id within 24h", "key_version any").replace(
  "request.op == release",
  "any { request.op == release, request.op == derive, request.op == unwrap, request.op == write }",
);
const ROW = utf8("row 7");

async function lastEntry({ world }: GuestBroker) {
  return (await ledgerEntries({ from: 0, limit: 200 }, world)).findLast(({ kind }) => kind === "decision");
}

async function sizeOf({ world }: GuestBroker): Promise<number> {
  return world.store.ledgerSize();
}

describe("a transit key is released to nobody", () => {
  const released = async (broker: GuestBroker) => {
    const attempt = await attemptOf(broker, { claims: { want: [{ secret: KEY }] } });
    return (await post(broker, "/v1/release", attempt.body)).status;
  };

  it("whatever a policy says", async () => {
    const broker = await transitBroker("aes-256-gcm", { policy: EVERYTHING });
    expect(await released(broker)).toBe(403);
    expect(await lastEntry(broker)).toMatchObject({ outcome: "deny", code: "no-secret" });
  });

  it.each<readonly [string, Partial<SecretVersion>]>([
    ["a generated secret", { kind: "generated", make: "aes-256" }],
    ["a static one", { kind: "static", make: "" }],
    ["a root to derive from", { kind: "derived", make: "derived:32:measurement" }],
  ])("where the database is made to call it %s", async (_, lie) => {
    const broker = await transitBroker("aes-256-gcm", {
      policy: EVERYTHING,
      change: ({ store }) => ({
        store: {
          ...store,
          secretVersion: async (path, version) => {
            const row = await store.secretVersion(path, version);
            return row && path === KEY ? { ...row, ...lie } : row;
          },
        },
      }),
    });
    expect(await released(broker)).toBe(500); // its envelope does not open as that
  });

  it("by a second version of another kind", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const plaintext = random(32);
    await expect(broker.admin.putSecret(KEY, { kind: "static", plaintext })).rejects.toMatchObject({
      code: "request/malformed",
    });
    await expect(broker.admin.rotateSecret(KEY, { make: { name: "aes-256" } })).rejects.toMatchObject({
      code: "request/malformed",
    });
    expect(await broker.admin.showSecret(KEY)).toHaveLength(1);
  });
});

describe("a use", () => {
  it("needs a policy that lets this guest use keys, and is recorded where none does", async () => {
    const broker = await transitBroker("aes-256-gcm", { policy: POLICY });
    const guest = await transitGuest(broker);
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("policy/denied");
    expect(await lastEntry(broker)).toMatchObject({
      outcome: "deny",
      code: "no-allow",
      items: [{ resource: KEY, op: "unwrap", outcome: "deny" }],
    });
  });

  it("follows the policy that is live now, not the one of the token", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("done");
    await makeLive(broker, USING.replaceAll("02".repeat(48), "03".repeat(48)), 2);
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("policy/denied");
    await makeLive(broker, USING, 3);
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("done");
  });

  it("is judged by how old the evidence is by now", async () => {
    const young = USING.replaceAll("endorsement.crl_age <= 24h", "endorsement.crl_age <= 1m");
    const broker = await transitBroker("aes-256-gcm", { policy: young });
    const guest = await transitGuest(broker);
    broker.pass(60);
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("done");
    broker.pass(1);
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("policy/denied");
  });

  it("ends where policy wants the guest attested again", async () => {
    const policy = USING.replace("key_version any", "key_version any reattest every 30s");
    const broker = await transitBroker("aes-256-gcm", { policy });
    const guest = await transitGuest(broker);
    broker.pass(30);
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("done");
    broker.pass(1);
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("admin/unauthorized");
  });

  it("counts as an attempt, which policy may bound", async () => {
    const at = USING.indexOf("policy keys");
    const often = '"stale report"\n  require request.attempt <= 2 else "too often"';
    const policy = USING.slice(0, at) + USING.slice(at).replace('"stale report"', often);
    const broker = await transitBroker("aes-256-gcm", { policy });
    const guest = await transitGuest(broker);
    const codes = [];
    for (let i = 0; i < 3; i += 1) codes.push(await codeOf(guest.use([encryptItem("a")]))); // one after the other
    expect(codes).toEqual(["done", "done", "policy/denied"]);
  });

  it("holds to the bindings of the key, by the binding that the guest was attested over", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    await broker.admin.changeSecret(KEY, { bindings: [2] });
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("policy/denied");
    expect(await lastEntry(broker)).toMatchObject({ code: "wrong-binding" });
    await broker.admin.changeSecret(KEY, { bindings: [2, 3] });
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("done");
  });

  it("asks a key for nothing that its type cannot do", async () => {
    const broker = await transitBroker("ed25519");
    const guest = await transitGuest(broker);
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("policy/denied");
    expect(await codeOf(guest.use([{ operation: "hmac", message: ROW }]))).toBe("policy/denied");
    expect(await lastEntry(broker)).toMatchObject({ outcome: "deny", code: "no-secret" });
  });

  it("uses no secret that is to be given out, and nothing that is not there", async () => {
    const broker = await transitBroker("aes-256-gcm", { policy: USING });
    const guest = await transitGuest(broker);
    for (const path of ["prod/db1/luks", "prod/nothing", "other/nothing"]) {
      expect(await codeOf(guest.use([encryptItem("a")], { path }))).toBe("policy/denied");
    }
  });
});

describe("a token", () => {
  it("of another guest serves nobody who has not its key", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const [mine, other] = [await transitGuest(broker), await transitGuest(broker)];
    expect(await codeOf(mine.use([encryptItem("a")], { token: other.token }))).toBe("admin/unauthorized");
  });

  it("of a guest that policy refuses opens nothing, though another guest's does", async () => {
    const policy = USING.replace(
      'else "the chip is masked"\n  allow "boot" when request.op == unwrap',
      `else "the chip is masked"\n  require report.id == hex"${"71".repeat(32)}"\n  allow "boot" when request.op == unwrap`,
    );
    const broker = await transitBroker("aes-256-gcm", { policy });
    const right = await transitGuest(broker, { reportId: new Uint8Array(32).fill(0x71) });
    const wrong = await transitGuest(broker, { reportId: new Uint8Array(32).fill(0x72) });
    expect(await codeOf(right.use([encryptItem("a")]))).toBe("done");
    expect(await codeOf(wrong.use([encryptItem("a")]))).toBe("policy/denied");
  });

  it("whose decision was revoked, or that ran out, uses nothing", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const [revoked, old] = [await transitGuest(broker), await transitGuest(broker)];
    const [, payload = ""] = revoked.token.split(".");
    const { jti } = JSON.parse(Buffer.from(payload, "base64url").toString());
    await broker.admin.revokeDecision(jti);
    expect(await codeOf(revoked.use([encryptItem("a")]))).toBe("admin/unauthorized");
    expect(await codeOf(old.use([encryptItem("a")]))).toBe("done");
    broker.pass(300);
    expect(await codeOf(old.use([encryptItem("a")]))).toBe("admin/unauthorized");
  });

  it.each([
    ["its facts", (text: string) => text.replace(/"report.chip_id":"../, '"report.chip_id":"00')],
    ["the fact that its entry has too", (text: string) => text.replaceAll("02".repeat(48), "03".repeat(48))],
    ["nothing but a space", (text: string) => `${text} `],
  ])("counts for nothing where the stored decision was altered in %s", async (_, change) => {
    const broker = await transitBroker("aes-256-gcm", {
      change: ({ store }) => ({
        store: {
          ...store,
          decision: async (id) => {
            const found = await store.decision(id);
            return found && { ...found, trace: change(found.trace) };
          },
        },
      }),
    });
    const guest = await transitGuest(broker);
    const before = await sizeOf(broker);
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("admin/unauthorized");
    expect(await sizeOf(broker)).toBe(before);
  });

  it("is as old as it says itself, whatever a row says", async () => {
    let isLying = false;
    const policy = USING.replace("key_version any", "key_version any reattest every 30s");
    const broker = await transitBroker("aes-256-gcm", {
      policy,
      change: ({ store, now }) => ({
        store: {
          ...store,
          decision: async (id) => {
            const found = await store.decision(id);
            return found && isLying ? { ...found, at: now() } : found;
          },
        },
      }),
    });
    const guest = await transitGuest(broker);
    broker.pass(31);
    isLying = true;
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("admin/unauthorized");
  });

  it("counts for nothing where the entry says another channel than the facts", async () => {
    const broker = await transitBroker("aes-256-gcm", {
      change: ({ store }) => ({
        store: {
          ...store,
          decision: async (id) => {
            const found = await store.decision(id);
            if (found?.draft.kind !== "decision") return found;
            return { ...found, draft: { ...found.draft, binding: 2 } };
          },
        },
      }),
    });
    const guest = await transitGuest(broker);
    await broker.admin.changeSecret(KEY, { bindings: [2] });
    expect(await codeOf(guest.use([encryptItem("a")]))).toBe("admin/unauthorized");
  });

  it("is no admin's request, and nobody's", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const path = `/v1/transit/${KEY}/encrypt`;
    const body = encodeTransitRequest({ suite: 1, wrapPub: random(32), items: [encryptItem("a")] });
    expect((await post(broker, path, body)).status).toBe(401);
    const headers = { "content-type": "application/json", authorization: "Bearer x" };
    expect((await broker.app.request(path, { method: "POST", headers, body })).status).toBe(401);
  });
});

/** Sends a use of a guest through a hand that may change it: the last request that carried a nonce. */
async function tampered(
  broker: GuestBroker,
  change: (path: string, init: RequestInit) => readonly [string, RequestInit],
): Promise<{ readonly code: string; readonly sent: readonly Response[] }> {
  const guest = await transitGuest(broker);
  const sent: Response[] = [];
  const fetch = async (path: string, init: RequestInit = {}) => {
    const isChallenged = sent.length > 0; // the first request only fetches the broker's nonce
    const [to, how] = isChallenged ? change(path, init) : [path, init];
    const response = await broker.app.request(to, how);
    sent.push(response.clone());
    return response;
  };
  return { code: await codeOf(guest.use([encryptItem("a", ROW)], { fetch })), sent };
}

describe("a request on its way", () => {
  it("is taken as it was sent", async () => {
    expect(await tampered(await transitBroker("aes-256-gcm"), (path, init) => [path, init])).toMatchObject({
      code: "done",
    });
  });

  it.each<readonly [string, (path: string, init: RequestInit) => readonly [string, RequestInit]]>([
    ["another plaintext", (path, init) => [path, { ...init, body: changed(init, '"YQ"', '"Yg"') }]],
    ["another context", (path, init) => [path, { ...init, body: changed(init, base64UrlOf(ROW), "YQ") }]],
    [
      "the one-use key of whoever stands between",
      (path, init) => [
        path,
        { ...init, body: changed(init, /"wrapPub":"[^"]+"/, `"wrapPub":"${base64UrlOf(random(32))}"`) },
      ],
    ],
    ["another key", (path, init) => [path.replace(KEY, OTHER), init]],
    ["another operation", (path, init) => [path.replace("encrypt", "decrypt"), init]],
  ])("is refused with %s: the proof is about URL and body", async (_, change) => {
    const broker = await transitBroker("aes-256-gcm");
    await broker.admin.putSecret(OTHER, { kind: "transit", type: "aes-256-gcm" });
    const before = await sizeOf(broker);
    expect((await tampered(broker, change)).code).toBe("admin/unauthorized");
    expect(await sizeOf(broker)).toBe(before + 1); // the attestation
  });

  it("is refused by a proof that says no body, and by one of a client that makes none", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    const without = {
      ...guest.key.signer,
      sign: (bytes: Uint8Array) => guest.key.signer.sign(withoutBody(bytes)),
    };
    const key = { jwk: guest.key.jwk, signer: without };
    const fetch = async (path: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      const [head = "", claims = "", signature = ""] = (headers.get("dpop") ?? "").split(".");
      const input = withoutBody(utf8(`${head}.${claims}`));
      headers.set("dpop", `${Buffer.from(input).toString()}.${signature}`);
      return broker.app.request(path, { ...init, headers });
    };
    const trusted = { audience: AUDIENCE, suite: 1, signingKey: broker.world.signer.spki } as const;
    const place = { session: { broker: undefined, fetch }, broker: trusted, key };
    const use = { path: KEY, items: [encryptItem("a")], token: guest.token };
    const parts = { now: broker.world.now, random, primitives: nodePrimitives };
    expect(await codeOf(useTransitKey(use, place, parts))).toBe("admin/unauthorized");
  });

  /** The input of a proof whose claims have no `bh`. */
  function withoutBody(input: Uint8Array): Uint8Array {
    const [head = "", claims = ""] = Buffer.from(input).toString().split(".");
    const { bh: _, ...rest } = JSON.parse(Buffer.from(claims, "base64url").toString());
    return utf8(`${head}.${base64UrlOf(utf8(JSON.stringify(rest)))}`);
  }

  it("counts once: a proof that is sent again is refused", async () => {
    const broker = await transitBroker("aes-256-gcm");
    let kept: readonly [string, RequestInit] | undefined;
    await tampered(broker, (path, init) => {
      kept = [path, init];
      return kept;
    });
    const before = await sizeOf(broker);
    const again = await broker.app.request(...(kept ?? ["/", {}]));
    expect(again.status).toBe(401);
    expect(await sizeOf(broker)).toBe(before);
  });

  function changed({ body }: RequestInit, from: string | RegExp, to: string): string {
    const text = String(body);
    const other = text.replace(from, to);
    if (other === text) throw new Error("expected something to change");
    return other;
  }

  it.each([
    ["%2e%2e", `/v1/transit/prod/%2e%2e/${KEY}/encrypt`],
    ["a slash that is encoded", `/v1/transit/${KEY.replace("/", "%2f")}/encrypt`],
    ["a double slash", `/v1/transit//${KEY}/encrypt`],
    ["a slash at the end", `/v1/transit/${KEY}/encrypt/`],
    ["no key", "/v1/transit/encrypt"],
    ["an operation that there is not", `/v1/transit/${KEY}/export`],
    ["an operation in capitals", `/v1/transit/${KEY}/ENCRYPT`],
    ["the path of a token", "/v1/transit/token/sts/encrypt"],
    ["the resource of attestation", "/v1/transit/attest/encrypt"],
  ])("finds no key under %s", async (_, path) => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    const before = await sizeOf(broker);
    const session = { fetch: async (to: string, init?: RequestInit) => broker.app.request(to, init) };
    const parts = { now: broker.world.now, random, digest: nodePrimitives.digest };
    const body = encodeTransitRequest({ suite: 1, wrapPub: random(32), items: [encryptItem("a")] });
    const use = { audience: AUDIENCE, path, body };
    const held = { token: guest.token, ...guest.key };
    expect(await codeOf(useToken(use, held, { session, parts }))).toMatch(
      /^(request\/malformed|admin\/unauthorized|request\/not-found)$/,
    );
    expect(await sizeOf(broker)).toBe(before);
  });

  it.each([
    ["a plaintext of more than 64 KiB", [encryptItem("a".repeat(65_537))]],
    ["seventeen items", Array.from({ length: 17 }, () => encryptItem("a"))],
    ["no items", []],
    ["a context of more than 4 KiB", [encryptItem("a", new Uint8Array(4097))]],
    [
      "a data key of 65 bytes",
      [{ operation: "datakey", size: 65, context: ROW, isWrappedOnly: false } as const],
    ],
  ])("is refused with %s, before anything is decided", async (_, items) => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    const before = await sizeOf(broker);
    expect(await codeOf(guest.use(items))).toMatch(/^request\/(malformed|too-large)$/);
    expect(await sizeOf(broker)).toBe(before);
  });

  it("may be as large as the limits say", async () => {
    const guest = await transitGuest(await transitBroker("aes-256-gcm"));
    const largest = "a".repeat(65_536);
    const made = madeIn(await guest.use([encryptItem(largest)]));
    expect(textIn(await guest.use([openItem("decrypt", made)]))).toBe(largest);
  });
});

describe("a ciphertext that does not open", () => {
  it("gives one answer, whether key, version, context or bytes are another", async () => {
    const broker = await transitBroker("aes-256-gcm");
    await broker.admin.putSecret(OTHER, { kind: "transit", type: "aes-256-gcm" });
    const guest = await transitGuest(broker);
    const made = madeIn(await guest.use([encryptItem("a", ROW)]));
    await broker.admin.rotateSecret(KEY, {});
    await broker.admin.rotateSecret(KEY, {});
    await broker.admin.changeSecret(KEY, { version: 2, state: "destroyed" });
    const flipped = made.bytes.slice();
    flipped[40] = (flipped[40] ?? 0) ^ 1;
    const tries = [
      [KEY, { ...made, bytes: flipped }, ROW],
      [KEY, { ...made, bytes: made.bytes.slice(0, 8) }, ROW],
      [KEY, made, utf8("row 8")],
      [KEY, { ...made, version: 3 }, ROW],
      [KEY, { ...made, version: 2 }, ROW],
      [KEY, { ...made, version: 99 }, ROW],
      [OTHER, made, ROW],
      ["prod/transit/absent", made, ROW],
    ] as const;
    const answers: string[] = [];
    for (const operation of ["decrypt", "rewrap"] as const) {
      for (const [path, text, context] of tries) {
        const fetch = async (to: string, init: RequestInit = {}) => {
          const response = await broker.app.request(to, init);
          const problem = await response.clone().text();
          if (response.status !== 401) answers.push(problem.replace(/urn:ostiary:[0-9A-Z]{26}/, "id"));
          return response;
        };
        const code = await codeOf(guest.use([openItem(operation, text, context)], { path, fetch }));
        expect([path, code]).toEqual([path, "transit/not-opened"]);
      }
    }
    expect(answers).toHaveLength(2 * tries.length);
    expect(new Set(answers).size).toBe(1);
    expect(textIn(await guest.use([openItem("decrypt", made, ROW)]))).toBe("a");
  });

  it("fails all of a batch, and a second entry says that nothing was given", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    const made = madeIn(await guest.use([encryptItem("a")]));
    const items = [openItem("decrypt", made), openItem("decrypt", made, ROW)];
    expect(await codeOf(guest.use(items))).toBe("transit/not-opened");
    const entries = await ledgerEntries({ from: 0, limit: 200 }, broker.world);
    expect(entries.slice(-2).map(({ kind }) => kind)).toEqual(["decision", "release-failed"]);
  });
});

describe("an answer on its way", () => {
  const USE = [encryptItem("a")] as const;

  it("is refused where any part of it is another", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    for (const member of ["header", "enc", "ct", "sig"] as const) {
      const fetch = answerChanged(broker, ({ decision, sealed }) => ({
        decision,
        sealed: { ...sealed, [member]: sealed[member].map((byte, i) => (i === 9 ? byte ^ 1 : byte)) },
      }));
      expect(await codeOf(guest.use(USE, { fetch }))).toBe("channel/bad-release");
    }
  });

  it("is refused where it is the answer to another use, of this guest or of another key", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    let earlier: ReturnType<typeof decodeTransitAnswer> | undefined;
    await guest.use(USE, {
      fetch: answerChanged(broker, (answer) => {
        earlier = answer;
        return answer;
      }),
    });
    const replayed = answerChanged(broker, (answer) => earlier ?? answer);
    expect(await codeOf(guest.use(USE, { fetch: replayed }))).toBe("channel/bad-release");
  });

  it("is refused by a guest that trusts another broker's key", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const stranger = makeGuestSigner();
    const { primitives, now } = broker.world;
    const guest = await transitGuest(broker);
    const trusted = { audience: AUDIENCE, suite: 1, signingKey: stranger.signer.spki } as const;
    const fetch = async (path: string, init?: RequestInit) => broker.app.request(path, init);
    const place = { session: { broker: undefined, fetch }, broker: trusted, key: guest.key };
    const use = { path: KEY, items: USE, token: guest.token };
    expect(await codeOf(useTransitKey(use, place, { now, random, primitives }))).toBe("channel/bad-release");
  });

  it("holds nothing that whoever carries it can read", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    const made = madeIn(await guest.use([encryptItem("a secret of some length")]));
    let seen = "";
    const fetch = async (path: string, init?: RequestInit) => {
      const response = await broker.app.request(path, init);
      seen += await response.clone().text();
      return response;
    };
    await guest.use([openItem("decrypt", made)], { fetch });
    const secret = utf8("a secret of some length");
    const all = Buffer.from(seen, "base64url");
    for (const form of [hexOf(secret), base64UrlOf(secret), "a secret of some length"]) {
      expect(seen).not.toContain(form);
    }
    expect(all.includes(Buffer.from(secret))).toBe(false);
  });

  function answerChanged(
    broker: GuestBroker,
    change: (answer: ReturnType<typeof decodeTransitAnswer>) => ReturnType<typeof decodeTransitAnswer>,
  ) {
    return async (path: string, init?: RequestInit) => {
      const response = await broker.app.request(path, init);
      if (response.status !== 200) return response;
      const answer = decodeTransitAnswer(new Uint8Array(await response.arrayBuffer()));
      return new Response(encodeTransitAnswer(change(answer)), { headers: response.headers });
    };
  }
});
