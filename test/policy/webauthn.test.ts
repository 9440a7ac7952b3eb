/** Which assertions count? A table of what browsers, keys and attackers do, judged by ours and by SimpleWebAuthn, and the W3C's own example. */
import { generateKeyPairSync, hkdfSync, randomBytes } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { p256 } from "@noble/curves/nist.js";
import { type AuthenticationResponseJSON, verifyAuthenticationResponse } from "@simplewebauthn/server";
import { describe, expect, it } from "vitest";
import { parseHex, utf8 } from "../../src/base/bytes.ts";
import type { JsonValue } from "../../src/base/canonical-json.ts";
import { p1363OfDer } from "../../src/base/ecdsa-signature.ts";
import { spkiOf } from "../../src/base/spki.ts";
import { adminRecord, parseAdminRecord } from "../../src/policy/admins.ts";
import { encodeAssertion, isOriginOf, whyNotAnswered, whyNotAsserted } from "../../src/policy/webauthn.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import {
  type AssertionJson,
  AT,
  BE,
  BS,
  type Deviation,
  ED,
  encoded,
  PAGE,
  RP_ID,
  type SecurityKey,
  securityKey,
  sha256,
  UP,
  UV,
} from "../support/security-key.ts";

const BYTES = utf8("what was signed");
const key = securityKey();
const edKey = securityKey("EdDSA");
const other = securityKey();

function judged(assertion: AssertionJson, by: SecurityKey = key): Promise<string | undefined> {
  return whyNotAsserted(BYTES, encoded(assertion), by, nodePrimitives);
}

/** What a relying party of the world says, where it asks for what we ask for. */
async function elsewhere(assertion: AssertionJson, by: SecurityKey = key): Promise<boolean> {
  const id = by.id.toString("base64url");
  const response: AuthenticationResponseJSON = {
    id,
    rawId: id,
    type: "public-key",
    clientExtensionResults: {},
    response: assertion,
  };
  try {
    const { verified } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: sha256(BYTES).toString("base64url"),
      expectedOrigin: PAGE,
      expectedRPID: RP_ID,
      credential: { id, publicKey: Uint8Array.from(by.cose), counter: 0 },
    });
    return verified;
  } catch {
    return false;
  }
}

const EXTENSIONS = Buffer.from("a16b6372656450726f7465637402", "hex"); // {"credProtect": 2}

const GOOD: readonly (readonly [string, Deviation])[] = [
  ["nothing else", {}],
  ["a counter", { signCount: 4_000_000_000 }],
  ["a synced passkey", { flags: UP | UV | BE | BS }],
  ["a passkey that could be synced", { flags: UP | UV | BE }],
  ["extensions that nobody asked for", { flags: UP | UV | ED, tail: EXTENSIONS }],
  ["a member of the client data that came later", { clientData: (good) => ({ ...good, extraData: "x" }) }],
  ["token binding", { clientData: (good) => ({ ...good, tokenBinding: { status: "supported" } }) }],
  ["no word on frames", { clientData: ({ crossOrigin: _, ...good }) => good }],
];

describe("an assertion counts", () => {
  it.each(GOOD)("with %s, by P-256 and by Ed25519", async (_name, deviation) => {
    expect(await judged(key.assert(BYTES, deviation))).toBeUndefined();
    expect(await judged(edKey.assert(BYTES, deviation), edKey)).toBeUndefined();
    expect(await elsewhere(key.assert(BYTES, deviation))).toBe(true);
    expect(await elsewhere(edKey.assert(BYTES, deviation), edKey)).toBe(true);
  });
});

const changed = (member: object) => (good: object) => ({ ...good, ...member });
const der = (...integers: readonly (readonly number[])[]) => {
  const body = integers.flatMap((bytes) => [2, bytes.length, ...bytes]);
  return Buffer.from([0x30, body.length, ...body]);
};

/** What SimpleWebAuthn refuses too. */
const BAD: readonly (readonly [string, Deviation])[] = [
  ["another page below the same domain", { clientData: changed({ origin: "https://evil.broker.example" }) }],
  ["another page", { clientData: changed({ origin: "https://evil.example" }) }],
  ["the page on another port", { clientData: changed({ origin: `${PAGE}:8443` }) }],
  ["a page without TLS", { clientData: changed({ origin: "http://broker.example" }) }],
  [
    "a page that another one frames",
    { clientData: changed({ crossOrigin: true, topOrigin: "https://evil.example" }) },
  ],
  ["a top origin and no frame", { clientData: changed({ topOrigin: "https://evil.example" }) }],
  ["another RP ID", { rpId: "evil.example" }],
  ["a domain above the RP ID", { rpId: "example" }],
  ["nobody who touched the key", { flags: UV }],
  ["nobody whom the key knows", { flags: UP }],
  ["no flag at all", { flags: 0 }],
  ["a backup of what cannot be backed up", { flags: UP | UV | BS }],
  [
    "the challenge of other bytes",
    { clientData: changed({ challenge: sha256(utf8("x")).toString("base64url") }) },
  ],
  ["no challenge", { clientData: ({ challenge: _, ...good }) => good }],
  ["another ceremony", { clientData: changed({ type: "webauthn.create" }) }],
  ["a payment", { clientData: changed({ type: "payment.get" }) }],
  ["no ceremony", { clientData: ({ type: _, ...good }) => good }],
  ["client data that is no JSON", { clientData: () => "{" }],
  ["a signature of another key", { key: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey }],
  ["a signature by another scheme", { key: edKey.privateKey }],
  ["a signature of zeros", { signature: () => der([0], [0]) }],
  ["no signature", { signature: () => Buffer.of(0) }],
  [
    "a flipped bit of the signature",
    { signature: (good) => good.map((byte, i) => (i === 12 ? byte ^ 1 : byte)) },
  ],
  ["authenticator data that is too short", { authenticatorData: (good) => good.subarray(0, 36) }],
  ["something behind the authenticator data", { tail: Buffer.of(0) }],
];

/** Where we are the stricter one. */
const STRICTER: readonly (readonly [string, Deviation])[] = [
  ["a frame whose top is not said", { clientData: changed({ crossOrigin: true }) }],
  ["a frame in other words", { clientData: changed({ crossOrigin: "no" }) }],
  [
    "a member of the client data twice",
    { clientData: (good) => JSON.stringify(good).replace("{", '{"origin":"https://evil.example",') },
  ],
  ["client data of more than 4 KiB", { clientData: (good) => ({ ...good, extra: "x".repeat(4096) }) }],
  [
    "a credential inside the assertion",
    { flags: UP | UV | AT | ED, tail: Buffer.concat([Buffer.alloc(16), Buffer.of(0, 1, 1), key.cose]) },
  ],
  ["a signature in BER", { signature: (good) => Buffer.from([0x30, 0x81, ...good.subarray(1)]) }],
  ["something behind the signature", { signature: (good) => Buffer.concat([good, Buffer.of(0)]) }],
];

describe("an assertion does not count with", () => {
  it.each(BAD)("%s, here as elsewhere", async (_name, deviation) => {
    const assertion = key.assert(BYTES, deviation);
    expect(await judged(assertion)).toMatch(/^expected /);
    expect(await elsewhere(assertion)).toBe(false);
  });

  it.each(STRICTER)("%s, here at least", async (_name, deviation) => {
    expect(await judged(key.assert(BYTES, deviation))).toMatch(/^expected /);
  });

  it.each<readonly [string, (good: AssertionJson) => Uint8Array]>([
    ["no JSON", () => utf8("assertion")],
    ["a member more", (good) => utf8(JSON.stringify({ ...good, userHandle: "AA" }))],
    ["a member less", ({ signature: _, ...good }) => utf8(JSON.stringify(good))],
    ["members in another order", ({ signature, ...good }) => utf8(JSON.stringify({ signature, ...good }))],
    ["a space", (good) => utf8(`${JSON.stringify(good)} `)],
    ["padding", (good) => encoded({ ...good, signature: `${good.signature}=` })],
    ["a signature that is a number", (good) => utf8(JSON.stringify({ ...good, signature: 1 }))],
    ["more than 8 KiB", (good) => encoded({ ...good, signature: "A".repeat(9000) })],
  ])("another form: %s", async (_name, change) => {
    const bytes = change(key.assert(BYTES));
    expect(await whyNotAsserted(BYTES, bytes, key, nodePrimitives)).toMatch(/^expected an assertion/);
  });

  it("the key of somebody else, whose assertion is good", async () => {
    expect(await judged(other.assert(BYTES))).toMatch(/signature/);
    expect(await judged(other.assert(BYTES), other)).toBeUndefined();
  });

  it("a key of one kind and a signature of the other", async () => {
    expect(await judged(key.assert(BYTES), { ...key, spki: edKey.spki })).toMatch(/signature/);
    expect(await judged(edKey.assert(BYTES), { ...edKey, spki: key.spki })).toMatch(/signature/);
    const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const spki = Uint8Array.from(p384.publicKey.export({ type: "spki", format: "der" }));
    expect(await judged(key.assert(BYTES, { key: p384.privateKey }), { ...key, spki })).toMatch(/signature/);
  });

  it("any bit of it flipped", async () => {
    const good = key.assert(BYTES);
    for (const member of ["authenticatorData", "clientDataJSON", "signature"] as const) {
      const bytes = Buffer.from(good[member], "base64url");
      for (let bit = 0; bit < bytes.length * 8; bit += 3) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const why = await judged({ ...good, [member]: flipped.toString("base64url") }); // in order: one at a time
        expect(why, `${member} ${bit}`).toMatch(/^expected /);
      }
    }
  });

  test.prop([fc.uint8Array({ maxLength: 300 })])(
    "any bytes in its place, and never throws",
    async (bytes) => {
      expect(await whyNotAsserted(BYTES, bytes, key, nodePrimitives)).toMatch(/^expected /);
    },
  );
});

describe("an assertion over bytes", () => {
  test.prop([fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 })])(
    "counts for these and for no others",
    async (signed, asked) => {
      const assertion = encoded(key.assert(signed));
      expect(await whyNotAsserted(signed, assertion, key, nodePrimitives)).toBeUndefined();
      const isSame = Buffer.from(signed).equals(asked);
      expect((await whyNotAsserted(asked, assertion, key, nodePrimitives)) === undefined).toBe(isSame);
    },
  );
});

describe("the W3C's example (Web Authentication Level 3, test vector none.ES256)", () => {
  const derived = (salt: number) =>
    new Uint8Array(hkdfSync("sha256", "WebAuthn test vectors", Buffer.of(salt), "none.ES256", 32));
  const hex = (text: string) => parseHex(text) ?? new Uint8Array(0);
  const spki = spkiOf("ecdsa-p256-sha256", p256.getPublicKey(derived(1), false).slice(1));
  const webauthn = { id: derived(5), rpId: "example.org", origin: "https://example.org" };
  const assertion = {
    authenticatorData: hex("bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000"),
    clientDataJSON: hex(
      "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c5455506f334a5558543049393770767a7a59425039745a63685879617630314167222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d",
    ),
    signature: hex(
      "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87",
    ),
  };

  it("lacks a person whom the key knows, and nothing else", async () => {
    const why = await whyNotAnswered(
      derived(7),
      encodeAssertion(assertion),
      { spki, webauthn },
      nodePrimitives,
    );
    expect(why).toBe("expected somebody whom the key knows, by PIN or finger");
    const signed = Buffer.concat([assertion.authenticatorData, sha256(assertion.clientDataJSON)]);
    const signature = p1363OfDer(assertion.signature, 32) ?? randomBytes(64);
    expect(await nodePrimitives.verify("ecdsa-p256-sha256", spki, signed, signature)).toBe(true);
  });
});

describe("the record of an admin with a security key", () => {
  const admin = { kid: "ben", person: "ben", roles: ["approver"], under: [], owns: [] } as const;
  const record = adminRecord({ ...admin, spki: key.spki, webauthn: key.webauthn });
  const otherwise = (member: object): JsonValue => {
    const told = JSON.parse(JSON.stringify(record));
    return { ...told, key: { ...told.key, ...member } };
  };

  it.each([key, edKey])("is read as it was written", ({ spki, webauthn }) => {
    const given = { ...admin, spki, webauthn };
    expect(parseAdminRecord(adminRecord(given))).toEqual(given);
  });

  it.each<readonly [string, object]>([
    ["a page of another domain", { origin: "https://evil.example" }],
    ["a page without TLS", { origin: "http://broker.example" }],
    ["a page with a path", { origin: `${PAGE}/admin` }],
    ["no domain", { rp_id: "" }],
    ["a credential of a few bytes", { credential: "AAAA" }],
    ["a credential in other letters", { credential: "+".repeat(43) }],
    ["a public key that is cut off", { spki: "MFkw" }],
    ["a public key of another curve", { spki: "A".repeat(122) }],
    ["another type", { type: "ed25519" }],
    ["a type that there is not", { type: "passkey" }],
    ["a member more", { attestation: "none" }],
  ])("is none with %s", (_name, member) => {
    expect(parseAdminRecord(otherwise({}))).toBeDefined();
    expect(parseAdminRecord(otherwise(member))).toBeUndefined();
  });
});

describe("a page belongs to an RP ID", () => {
  it.each([
    ["https://broker.example", "broker.example", true],
    ["https://broker.example:8443", "broker.example", true],
    ["https://keys.broker.example", "broker.example", true],
    ["http://localhost:8480", "localhost", true],
    ["http://broker.example", "broker.example", false],
    ["https://brokerexample", "example", false],
    ["https://evilbroker.example", "broker.example", false],
    ["https://example", "broker.example", false],
    ["https://broker.example/", "broker.example", false],
    ["https://broker.example/page", "broker.example", false],
    ["https://ada@broker.example", "broker.example", false],
    ["https://Broker.example", "broker.example", false],
    ["https://broker.example", "", false],
    ["https://broker.example", ".example", false],
    ["null", "broker.example", false],
    ["", "", false],
  ])("%s and %s: %s", (origin, rpId, isFit) => {
    expect(isOriginOf(origin, rpId)).toBe(isFit);
  });
});
