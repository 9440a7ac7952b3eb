/** Does a key come in that nobody on the way sees, once, and to the path it was meant for? A stock HPKE seals it, and our own. */
import {
  createDecipheriv,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  verify,
} from "node:crypto";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { describe, expect, it } from "vitest";
import { base64UrlOf, concatBytes, lengthPrefixed, u32be, utf8 } from "../../src/base/bytes.ts";
import { addSeconds } from "../../src/base/time.ts";
import type { StoredImportKey } from "../../src/broker/import-store.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { sealSecret } from "../../src/client/seal-secret.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { nodeSealing } from "../../src/runtime/node/sealing.ts";
import type { SealedSecret, SignedImportKey } from "../../src/wire/import-messages.ts";
import { AUDIENCE, type BrokerAtHand } from "../http/broker-at-hand.ts";
import { attemptOf, type GuestBroker, guestBroker, POLICY, post, random } from "./guest-at-hand.ts";
import { encryptItem, KEY, madeIn, transitGuest, USING } from "./transit-at-hand.ts";

const DAY = { validSeconds: 86_400 };
const NONE = new Uint8Array(0);
const lp = (...texts: readonly string[]) => texts.map((text) => lengthPrefixed(utf8(text)));

/** As docs/transit.md says it, by somebody else's code. */
async function sealedByStock(
  key: SignedImportKey,
  what: { readonly path: string; readonly use: SealedSecret["use"]; readonly plaintext: Uint8Array },
): Promise<SealedSecret> {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const recipientPublicKey = await suite.kem.deserializePublicKey(Uint8Array.from(key.publicKey));
  const info = concatBytes(...lp("ostiary/import/v1", AUDIENCE, key.id));
  const sender = await suite.createSenderContext({ recipientPublicKey, info: Uint8Array.from(info) });
  const aad = Uint8Array.from(concatBytes(...lp(what.path, what.use, "")));
  const ct = await sender.seal(Uint8Array.from(what.plaintext), aad);
  const { path: _, plaintext: __, ...rest } = what;
  return { key: key.id, ...rest, publicKey: NONE, enc: new Uint8Array(sender.enc), ct: new Uint8Array(ct) };
}

/** By `ostiary secret seal`'s own code. */
async function sealed(
  { world }: BrokerAtHand,
  key: SignedImportKey,
  what: {
    readonly path: string;
    readonly use: SealedSecret["use"];
    readonly plaintext: Uint8Array;
    readonly publicKey?: Uint8Array;
  },
): Promise<SealedSecret> {
  const { now, primitives, signer } = world;
  const broker = { audience: AUDIENCE, signingKey: signer.spki };
  return sealSecret({ publicKey: NONE, ...what, key, broker }, { now: now(), random, primitives });
}

const put = (broker: BrokerAtHand, path: string, secret: SealedSecret) =>
  broker.admin.putSecret(path, { kind: "sealed", sealed: secret });

async function released(broker: GuestBroker, path: string): Promise<number> {
  const attempt = await attemptOf(broker, { claims: { want: [{ secret: path }] } });
  return (await post(broker, "/v1/release", attempt.body)).status;
}

describe("a secret that is brought sealed", () => {
  it("is a static one that a guest gets, sealed by a stock HPKE", async () => {
    const broker = await guestBroker({ policy: POLICY });
    const key = await broker.admin.makeImportKey({ suite: 1, ...DAY });
    const plaintext = random(64);
    const secret = await sealedByStock(key, { path: "prod/db2", use: "static", plaintext });
    expect(await put(broker, "prod/db2", secret)).toMatchObject({ kind: "static", version: 1 });
    expect(await released(broker, "prod/db2")).toBe(200);
  });

  it("is a transit key that encrypts as its owner can check, and that no guest gets", async () => {
    const broker = await guestBroker({ policy: USING });
    const key = await broker.admin.makeImportKey({ suite: 2, ...DAY });
    const own = random(32);
    await put(broker, KEY, await sealed(broker, key, { path: KEY, use: "aes-256-gcm", plaintext: own }));
    const { bytes } = madeIn(await (await transitGuest(broker)).use([encryptItem("4111", utf8("row 7"))]));
    const seat = concatBytes(...lp("ostiary/transit-cipher/v1", KEY), u32be(1));
    const keys = Buffer.from(hkdfSync("sha256", own, bytes.slice(1, 33), seat, 44));
    const decipher = createDecipheriv("aes-256-gcm", keys.subarray(0, 32), keys.subarray(32));
    decipher.setAAD(concatBytes(Uint8Array.of(1), seat, ...lp("row 7")));
    decipher.setAuthTag(bytes.slice(-16));
    expect(Buffer.concat([decipher.update(bytes.slice(33, -16)), decipher.final()]).toString()).toBe("4111");
    expect(await released(broker, KEY)).toBe(403);
  });

  it("is a MAC key whose MACs are those of anybody who has it", async () => {
    const broker = await guestBroker({ policy: USING });
    const own = random(48);
    const key = await broker.admin.makeImportKey({ suite: 1, ...DAY });
    await put(broker, KEY, await sealed(broker, key, { path: KEY, use: "hmac-sha384", plaintext: own }));
    const message = utf8("a message");
    const { bytes } = madeIn(await (await transitGuest(broker)).use([{ operation: "hmac", message }]));
    expect(bytes).toEqual(Uint8Array.from(createHmac("sha384", own).update(message).digest()));
  });

  it.each([
    ["ed25519", () => generateKeyPairSync("ed25519"), null, {}],
    [
      "ecdsa-p384",
      () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
      "sha384",
      { dsaEncoding: "ieee-p1363" },
    ],
    ["rsa-3072", () => generateKeyPairSync("rsa", { modulusLength: 3072 }), "sha256", {}],
  ] as const)("is a pair of %s, in PEM or DER, that signs as before", async (use, make, hash, form) => {
    const broker = await guestBroker({ policy: USING });
    const { privateKey, publicKey } = make();
    const pem = utf8(privateKey.export({ format: "pem", type: "pkcs8" }).toString());
    const der = Uint8Array.from(privateKey.export({ format: "der", type: "pkcs8" }));
    for (const given of [pem, der]) {
      const { pkcs8: plaintext, publicKey: half } = nodeSealing.pairOf(given);
      const key = await broker.admin.makeImportKey({ suite: 1, ...DAY });
      await put(broker, KEY, await sealed(broker, key, { path: KEY, use, plaintext, publicKey: half }));
    }
    const message = utf8("a message");
    const guest = await transitGuest(broker);
    const made = madeIn(await guest.use([{ operation: "sign", message, padding: "pkcs1" }]));
    expect(made.version).toBe(2);
    expect(
      verify(
        hash,
        message,
        { key: createPublicKey(publicKey.export({ format: "pem", type: "spki" })), ...form },
        made.bytes,
      ),
    ).toBe(true);
  });

  it("is in no request in the clear, and stands in the log as an import", async () => {
    const broker = await guestBroker();
    const key = await broker.admin.makeImportKey({ suite: 2, ...DAY });
    const plaintext = utf8("a secret of some length");
    const secret = await sealed(broker, key, { path: "prod/db2", use: "static", plaintext });
    const text = JSON.stringify({ ct: base64UrlOf(secret.ct), enc: base64UrlOf(secret.enc) });
    expect(text).not.toContain(base64UrlOf(plaintext));
    await put(broker, "prod/db2", secret);
    const entries = await ledgerEntries({ from: 0, limit: 50 }, broker.world);
    expect(entries.slice(-2)).toMatchObject([
      { act: "import-key", subject: key.id },
      { act: "secret-import", subject: "prod/db2@1" },
    ]);
  });
});

describe("an import key", () => {
  const WHAT = { path: "prod/db2", use: "static", plaintext: Uint8Array.of(1, 2, 3) } as const;
  const fresh = async () => {
    const broker = await guestBroker();
    const key = await broker.admin.makeImportKey({ suite: 1, ...DAY });
    return { broker, key, secret: await sealed(broker, key, WHAT) };
  };
  const KEY_GONE = { code: "secret/import-key" };
  const MALFORMED = { code: "request/malformed" };

  it("takes one secret: what was brought before is refused", async () => {
    const { broker, key, secret } = await fresh();
    await put(broker, WHAT.path, secret);
    await expect(put(broker, WHAT.path, secret)).rejects.toMatchObject(KEY_GONE);
    const other = await sealed(broker, key, { ...WHAT, plaintext: Uint8Array.of(4) });
    await expect(put(broker, WHAT.path, other)).rejects.toMatchObject(KEY_GONE);
    expect(await broker.admin.showSecret(WHAT.path)).toHaveLength(1);
  });

  it("takes one of many that come at once", async () => {
    const { broker, secret } = await fresh();
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => put(broker, WHAT.path, secret)));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await broker.admin.showSecret(WHAT.path)).toHaveLength(1);
  });

  it("takes nothing for another path, another use, or with any part altered, and is not spent by that", async () => {
    const { broker, secret } = await fresh();
    await expect(put(broker, "prod/db3", secret)).rejects.toMatchObject(MALFORMED);
    await expect(put(broker, WHAT.path, { ...secret, use: "aes-256-gcm" })).rejects.toMatchObject(MALFORMED);
    for (const member of ["enc", "ct"] as const) {
      const altered = { ...secret, [member]: secret[member].map((byte, i) => (i === 5 ? byte ^ 1 : byte)) };
      await expect(put(broker, WHAT.path, altered)).rejects.toMatchObject(MALFORMED);
    }
    expect(await put(broker, WHAT.path, secret)).toMatchObject({ version: 1 });
  });

  it("takes no pair whose public half was exchanged on the way", async () => {
    const broker = await guestBroker();
    const key = await broker.admin.makeImportKey({ suite: 1, ...DAY });
    const [own, other] = [
      await nodePrimitives.generateKeyPair("ed25519"),
      await nodePrimitives.generateKeyPair("ed25519"),
    ];
    const what = { path: KEY, use: "ed25519", plaintext: own.pkcs8, publicKey: own.spki } as const;
    const secret = await sealed(broker, key, what);
    await expect(put(broker, KEY, { ...secret, publicKey: other.spki })).rejects.toMatchObject(MALFORMED);
    const foreign = await sealed(broker, key, { ...what, publicKey: other.spki });
    await expect(put(broker, KEY, foreign)).rejects.toMatchObject(MALFORMED);
    expect(await put(broker, KEY, secret)).toMatchObject({ make: "transit:ed25519" });
  });

  it("takes nothing once it has expired", async () => {
    const { broker, secret } = await fresh();
    broker.pass(86_400);
    await expect(put(broker, WHAT.path, secret)).rejects.toMatchObject(KEY_GONE);
  });

  it("does not last longer because a row says so", async () => {
    let lie: Partial<StoredImportKey> = {};
    const broker = await guestBroker({
      change: ({ store }) => ({
        store: {
          ...store,
          importKey: async (id) => {
            const found = await store.importKey(id);
            return found && { ...found, ...lie };
          },
        },
      }),
    });
    const key = await broker.admin.makeImportKey({ suite: 1, ...DAY });
    const secret = await sealed(broker, key, WHAT);
    broker.pass(86_400);
    lie = { expiresAt: addSeconds(broker.world.now(), 60) };
    await expect(put(broker, WHAT.path, secret)).rejects.toMatchObject({ code: "broker/unreachable" }); // 503: its envelope does not open
  });

  it("of another broker is none", async () => {
    const { secret } = await fresh();
    const other = await guestBroker();
    await expect(put(other, WHAT.path, secret)).rejects.toMatchObject(KEY_GONE);
  });

  it("is not sealed to unless the broker that is meant has signed it, and it is still good", async () => {
    const { broker, key } = await fresh();
    const { primitives, signer, now } = broker.world;
    const seal = (
      change: Partial<SignedImportKey>,
      by: { readonly audience?: string; readonly signingKey?: Uint8Array } = {},
      at = now(),
    ) =>
      sealSecret(
        {
          ...WHAT,
          publicKey: NONE,
          key: { ...key, ...change },
          broker: { audience: AUDIENCE, signingKey: signer.spki, ...by },
        },
        { now: at, random, primitives },
      );
    expect(await seal({})).toMatchObject({ key: key.id });
    const OTHER_KEY = { code: "broker/other-key" };
    await expect(seal({ publicKey: random(32) })).rejects.toMatchObject(OTHER_KEY);
    await expect(seal({ suite: 2 })).rejects.toMatchObject(OTHER_KEY);
    await expect(seal({ id: "ab".repeat(16) })).rejects.toMatchObject(OTHER_KEY);
    const later = addSeconds(key.expiresAt, 1);
    await expect(seal({ expiresAt: later })).rejects.toMatchObject(OTHER_KEY);
    await expect(seal({}, { signingKey: makeGuestSigner().signer.spki })).rejects.toMatchObject(OTHER_KEY);
    await expect(seal({}, { audience: "https://other.example" })).rejects.toMatchObject({
      code: "broker/other-audience",
    });
    await expect(seal({}, {}, key.expiresAt)).rejects.toMatchObject(KEY_GONE);
  });

  it.each([
    ["the seventh suite", { suite: 7, validSeconds: 3600 }],
    ["a month", { suite: 1, validSeconds: 30 * 86_400 }],
    ["a second", { suite: 1, validSeconds: 1 }],
  ])("is not made for %s", async (_, body) => {
    const broker = await guestBroker();
    const wanted = body as unknown as Parameters<typeof broker.admin.makeImportKey>[0];
    await expect(broker.admin.makeImportKey(wanted)).rejects.toMatchObject(MALFORMED);
  });
});
