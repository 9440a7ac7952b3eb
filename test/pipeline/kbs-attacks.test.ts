/** Is the older door as tight as ours? What other KBSs got wrong, one test a row, and what an attacker would try at this one. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { decodeJwt, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { addSeconds } from "../../src/base/time.ts";
import { heldDecisionOf } from "../../src/broker/held-decision.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { createNonceEpochs } from "../../src/broker/nonce-epochs.ts";
import { signedJws } from "../../src/broker/tokens.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEs256Signer, generateEs256Pem } from "../../src/runtime/node/signers.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { decodeTokenClaims } from "../../src/wire/token.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { namedReport } from "../support/sev-crate-json.ts";
import { attemptOf, type GuestBroker, makeLive, POLICY, post, random } from "./guest-at-hand.ts";
import {
  ask,
  attest,
  attestationOf,
  attestedGuest,
  byCookie,
  byToken,
  errorOf,
  KBS_PATH,
  KBS_POLICY,
  kbsBroker,
  opened,
  openSession,
  teeKey,
} from "./kbs-at-hand.ts";

/** The fault behind a no, as the operator finds it; `undefined` where nothing was written of it. */
async function faultOf(broker: GuestBroker, answer: Response): Promise<string> {
  const id = /urn:ostiary:([0-9A-Z]{26})/.exec(await answer.text())?.[1] ?? "";
  try {
    const told = await broker.admin.decision(id);
    return told.kind === "refusal" ? told.code : `decision ${String(told.entry["code"])}`;
  } catch {
    return "nothing";
  }
}

const read = (broker: GuestBroker, path = KBS_PATH, init: Parameters<typeof ask>[3] = {}) =>
  ask(broker, "GET", `resource/${path}`, init);

describe("a session is attested once", () => {
  it("and a second attestation is refused, whatever it shows: no old token without evidence", async () => {
    const broker = await kbsBroker();
    for (const version of ["0.4.0", "0.2.0"] as const) {
      const session = await openSession(broker, version);
      const key = teeKey();
      expect((await attest(broker, session, { key })).status).toBe(200);
      const again = await attest(broker, session, { key });
      expect(await errorOf(again.clone())).toEqual([401, "AttestationError"]);
      expect(await again.text()).not.toContain("token");
    }
  });

  it("by one of two who race for it", async () => {
    const broker = await kbsBroker();
    for (const version of ["0.4.0", "0.2.0"] as const) {
      const session = await openSession(broker, version);
      const size = await broker.world.store.ledgerSize();
      const bodies = Array.from({ length: 8 }, () => attestationOf(broker, session, { key: teeKey() }));
      const headers = { cookie: session.cookie };
      const answers = await Promise.all(
        bodies.map((body) => ask(broker, "POST", "attest", { body, headers })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(401)]);
      expect(await broker.world.store.ledgerSize()).toBe(size + 1);
    }
  });

  it("also where the policy said no: the nonce is spent with the decision", async () => {
    const broker = await kbsBroker();
    const session = await openSession(broker);
    const other = { report: { measurement: new Uint8Array(48).fill(9) } };
    expect(await errorOf(await attest(broker, session, other))).toEqual([401, "PolicyDeny"]);
    expect(await faultOf(broker, await attest(broker, session))).toBe("nonce/spent");
  });

  it("within the life of its nonce", async () => {
    const broker = await kbsBroker();
    for (const version of ["0.4.0", "0.2.0"] as const) {
      const session = await openSession(broker, version);
      broker.pass(66);
      expect(await errorOf(await attest(broker, session))).toEqual([401, "AttestationError"]);
    }
  });
});

describe("evidence of another exchange is refused", () => {
  it("over another nonce, another key, another algorithm of the same key, or other devices", async () => {
    const broker = await kbsBroker();
    const key = teeKey();
    const swapped = { ...key.jwk, alg: "ECDH-ES+A128KW" };
    for (const hashed of [
      { nonce: Buffer.from(random(48)).toString("base64") },
      { "tee-pubkey": teeKey().jwk },
      { "tee-pubkey": swapped },
      { "additional-evidence": '{"nvidia":{}}' },
      { extra: "member" },
    ]) {
      const answer = await attest(broker, await openSession(broker), { key, hashed });
      expect(await faultOf(broker, answer), JSON.stringify(hashed)).toBe("channel/not-bound");
    }
  });

  it("with only the first half of the hash, and with what is not zero behind it", async () => {
    const broker = await kbsBroker();
    for (const patchBefore of [
      (report: Uint8Array) => void report.fill(0, 0x68, 0x80),
      (report: Uint8Array) => void report.fill(1, 0x80, 0x81),
      (report: Uint8Array) => void report.fill(1, 0x8f, 0x90),
    ]) {
      const answer = await attest(broker, await openSession(broker), { report: { patchBefore } });
      expect(await faultOf(broker, answer)).toBe("channel/not-bound");
    }
  });

  it("hung on the session of somebody else", async () => {
    const broker = await kbsBroker();
    for (const version of ["0.4.0", "0.2.0"] as const) {
      const [mine, other] = [await openSession(broker, version), await openSession(broker, version)];
      const answer = await attest(broker, { ...mine, cookie: other.cookie });
      expect(await errorOf(answer)).toEqual([401, "AttestationError"]);
      expect((await attest(broker, other)).status).toBe(200);
    }
  });

  it("with a nonce of /v1, and /v1 takes no nonce of a session", async () => {
    const broker = await kbsBroker();
    const challenge = await broker.app.request("/v1/challenge", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"binding":3}',
    });
    const { nonce }: { nonce: string } = JSON.parse(await challenge.text());
    const bytes = Buffer.from(nonce, "base64url");
    const cookie = `kbs-session-id=${bytes.subarray(8, 24).toString("hex")}`;
    const session = { version: "0.4.0", cookie, nonce: bytes.toString("base64") } as const;
    expect(await errorOf(await attest(broker, session))).toEqual([401, "AttestationError"]);
  });

  it("at another VMPL, though the policy names none", async () => {
    const broker = await kbsBroker({ policy: KBS_POLICY.replace("  require vmpl == 0\n", "") });
    for (const vmpl of [1, 2, 3]) {
      const answer = await attest(broker, await openSession(broker), { report: { vmpl } });
      expect(await faultOf(broker, answer)).toBe("channel/not-bound");
    }
  });

  it("whose nonce is written another way than it was sent", async () => {
    const broker = await kbsBroker();
    const session = await openSession(broker);
    for (const nonce of [`${session.nonce}=`, `${session.nonce}\n`, session.nonce.slice(1), ""]) {
      expect((await attest(broker, session, { runtime: { nonce } })).status).toBe(401);
    }
    expect((await attest(broker, session)).status).toBe(200);
  });
});

describe("a stranger writes nothing", () => {
  it("by sessions that nobody opened, of either protocol", async () => {
    const broker = await kbsBroker();
    const size = await broker.world.store.ledgerSize();
    const nonce = Buffer.from(random(48)).toString("base64");
    for (const version of ["0.4.0", "0.2.0"] as const) {
      for (const id of [Buffer.from(random(16)).toString("hex"), "00".repeat(16), "ff".repeat(16)]) {
        const answer = await attest(broker, { version, cookie: `kbs-session-id=${id}`, nonce });
        expect(await faultOf(broker, answer)).toBe("nothing");
      }
    }
    expect(await broker.world.store.ledgerSize()).toBe(size);
  });

  it("by a session of 0.2.0 that was thought up as ours are made: its MAC is in no report", async () => {
    const broker = await kbsBroker();
    const real = await openSession(broker, "0.2.0");
    const told = Buffer.from(real.cookie.slice("kbs-session-id=".length), "hex");
    const thought = Buffer.concat([told.subarray(0, 5), random(11)]).toString("hex");
    const answer = await attest(broker, { ...real, cookie: `kbs-session-id=${thought}` });
    expect(await errorOf(answer.clone())).toEqual([401, "AttestationError"]);
    expect(await faultOf(broker, answer)).toBe("nothing");
  });

  it("nor asks AMD or has a signature checked", async () => {
    const asked: string[] = [];
    const broker = await kbsBroker({
      change: ({ primitives, endorsementsFor }) => ({
        endorsementsFor: async (...args) => {
          asked.push("endorsements");
          return endorsementsFor(...args);
        },
        primitives: {
          ...primitives,
          verify: async (scheme, ...rest) => {
            if (scheme === "ecdsa-p384-sha384") asked.push(scheme);
            return primitives.verify(scheme, ...rest);
          },
        },
      }),
    });
    const session = await openSession(broker);
    await attest(broker, { ...session, nonce: Buffer.from(random(48)).toString("base64") });
    await attest(broker, session, { hashed: { nonce: "another" } });
    await attest(broker, await openSession(broker, "0.2.0"), { hashed: { nonce: "another" } });
    expect(asked).toEqual([]);
  });

  it("by asking for sessions: ten a second are given, more are told to wait, and nothing is kept of them", async () => {
    const broker = await kbsBroker();
    for (let i = 0; i < 10; i += 1) await openSession(broker);
    const answer = await ask(broker, "POST", "auth", { body: '{"version":"0.4.0","tee":"snp"}' });
    expect(answer.headers.get("retry-after")).toBe("1");
    expect((await errorOf(answer))[0]).toBe(429);
  });
});

describe("no policy, no release", () => {
  it("of a guest whose evidence is genuine, where no policy is live", async () => {
    const broker = await kbsBroker({ policy: null });
    expect(await errorOf(await attest(broker, await openSession(broker)))).toEqual([401, "PolicyDeny"]);
  });

  it("where the policy is one for our own bindings", async () => {
    const broker = await kbsBroker({
      policy: POLICY.replace("platform bare-metal", "require request.channel == application"),
    });
    const answer = await attest(broker, await openSession(broker));
    expect(await faultOf(broker, answer)).toBe("decision require-failed");
  });

  it("to a guest that may be debugged", async () => {
    const broker = await kbsBroker();
    const answer = await attest(broker, await openSession(broker), { report: { policy: 0xb_0000n } });
    expect(await faultOf(broker, answer)).toBe("decision require-failed");
  });

  it("where a policy asks for a way to seal: this exchange has none of them", async () => {
    const policy = KBS_POLICY.replace("token_ttl 5m", "token_ttl 5m wrap hpke-x25519");
    const broker = await kbsBroker({ policy });
    expect(await faultOf(broker, await attest(broker, await openSession(broker)))).toBe("decision denied");
  });

  it("of a secret whose own bindings leave this exchange out", async () => {
    const broker = await kbsBroker();
    await broker.admin.changeSecret(KBS_PATH, { bindings: [3] });
    const guest = await attestedGuest(broker);
    expect(await faultOf(broker, await read(broker, KBS_PATH, byCookie(guest)))).toBe(
      "decision wrong-binding",
    );
  });

  it("of a path that the policy does not name, and a path has one name for policy and store", async () => {
    const broker = await kbsBroker();
    await broker.admin.putSecret("other/key/1", { kind: "static", plaintext: random(8) });
    const guest = await attestedGuest(broker);
    expect(await errorOf(await read(broker, "other/key/1", byCookie(guest)))).toEqual([401, "PolicyDeny"]);
    expect(await errorOf(await read(broker, "other/key/2", byCookie(guest)))).toEqual([401, "PolicyDeny"]);
  });

  it("beyond a limit, which counts guests of every door", async () => {
    const policy = KBS_POLICY.replace(
      "on release { token_ttl 5m }",
      "on release { token_ttl 5m max_releases 2 per report.chip_id within 24h }",
    )
      .replace('for resource "default/**", "attest"', 'for resource "default/**"')
      .replace("require vmpl == 0", "require has report.chip_id");
    const both = `${policy}policy attest {
  for resource "attest"
  allow "all" when all { request.channel == kbs, not guest.debug }
  on release { token_ttl 5m }
}
`;
    const broker = await kbsBroker({ policy: both });
    const guest = await attestedGuest(broker);
    const answers = [];
    for (let i = 0; i < 3; i += 1) answers.push(await read(broker, KBS_PATH, byCookie(guest))); // in order: a counter
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401]);
    expect(await errorOf(answers[2] ?? new Response())).toEqual([401, "PolicyDeny"]);
  });
});

const TRICKS = [
  "default/key/../../prod/db1/luks",
  "default/key/..",
  "default/key/.",
  "./default/key",
  "default/key",
  "default/key/1/2",
  "default//1",
  "/default/key/1",
  "default/key/1/",
  "default%2fkey%2f1",
  "default/key%2f1/x",
  "default/%2e%2e/1",
  "default/key/%31",
  "default/key/.hidden",
  "default/key/1%00",
  "default/key/schlüssel",
  "default/key/ｅ",
  "default/key/a b",
  "default/key/a+b",
  "default/key/a;b",
  "default/key/a:b",
  "token/key/1",
  "attest",
  "",
  `default/key/${"a".repeat(200)}`,
  `${"a".repeat(300)}/key/1`,
];

describe("a path that plays tricks", () => {
  it("names nothing, to a guest that was attested", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker);
    const size = await broker.world.store.ledgerSize();
    for (const path of TRICKS) {
      const answer = await read(broker, path, byCookie(guest)); // in order: each by itself
      expect(answer.status === 404 || answer.status === 401, path).toBe(true);
      expect(await answer.text(), path).not.toContain("ciphertext");
    }
    // `..` is taken out by whoever writes the URL, so that these two were asked for as other paths, and decided.
    expect((await broker.world.store.ledgerSize()) - size).toBeLessThanOrEqual(2);
  });

  it("has the same answer as any other for a stranger: whoever was not attested learns of no path", async () => {
    const broker = await kbsBroker();
    for (const path of [...TRICKS, KBS_PATH, "default/key/unknown", "prod/db1/luks"]) {
      expect(await errorOf(await read(broker, path)), path).toEqual([401, "TokenNotFound"]);
    }
  });

  it("of any text is never an error of ours", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker);
    await fc.assert(
      fc.asyncProperty(fc.webPath(), fc.boolean(), async (path, isKnown) => {
        const answer = await read(broker, path.slice(1), isKnown ? byCookie(guest) : {});
        expect([401, 404]).toContain(answer.status);
      }),
      { numRuns: 40 },
    );
  });
});

describe("a resource that is not there", () => {
  it("is said to be not there to a guest that could have had it, so that its client stops", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker);
    expect(await errorOf(await read(broker, "default/key/unknown", byCookie(guest)))).toEqual([
      404,
      "PluginInternalError",
    ]);
  });

  it("is denied to any other, as one that is there", async () => {
    const broker = await kbsBroker();
    await broker.admin.putSecret("prod/key/1", { kind: "static", plaintext: random(8) });
    const guest = await attestedGuest(broker);
    const [there, missing] = [
      await errorOf(await read(broker, "prod/key/1", byCookie(guest))),
      await errorOf(await read(broker, "prod/key/2", byCookie(guest))),
    ];
    expect(there).toEqual([401, "PolicyDeny"]);
    expect(missing).toEqual(there);
  });

  it("of a plugin that is not here ends the client's attempts too", async () => {
    const broker = await kbsBroker();
    for (const path of ["nebula-ca/credential?name=a", "pkcs11/resource/a/b/c", "sample/x", "external/y"]) {
      expect(await errorOf(await ask(broker, "GET", path)), path).toEqual([404, "PluginNotFound"]);
    }
  });
});

describe("a key that nothing may be sealed to", () => {
  const point = teeKey().jwk;
  const rsa = teeKey("RSA").jwk;
  const rows: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ["RSA1_5", { ...rsa, alg: "RSA1_5" }],
    ["RSA-OAEP with SHA-1", { ...rsa, alg: "RSA-OAEP" }],
    ["RSA with the exponent 1", { ...rsa, e: "AQ" }],
    ["RSA of 1024 bits", { ...rsa, n: Buffer.from(random(128)).toString("base64url") }],
    ["P-384", { ...point, crv: "P-384" }],
    ["a point off the curve", { ...point, y: Buffer.from(random(32)).toString("base64url") }],
    ["direct agreement", { ...point, alg: "ECDH-ES" }],
    ["a symmetric key", { kty: "oct", k: "AAAA", alg: "A256KW" }],
    ["ML-KEM", { kty: "AKP", alg: "ML-KEM-768+A192KW", pub: "AAAA" }],
  ];
  it.each(rows)("is refused before a use is spent on it: %s", async (_name, jwk) => {
    const broker = await kbsBroker();
    const session = await openSession(broker);
    const answer = await attest(broker, session, { key: { ...teeKey(), jwk } });
    expect(answer.status).toBe(401);
    expect((await attest(broker, session)).status).toBe(200); // the control: the nonce is still good
  });
});

describe("machines and versions that are not served", () => {
  it("are refused by name, and a sample never attests", async () => {
    const broker = await kbsBroker();
    for (const tee of [
      "sample",
      "sampledevice",
      "tdx",
      "az-tdx-vtpm",
      "sgx",
      "cca",
      "se",
      "csv",
      "SNP",
      "sev",
    ]) {
      const answer = await ask(broker, "POST", "auth", { body: JSON.stringify({ version: "0.4.0", tee }) });
      broker.pass(1);
      expect(await answer.clone().text()).toContain(`received ${tee}`);
      expect(await errorOf(answer)).toEqual([401, "AttestationError"]);
    }
  });

  it("are told which versions are spoken, in the words that clients look for", async () => {
    const broker = await kbsBroker();
    for (const version of ["0.1.0", "0.1.1", "0.3.0", "0.4.1", "1.0.0", "0.4"]) {
      const answer = await ask(broker, "POST", "auth", { body: JSON.stringify({ version, tee: "snp" }) });
      expect(await answer.text()).toContain(
        `KBS Client Protocol Version Mismatch: expect =0.4.0 or =0.2.0 while the request is ${version}`,
      );
    }
  });

  it("and a session of 0.4.0 takes no body of 0.2.0, whose hash says less", async () => {
    const broker = await kbsBroker();
    const session = await openSession(broker, "0.4.0");
    expect((await attest(broker, { ...session, version: "0.2.0" })).status).toBe(401);
    const off = await kbsBroker({ kbs: { versions: ["0.4.0"] } });
    const older = await openSession(off, "0.4.0");
    expect(await errorOf(await attest(off, { ...older, version: "0.2.0" }))).toEqual([
      401,
      "AttestationError",
    ]);
  });
});

describe("a report in JSON", () => {
  it("keeps integers beyond 2^53 exactly: a signature holds over each bit", async () => {
    const launchMitigations = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0x80]);
    const fields = { launchMitigations, currentMitigations: launchMitigations };
    const broker = await kbsBroker({
      product: "turin",
      policy: KBS_POLICY.replace("  platform bare-metal\n", "").replace(
        "  require endorsement.crl_age <= 24h\n",
        "",
      ),
    });
    const answer = await attest(broker, await openSession(broker), { report: { fields } });
    expect(await answer.clone().text()).toContain("token");
    const wide = await attest(broker, await openSession(broker), {
      report: { fields },
      reportJson: (report) => ({ ...namedReport(report), launch_mit_vector: 9_223_372_036_854_775_808n }),
    });
    expect(await faultOf(broker, wide)).toBe("evidence/bad-signature");
  });

  it("with a member that nobody knows, or a byte that is none, is refused", async () => {
    const broker = await kbsBroker();
    for (const change of [
      { extra: 1 },
      { version: 3.5 },
      { vmpl: -1 },
      { chip_id: [256] },
      { policy: "1" },
    ]) {
      const reportJson = (report: Uint8Array) => ({ ...namedReport(report), ...change });
      const answer = await attest(broker, await openSession(broker), { reportJson });
      expect(answer.status, JSON.stringify(change)).toBe(401);
      broker.pass(1);
    }
  });

  it("of any bytes is refused, and never an error of ours", async () => {
    const broker = await kbsBroker();
    const { cookie } = await openSession(broker);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (body) => {
        const answer = await ask(broker, "POST", "attest", { body, headers: { cookie } });
        expect(await errorOf(answer)).toEqual([401, expect.any(String)]);
      }),
      { numRuns: 60 },
    );
  });

  it("of a body that is too large is refused while it is read", async () => {
    const broker = await kbsBroker();
    const { cookie } = await openSession(broker);
    const answer = await ask(broker, "POST", "attest", {
      body: " ".repeat(256 * 1024 + 1),
      headers: { cookie },
    });
    expect((await errorOf(answer))[0]).toBe(413);
  });
});

describe("init-data that is not the guest's", () => {
  it("is refused, spends nothing and is no decision", async () => {
    const broker = await kbsBroker();
    const session = await openSession(broker);
    const body = 'algorithm = "sha256"\n[data]\n';
    const cut = createHash("sha512").update(body).digest().subarray(0, 32);
    const good = { report: { hostData: new Uint8Array(cut) } };
    const size = await broker.world.store.ledgerSize();
    for (const text of [`${body} `, "", body.toUpperCase()]) {
      const answer = await attest(broker, session, { ...good, initData: { format: "toml", body: text } });
      expect(await faultOf(broker, answer)).toBe("kbs/init-data");
    }
    expect((await attest(broker, session, { ...good, initData: { format: "json", body } })).status).toBe(401);
    expect(await broker.world.store.ledgerSize()).toBe(size);
    expect((await attest(broker, session, { ...good, initData: { format: "toml", body } })).status).toBe(200);
  });
});

describe("a token", () => {
  it("counts no more after its end, or its revocation", async () => {
    const broker = await kbsBroker();
    const late = await attestedGuest(broker);
    broker.pass(301);
    expect(await errorOf(await read(broker, KBS_PATH, byToken(late)))).toEqual([401, "TokenVerifierError"]);
    expect(await errorOf(await read(broker, KBS_PATH, byCookie(late)))).toEqual([401, "TokenNotFound"]);

    const revoked = await attestedGuest(broker);
    await broker.admin.revokeDecision(String(decodeJwt(revoked.token).jti));
    for (const shown of [byToken(revoked), byCookie(revoked)]) {
      expect(await errorOf(await read(broker, KBS_PATH, shown))).toEqual([401, "TokenVerifierError"]);
    }
  });

  it("counts no more once the nonces of its epoch do not, as after a restore, or the broker's key is another", async () => {
    const worn = { isRestored: false, isOther: false };
    const other = createEs256Signer("broker-2", generateEs256Pem());
    const broker = await kbsBroker({
      change: ({ nonceKeys, signer, now, kek }) => {
        const parts = { random, primitives: nodePrimitives, now, kek, audience: AUDIENCE, tenant: "" };
        const restored = createNonceEpochs({ ...parts, store: createMemoryStore(), lifetimeSeconds: 60 });
        return {
          nonceKeys: () => (worn.isRestored ? restored() : nonceKeys()),
          signer: {
            ...signer,
            get spki() {
              return worn.isOther ? other.spki : signer.spki;
            },
          },
        };
      },
    });
    const guest = await attestedGuest(broker);
    for (const change of [{ isRestored: true }, { isRestored: false, isOther: true }]) {
      Object.assign(worn, change);
      for (const shown of [byToken(guest), byCookie(guest)]) {
        expect(await errorOf(await read(broker, KBS_PATH, shown))).toEqual([401, "TokenVerifierError"]);
      }
    }
    worn.isOther = false;
    expect((await read(broker, KBS_PATH, byCookie(guest))).status).toBe(200);
  });

  it("is judged by the policy that is live when a resource is asked for", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker);
    expect((await read(broker, KBS_PATH, byCookie(guest))).status).toBe(200);
    await makeLive(
      broker,
      KBS_POLICY.replace("version 1.0.0", "version 1.1.0").replace("02".repeat(48), "03".repeat(48)),
      2,
    );
    expect(await errorOf(await read(broker, KBS_PATH, byCookie(guest)))).toEqual([401, "PolicyDeny"]);
  });

  it("that somebody else signed, with its key in the header, is nobody's", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker);
    const { privateKey, jwk } = teeKey();
    const claims = decodeJwt(guest.token);
    const { alg: _alg, ...bare } = jwk;
    const header = { alg: "ES256", typ: "JWT", jwk: { ...bare, alg: "ES256" } } as const;
    for (const kid of [
      "token-1",
      "broker-1",
      String(JSON.parse(Buffer.from(guest.token.split(".")[0] ?? "", "base64url").toString()).kid),
    ]) {
      const forged = await new SignJWT(claims).setProtectedHeader({ ...header, kid }).sign(privateKey);
      expect(await errorOf(await read(broker, KBS_PATH, byToken({ ...guest, token: forged })))).toEqual([
        401,
        "TokenVerifierError",
      ]);
    }
    const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${guest.token.split(".")[1] ?? ""}.AA`;
    expect((await read(broker, KBS_PATH, byToken({ ...guest, token: none }))).status).toBe(401);
  });

  it("of /v1 opens nothing here, and one of the KBS nothing at /v1", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker);
    for (const [path, scheme] of [
      ["/v1/renew", "DPoP"],
      ["/v1/confirm", "DPoP"],
      ["/v1/transit/default/key/1/sign", "DPoP"],
      ["/v1/renew", "Bearer"],
    ] as const) {
      const answer = await broker.app.request(path, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: `${scheme} ${guest.token}`,
          dpop: guest.token,
        },
        body: "{}",
      });
      expect(answer.status, path).toBe(401);
    }
  });

  it("that we signed for another door is none here, whatever its form, and the decision behind it serves its own door", async () => {
    const policy = KBS_POLICY.replace("  require request.channel == kbs\n", "");
    const broker = await kbsBroker({ policy });
    const guest = await attestedGuest(broker);
    const claims = decodeJwt(guest.token);
    const { current } = await broker.world.tokenKeys.keys();
    const header = JSON.parse(Buffer.from(guest.token.split(".")[0] ?? "", "base64url").toString());
    const signed = (changes: object) =>
      signedJws(header, { ...JSON.parse(JSON.stringify(claims)), ...changes }, current.signer);
    const shown = async (changes: object) =>
      read(broker, KBS_PATH, byToken({ ...guest, token: await signed(changes) }));
    expect((await shown({})).status).toBe(200); // the control: it is the claims that decide
    for (const aud of [AUDIENCE, `${AUDIENCE}/kbs/v1`, "https://other.example/kbs/v0"]) {
      expect(await errorOf(await shown({ aud })), aud).toEqual([401, "TokenVerifierError"]);
    }
    const cnf = { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "A".repeat(43) } as const;
    const { body } = await attemptOf(broker, { claims: { want: [], cnf } });
    const own = decodeJwt(JSON.parse(await (await post(broker, "/v1/attest", body)).text()).token);
    const { jti, ostiary } = own;
    expect(await errorOf(await shown({ jti, ostiary, eat_nonce: own["eat_nonce"] }))).toEqual([
      401,
      "TokenVerifierError",
    ]);
    const held = decodeTokenClaims(utf8(JSON.stringify(claims)));
    await expect(heldDecisionOf({ jkt: "", claims: held }, broker.world)).rejects.toMatchObject({
      code: "token/invalid",
    });
  });

  it("put into the row of another session by whoever writes the database opens nothing by that cookie", async () => {
    const broker = await kbsBroker();
    const [mine, other] = [await attestedGuest(broker), await openSession(broker)];
    const id = other.cookie.slice("kbs-session-id=".length);
    await broker.world.store.keepKbsSession({
      id,
      token: mine.token,
      until: addSeconds(broker.world.now(), 300),
    });
    expect(await errorOf(await read(broker, KBS_PATH, byCookie(other)))).toEqual([401, "TokenVerifierError"]);
    expect((await read(broker, KBS_PATH, byCookie(mine))).status).toBe(200);
  });

  it("shown by somebody who has not the guest's key gets an answer that nobody else opens", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker);
    const answer = await read(broker, KBS_PATH, byToken(guest));
    await expect(opened(answer.clone(), teeKey())).rejects.toThrow();
    expect(await opened(answer, guest.key)).not.toBe("");
  });

  it("with another key in it is no token of ours", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker);
    const [header = "", payload = "", signature = ""] = guest.token.split(".");
    const claims = Buffer.from(payload, "base64url").toString();
    const changed = claims.replace(String(guest.key.jwk["x"]), String(teeKey().jwk["x"]));
    expect(changed).not.toBe(claims);
    const token = `${header}.${Buffer.from(changed).toString("base64url")}.${signature}`;
    expect(await errorOf(await read(broker, KBS_PATH, byToken({ ...guest, token })))).toEqual([
      401,
      "TokenVerifierError",
    ]);
  });
});

describe("cookies", () => {
  it("that are two, or none of ours, are no session", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker);
    const id = guest.cookie.slice("kbs-session-id=".length);
    for (const cookie of [
      `${guest.cookie}; ${guest.cookie}`,
      `kbs-session-id=${id.toUpperCase()}`,
      `kbs-session-id=${id}0`,
      `kbs-session-id="${id}"`,
      `KBS-SESSION-ID=${id}`,
      `other=${id}`,
      "",
    ]) {
      const answer = await read(broker, KBS_PATH, { headers: { cookie } });
      expect(await errorOf(answer), cookie).toEqual([401, "TokenNotFound"]);
    }
    expect((await read(broker, KBS_PATH, { headers: { cookie: `a=b; ${guest.cookie}; c=d` } })).status).toBe(
      200,
    );
  });

  it("without a session leave the token, which is looked at second", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker);
    const { cookie } = await openSession(broker);
    const headers = { cookie, ...byToken(guest).headers };
    expect((await read(broker, KBS_PATH, { headers })).status).toBe(200);
  });
});

describe("an answer", () => {
  it("is recorded before anything is unwrapped, and a failure after it is recorded too", async () => {
    const broker = await kbsBroker({
      change: ({ kek }) => ({
        kek: {
          ...kek,
          unwrap: (wrapped, aad) =>
            new TextDecoder().decode(aad).includes("default/key/1") || isBroken.value
              ? Promise.reject(new Error("the key is gone"))
              : kek.unwrap(wrapped, aad),
        },
      }),
    });
    const guest = await attestedGuest(broker);
    isBroken.value = true;
    const answer = await read(broker, KBS_PATH, byCookie(guest));
    isBroken.value = false;
    expect(answer.status).toBeGreaterThanOrEqual(500);
    const [decided, failed] = (await ledgerEntries({ from: 0, limit: 100 }, broker.world)).slice(-2);
    expect(decided).toMatchObject({ kind: "decision", outcome: "allow", binding: 0 });
    expect(failed).toMatchObject({ kind: "release-failed" });
  });

  it("has no word of the inside for a stranger", async () => {
    const broker = await kbsBroker();
    const answer = await attest(broker, await openSession(broker), { hashed: { nonce: "another" } });
    const text = await answer.text();
    expect(text).not.toMatch(/REPORT_DATA|transcript|binder|channel\//);
    expect(text).toContain("rejected-evidence");
  });
});

const isBroken = { value: false };
