/** Does a renewal serve anybody but the guest whose evidence it is, or for longer than that evidence counts? One attack at a time. */
import { describe, expect, it } from "vitest";
import { base64UrlOf } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { createNonceEpochs } from "../../src/broker/nonce-epochs.ts";
import type { World } from "../../src/broker/world.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { type GuestBroker, PATH, random } from "./guest-at-hand.ts";
import {
  claimsIn,
  faultOf,
  OWN,
  RENEWING,
  type RenewGuest,
  renewBroker,
  renewGuest,
  SECRET,
  textIn,
} from "./renew-at-hand.ts";
import { codeOf } from "./transit-at-hand.ts";

const ANEW = "admin/unauthorized";

type Hand = (path: string, init: RequestInit) => Promise<Response>;

function through(guest: RenewGuest, hand: Hand, want = [SECRET]): Promise<string> {
  return codeOf(guest.renew(want, { fetch: (path, init = {}) => hand(path, init) }));
}

async function decisions({ world }: GuestBroker): Promise<number> {
  const entries = await ledgerEntries({ from: 0, limit: 300 }, world);
  return entries.filter(({ kind }) => kind === "decision").length;
}

/** The request that the broker took, as it was sent. */
async function takenBy(broker: GuestBroker, guest: RenewGuest): Promise<[string, RequestInit]> {
  const sent: [string, RequestInit][] = [];
  await through(guest, async (path, init) => {
    sent.push([path, init]);
    return sent.length === 1 ? broker.app.request(path, init) : new Response(null, { status: 503 });
  });
  const last = sent.at(-1);
  if (last === undefined) throw new Error("expected a request");
  return last;
}

describe("a proof", () => {
  it("serves one renewal, however many race with it", async () => {
    const broker = await renewBroker();
    const [path, init] = await takenBy(broker, await renewGuest(broker));
    const before = await decisions(broker);
    const answers = await Promise.all(Array.from({ length: 8 }, () => broker.app.request(path, init)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(401)]);
    expect((await broker.app.request(path, init)).status).toBe(401);
    expect(await decisions(broker)).toBe(before + 1);
  });

  it("is of the token's own key: a stolen token renews nothing", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    expect(await codeOf(guest.renew([OWN], { key: makeGuestSigner() }))).toBe(ANEW);
    expect(faultOf(broker)).toBe("token/bad-proof");
    expect(await codeOf(guest.renew([OWN]))).toBe("done");
  });

  it.each<readonly [string, (body: string) => string]>([
    ["another secret wanted", (body) => body.replace(PATH, "prod/db2/luks")],
    [
      "another one-use key",
      (body) => body.replace(/"wrapPub":"[^"]+"/, `"wrapPub":"${base64UrlOf(random(32))}"`),
    ],
    ["a space more", (body) => `${body} `],
  ])("is of the body: refused with %s", async (_, change) => {
    const broker = await renewBroker();
    const hand: Hand = async (path, init) =>
      broker.app.request(path, { ...init, body: change(String(init.body)) });
    expect(await through(await renewGuest(broker), hand)).toBe(ANEW);
  });

  it("is refused by a proof that says no body", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    const { signer } = guest.key;
    const bodiless = (bytes: Uint8Array): Uint8Array => {
      const [head = "", claims = ""] = new TextDecoder().decode(bytes).split(".");
      const { bh: _, ...rest } = JSON.parse(Buffer.from(claims, "base64url").toString());
      return new TextEncoder().encode(`${head}.${Buffer.from(JSON.stringify(rest)).toString("base64url")}`);
    };
    const sign = (bytes: Uint8Array) => signer.sign(bodiless(bytes));
    const key = { ...guest.key, signer: { ...signer, sign } };
    const fetch = async (path: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      const [head = "", claims = "", sig = ""] = (headers.get("dpop") ?? "").split(".");
      const input = new TextDecoder().decode(bodiless(new TextEncoder().encode(`${head}.${claims}`)));
      headers.set("dpop", `${input}.${sig}`);
      return broker.app.request(path, { ...init, headers });
    };
    expect(await codeOf(guest.renew([SECRET], { key, fetch }))).toBe(ANEW);
    expect(faultOf(broker)).toBe("token/bad-proof");
  });

  it("of another path is none, nor is one of this path for another", async () => {
    const broker = await renewBroker();
    const [, init] = await takenBy(broker, await renewGuest(broker));
    expect((await broker.app.request("/v1/confirm", init)).status).toBe(401);
  });
});

describe("a token", () => {
  it("for another audience renews nothing, whosever key it is bound to", async () => {
    const aud = "https://payments.example";
    const broker = await renewBroker({ policy: RENEWING.replace('"attest"', '"attest", "token/payments"') });
    await broker.admin.addAudience("payments", { aud, isBearer: false });
    const guest = await renewGuest(broker);
    const token = textIn(await guest.renew([{ token: { aud } }]));
    expect([await codeOf(guest.renew([OWN], { token })), faultOf(broker)]).toEqual([ANEW, "token/invalid"]);
  });

  it("counts no more once its first decision is revoked, and no more does what was renewed from it", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    const third = await guest.next(await guest.next());
    await broker.admin.revokeDecision(guest.decision);
    for (const token of [guest.token, third]) expect(await codeOf(guest.renew([OWN], { token }))).toBe(ANEW);
  });

  it("counts no more once any decision that renewed it is revoked: its past and its future", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    const second = await guest.next();
    const third = await guest.next(second);
    await broker.admin.revokeDecision(claimsIn(second).jti);
    for (const token of [guest.token, second, third]) {
      expect(await codeOf(guest.renew([SECRET], { token }))).toBe(ANEW);
    }
    expect(await codeOf((await renewGuest(broker)).renew())).toBe("done"); // new evidence
  });

  it("of a renewal counts on though a secret that was read by it is revoked: no token came of that", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    await broker.admin.revokeDecision((await guest.renew()).decision);
    expect(await codeOf(guest.renew())).toBe("done");
  });

  it.each(["trace", "id"] as const)(
    "is worth nothing where the row of its evidence has another %s",
    async (member) => {
      let lies = false;
      const broker = await renewBroker({
        change: ({ store }) => ({
          store: {
            ...store,
            decision: async (id) => {
              const found = await store.decision(id);
              if (found === undefined || !lies) return found;
              return member === "id"
                ? undefined
                : { ...found, trace: found.trace.replace('"vmpl":0', '"vmpl":1') };
            },
          },
        }),
      });
      const guest = await renewGuest(broker);
      const token = await guest.next();
      lies = true;
      expect([await codeOf(guest.renew([SECRET], { token })), faultOf(broker)]).toEqual([
        ANEW,
        "token/invalid",
      ]);
    },
  );

  it("whose own decision is gone, as after a restore, is worth nothing", async () => {
    const gone = new Set<string>();
    const broker = await renewBroker({
      change: ({ store }) => ({
        store: { ...store, decision: async (id) => (gone.has(id) ? undefined : store.decision(id)) },
      }),
    });
    const guest = await renewGuest(broker);
    const token = await guest.next();
    gone.add(claimsIn(token).jti);
    expect([await codeOf(guest.renew([SECRET], { token })), faultOf(broker)]).toEqual([
      ANEW,
      "token/invalid",
    ]);
    expect(await codeOf(guest.renew())).toBe("done");
  });
});

describe("evidence calls for new evidence", () => {
  const WORN = [ANEW, "token/wants-evidence"];

  async function worn(change: (world: World, isWorn: () => boolean) => Partial<World>) {
    let isWorn = false;
    const broker = await renewBroker({ change: (world) => change(world, () => isWorn) });
    const guest = await renewGuest(broker);
    expect(await codeOf(guest.renew())).toBe("done");
    isWorn = true;
    return [await codeOf(guest.renew([SECRET], { signingKey: broker.world.signer.spki })), faultOf(broker)];
  }

  it("once the nonces of its epoch count no more, as after a restore", async () => {
    const codes = await worn(({ nonceKeys, now, kek }, isWorn) => {
      const parts = { random, primitives: nodePrimitives, now, kek, audience: AUDIENCE, tenant: "" };
      const restored = createNonceEpochs({ ...parts, store: createMemoryStore(), lifetimeSeconds: 60 });
      return { nonceKeys: () => (isWorn() ? restored() : nonceKeys()) };
    });
    expect(codes).toEqual(WORN);
  });

  it("once the broker signs by another key", async () => {
    const other = makeGuestSigner().signer;
    const codes = await worn(({ signer }, isWorn) => ({
      signer: {
        ...signer,
        get spki() {
          return isWorn() ? other.spki : signer.spki;
        },
      },
    }));
    expect(codes).toEqual(WORN);
  });

  it("once a CRL of a higher number was seen, which it has not passed", async () => {
    const codes = await worn(({ trust }, isWorn) => ({
      trust: { ...trust, lowestCrlNumber: () => (isWorn() ? 2n : 1n) },
    }));
    expect(codes).toEqual(WORN);
  });

  it("where its token does not say how old it is, as those of an earlier broker", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    const { current } = await broker.world.tokenKeys.keys();
    const [head = "", payload = ""] = guest.token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    claims.ostiary.evidence = undefined;
    const input = `${head}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
    const token = `${input}.${base64UrlOf(await current.signer.sign(new TextEncoder().encode(input)))}`;
    expect([await codeOf(guest.renew([SECRET], { token })), faultOf(broker)]).toEqual(WORN);
  });
});

describe("a renewal", () => {
  it("is refused at a listener that does not serve the binding of the evidence", async () => {
    const offered: (1 | 2 | 3)[] = [3];
    const broker = await renewBroker({ edge: { offered } });
    const guest = await renewGuest(broker);
    offered.splice(0, 1, 2);
    expect(await codeOf(guest.renew())).toBe("channel/wrong-listener");
  });

  it("gives no secret that is not for the binding of the evidence", async () => {
    const broker = await renewBroker();
    await broker.admin.changeSecret(PATH, { bindings: [2] });
    expect(await codeOf((await renewGuest(broker)).renew())).toBe("policy/denied");
  });

  it("gives no admin anything", async () => {
    const broker = await renewBroker();
    const [, { body }] = await takenBy(broker, await renewGuest(broker));
    const headers = { "content-type": "application/json", authorization: "Bearer x" };
    expect(
      (await broker.app.request("/v1/renew", { method: "POST", headers, body: String(body) })).status,
    ).toBe(401);
  });

  it.each<readonly [string, number, string]>([
    ["nothing wanted", 400, '"want":[]'],
    [
      "seventeen things wanted",
      400,
      `"want":[${Array.from({ length: 17 }, (_, i) => `{"secret":"a/${i}"}`).join(",")}]`,
    ],
    ["one path twice", 400, '"want":[{"secret":"a/b"},{"secret":"a/b","version":1}]'],
    ["a member that nobody knows", 400, '"more":1,"want":[{"secret":"a/b"}]'],
  ])("is refused with %s, once its proof is good", async (_, status, other) => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    const { useToken } = await import("../../src/client/token-use.ts");
    const wrapPub = base64UrlOf(await nodePrimitives.publicKeyOf("x25519", random(32)));
    const body = `{"v":1,"suite":1,"wrapPub":"${wrapPub}",${other}}`;
    const statuses: number[] = [];
    const fetch = async (path: string, init?: RequestInit) => {
      const answer = await broker.app.request(path, init);
      statuses.push(answer.status);
      return answer;
    };
    const parts = { now: broker.world.now, random, digest: nodePrimitives.digest };
    const use = { audience: AUDIENCE, path: "/v1/renew", body };
    await codeOf(useToken(use, { token: guest.token, ...guest.key }, { session: { fetch }, parts }));
    expect(statuses.at(-1)).toBe(status);
  });
});

describe("an answer to a renewal", () => {
  it("of another request is not opened: neither one before it nor that of another guest", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    let kept: string | undefined;
    const hand: Hand = async (path, init) => {
      const answer = await broker.app.request(path, init);
      if (answer.status !== 200) return answer;
      const text = await answer.text();
      kept ??= text;
      return new Response(kept, { status: 200 });
    };
    expect(await through(guest, hand)).toBe("done");
    expect(await through(guest, hand)).toBe("channel/bad-release");
    expect(await through(await renewGuest(broker), hand)).toBe("channel/bad-release");
  });

  it("by another key than the pinned one is not opened", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    const { spki } = makeGuestSigner().signer;
    expect(await codeOf(guest.renew([SECRET], { signingKey: spki }))).toBe("channel/bad-release");
  });

  it("with a token in the place of a secret, or a secret in that of a token, is not opened", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    const swapped: Hand = async (path, init) => {
      const answer = await broker.app.request(path, init);
      if (answer.status !== 200) return answer;
      const told = JSON.parse(await answer.text());
      return new Response(JSON.stringify({ ...told, releases: told.releases.toReversed() }), { status: 200 });
    };
    expect(await through(guest, swapped, [SECRET, OWN])).toBe("channel/bad-release");
  });
});

describe("the end of evidence", () => {
  it("is the earlier one of its certificate's and its CRL's", async () => {
    const { evidenceMarkOf } = await import("../../src/broker/evidence-term.ts");
    const broker = await renewBroker();
    const [now, authorization] = [broker.world.now(), { decisionId: "a", entry: { trace_hash: "b" } }];
    const until = (notAfter: number, nextUpdate: number) => {
      const bound = {
        endorsement: { notAfter: instant(notAfter) },
        revocation: { nextUpdate: instant(nextUpdate) },
      };
      return evidenceMarkOf(bound as never, authorization as never, now, broker.world).until;
    };
    expect([until(5, 9), until(9, 5)]).toEqual([5, 5]);
  });
});
