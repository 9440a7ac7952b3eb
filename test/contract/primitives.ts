/** What must every implementation of the Primitives port do? The contract: Node, Workers and noble all run it. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256, p384 } from "@noble/curves/nist.js";
import { sha384 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { concatBytes, equalBytes, hexOf, isZero, parseHex, utf8 } from "../../src/base/bytes.ts";
import { p1363OfDer } from "../../src/base/ecdsa-signature.ts";
import { isFault } from "../../src/base/fault.ts";
import type { Primitives, SignatureScheme } from "../../src/base/primitives.ts";
import { bareKeyOf, signatureSizeOf, spkiOf } from "../../src/base/spki.ts";
import { hkdf } from "../../src/keys/derive.ts";
import { type Answer, hexField, itAnswersAll, numberField, type VectorText } from "../support/wycheproof.ts";

export interface PrimitivesUnderTest {
  readonly name: string;
  readonly primitives: Primitives;
  readonly hasRsa: boolean;
  readonly vector: VectorText;
}

export function describePrimitives(subject: PrimitivesUnderTest): void {
  describe(`${subject.name} against Wycheproof`, () => describeVectors(subject));
  describe(`${subject.name} on hashes`, () => describeHashes(subject.primitives));
  describe(`${subject.name} on signatures`, () => describeSignatures(subject.primitives));
  describe(`${subject.name} on fresh key pairs`, () => describeKeyPairs(subject));
  describe(`${subject.name} on keys and ciphers`, () => describeCiphers(subject.primitives));
}

// ── vectors ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface VectorRow {
  readonly file: string;
  readonly answer: (primitives: Primitives) => Answer;
  readonly needsRsa?: true;
}

const VECTOR_ROWS: readonly VectorRow[] = [
  { file: "ecdsa_secp384r1_sha384_p1363_test", answer: verifies("ecdsa-p384-sha384") },
  { file: "ecdsa_secp384r1_sha384_test", answer: verifies("ecdsa-p384-sha384", fromDer) },
  { file: "ecdsa_secp256r1_sha256_p1363_test", answer: verifies("ecdsa-p256-sha256") },
  { file: "ed25519_test", answer: verifies("ed25519") },
  { file: "rsa_pss_4096_sha384_mgf1_48_test", answer: verifies("rsa-pss-sha384"), needsRsa: true },
  { file: "x25519_test", answer: agrees },
  { file: "ecdh_secp256r1_test", answer: agreesOnP256 },
  { file: "aes_gcm_test", answer: sealsAndOpens },
  { file: "hmac_sha256_test", answer: authenticates },
  { file: "hkdf_sha256_test", answer: derives("sha256") },
  { file: "hkdf_sha512_test", answer: derives("sha512") },
  { file: "mlkem_768_test", answer: decapsulates },
  { file: "mlkem_768_encaps_test", answer: encapsulates },
];

function describeVectors({ primitives, hasRsa, vector }: PrimitivesUnderTest): void {
  for (const row of VECTOR_ROWS.filter(({ needsRsa }) => hasRsa || needsRsa !== true)) {
    itAnswersAll(row.file, row.answer(primitives), vector);
  }
}

function fromDer(der: Uint8Array): Uint8Array {
  return p1363OfDer(der, 48) ?? new Uint8Array(0);
}

function verifies(
  scheme: SignatureScheme,
  form: (signature: Uint8Array) => Uint8Array = (signature) => signature,
): (primitives: Primitives) => Answer {
  return (primitives) => (test, group) =>
    primitives.verify(
      scheme,
      hexField(group, "publicKeyDer"),
      hexField(test, "msg"),
      form(hexField(test, "sig")),
    );
}

/** Stated results hold for `acceptable` too: non-canonical and small-order points give what RFC 7748 computes. */
function agrees(primitives: Primitives): Answer {
  return async (test) => {
    const shared = await primitives.agree("x25519", hexField(test, "private"), hexField(test, "public"));
    if (!equalBytes(shared, hexField(test, "shared"))) throw new Error("another shared secret");
    return true;
  };
}

/** Keys come as the port's other keys do: one form of SubjectPublicKeyInfo, uncompressed. No byte is the port's no. */
function agreesOnP256(primitives: Primitives): Answer {
  return async (test) => {
    const point = bareKeyOf("ecdsa-p256-sha256", hexField(test, "public"));
    if (point === undefined) return false;
    const scalar = hexField(test, "private").slice(-32);
    const padded = concatBytes(new Uint8Array(32 - scalar.length), scalar);
    const shared = await primitives.agree("p256", padded, concatBytes(Uint8Array.of(4), point));
    return shared.length > 0 && equalBytes(shared, hexField(test, "shared"));
  };
}

/** IVs and keys of other sizes are not in the port: they are refused as misuse, and then the row counts as answered. */
function sealsAndOpens(primitives: Primitives): Answer {
  return async (test, group) => {
    const [key, iv, aad] = [hexField(test, "key"), hexField(test, "iv"), hexField(test, "aad")];
    const [plaintext, sealed] = [
      hexField(test, "msg"),
      concatBytes(hexField(test, "ct"), hexField(test, "tag")),
    ];
    if (numberField(group, "ivSize") !== 96 || numberField(group, "keySize") === 192) {
      await expectMisuse(primitives.aeadSeal(key, iv, aad, plaintext));
      await expectMisuse(primitives.aeadOpen(key, iv, aad, sealed));
      return test.result === "valid";
    }
    const opened = await primitives.aeadOpen(key, iv, aad, sealed);
    const resealed = await primitives.aeadSeal(key, iv, aad, plaintext);
    return opened !== undefined && equalBytes(opened, plaintext) && equalBytes(resealed, sealed);
  };
}

/** The file's invalid rows have seeds and ciphertexts of other sizes: misuse of the port, whose caller knows its sizes. */
function decapsulates({ kemPublicKeyOf, kemDecapsulate }: Primitives): Answer {
  return async (test) => {
    const [seed, ciphertext] = [hexField(test, "seed"), hexField(test, "c")];
    if (seed.length !== 64 || ciphertext.length !== 1088) {
      await expectMisuse(kemDecapsulate(seed, ciphertext));
      return false;
    }
    const isSameKey =
      test["ek"] === undefined || equalBytes(await kemPublicKeyOf(seed), hexField(test, "ek"));
    return isSameKey && equalBytes(await kemDecapsulate(seed, ciphertext), hexField(test, "K"));
  };
}

/** The port draws its own randomness, so a good key has to be taken, and a bad one refused; the output is another each time. */
function encapsulates({ kemEncapsulate }: Primitives): Answer {
  return async (test) => {
    const first = await kemEncapsulate(hexField(test, "ek"));
    const second = await kemEncapsulate(hexField(test, "ek"));
    if (first === undefined || second === undefined) return false;
    const sizes = [first.shared.length, first.ciphertext.length];
    return sizes.join() === "32,1088" && !equalBytes(first.ciphertext, second.ciphertext);
  };
}

function authenticates(primitives: Primitives): Answer {
  return (test, group) => {
    const mac = primitives.hmac("sha256", hexField(test, "key"), hexField(test, "msg"));
    return equalBytes(mac.slice(0, numberField(group, "tagSize") / 8), hexField(test, "tag"));
  };
}

/** The file's invalid rows ask for more than HKDF can give; the port's caller is told that it is misuse. */
function derives(hash: "sha256" | "sha512"): (primitives: Primitives) => Answer {
  return (primitives) => (test) => {
    const input = {
      hash,
      ikm: hexField(test, "ikm"),
      salt: hexField(test, "salt"),
      info: hexField(test, "info"),
      length: numberField(test, "size"),
    };
    try {
      return equalBytes(hkdf(primitives, input), hexField(test, "okm"));
    } catch (thrown) {
      if (isFault(thrown, "internal/invariant")) return false;
      throw thrown;
    }
  };
}

// ── hashes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const EMPTY = new Uint8Array(0);

/** FIPS 180-4 examples ("abc") and RFC 4231 test case 2. */
function describeHashes({ digest, hmac }: Primitives): void {
  const abc = utf8("abc");
  it.each([
    ["sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "sha384",
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    ],
    [
      "sha512",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ],
  ] as const)("hashes with %s as FIPS 180-4 says", (algorithm, expected) => {
    expect(hexOf(digest(algorithm, abc))).toBe(expected);
  });

  it.each([
    ["sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"],
    [
      "sha384",
      "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
    ],
    [
      "sha512",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    ],
  ] as const)("authenticates with %s as RFC 4231 says", (algorithm, expected) => {
    expect(hexOf(hmac(algorithm, utf8("Jefe"), utf8("what do ya want for nothing?")))).toBe(expected);
  });

  it("hashes and authenticates nothing under nothing", () => {
    expect(hexOf(digest("sha256", EMPTY)).slice(0, 16)).toBe("e3b0c44298fc1c14");
    expect(hexOf(hmac("sha256", EMPTY, EMPTY)).slice(0, 16)).toBe("b613679a0814d9ec");
  });

  it("gives plain arrays over memory of their own", () => {
    const first = digest("sha512", abc);
    first.fill(0);
    expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype);
    expect(isZero(digest("sha512", abc))).toBe(false);
  });
}

// ── signatures ──────────────────────────────────────────────────────────────────────────────────────────────────────

const MESSAGE = utf8("a message that was signed");

interface Sample {
  readonly scheme: Exclude<SignatureScheme, "rsa-pss-sha384">;
  readonly spki: Uint8Array;
  readonly signature: Uint8Array;
  /** The order of the curve's group, where `r` and `s` must stay below it. */
  readonly order: bigint | undefined;
}

function samples(): readonly Sample[] {
  const [key384, key256, keyEd] = [p384.keygen(), p256.keygen(), ed25519.keygen()];
  return [
    {
      scheme: "ecdsa-p384-sha384",
      spki: spkiOf("ecdsa-p384-sha384", p384.Point.fromBytes(key384.publicKey).toBytes(false).slice(1)),
      signature: p384.sign(MESSAGE, key384.secretKey, { lowS: true }),
      order: p384.Point.Fn.ORDER,
    },
    {
      scheme: "ecdsa-p256-sha256",
      spki: spkiOf("ecdsa-p256-sha256", p256.Point.fromBytes(key256.publicKey).toBytes(false).slice(1)),
      signature: p256.sign(MESSAGE, key256.secretKey, { lowS: true }),
      order: p256.Point.Fn.ORDER,
    },
    {
      scheme: "ed25519",
      spki: spkiOf("ed25519", keyEd.publicKey),
      signature: ed25519.sign(MESSAGE, keyEd.secretKey),
      order: undefined,
    },
  ];
}

const KEY_PAIR_ROWS = [
  { kind: "ed25519", scheme: "ed25519", with: { name: "Ed25519" } },
  {
    kind: "p-256",
    scheme: "ecdsa-p256-sha256",
    with: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  },
  {
    kind: "p-384",
    scheme: "ecdsa-p384-sha384",
    with: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  },
  {
    kind: "rsa-4096",
    scheme: "rsa-pss-sha384",
    with: { name: "RSA-PSS", hash: "SHA-384", saltLength: 48 },
  },
] as const;

/** WebCrypto, which both runtimes have, signs with what was made. */
function describeKeyPairs({ primitives: { generateKeyPair, verify }, hasRsa }: PrimitivesUnderTest): void {
  const rows = KEY_PAIR_ROWS.filter(({ with: { name } }) => hasRsa || name !== "RSA-PSS");
  it.each(rows)("makes a $kind whose halves fit, each time another", async (row) => {
    const [first, second] = [await generateKeyPair(row.kind), await generateKeyPair(row.kind)];
    const signature = await signedBy(first.pkcs8, row.with);
    expect(await verify(row.scheme, first.spki, MESSAGE, signature)).toBe(true);
    expect(await verify(row.scheme, second.spki, MESSAGE, signature)).toBe(false);
  });

  it("makes an RSA key of 3072 bits with the exponent 65537", async () => {
    const { pkcs8 } = await generateKeyPair("rsa-3072");
    const { subtle } = globalThis.crypto;
    const key = await subtle.importKey("pkcs8", Uint8Array.from(pkcs8), PSS, true, ["sign"]);
    const { n, e } = await subtle.exportKey("jwk", key);
    expect([n?.length, e]).toEqual([512, "AQAB"]); // 384 bytes in base64url
  });
}

const PSS = { name: "RSA-PSS", hash: "SHA-384" };

async function signedBy(pkcs8: Uint8Array, algorithm: (typeof KEY_PAIR_ROWS)[number]["with"]) {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey("pkcs8", Uint8Array.from(pkcs8), algorithm, false, ["sign"]);
  return new Uint8Array(await subtle.sign(algorithm, key, Uint8Array.from(MESSAGE)));
}

function describeSignatures({ verify }: Primitives): void {
  const rows = samples();

  it.each(rows)("accepts a good $scheme signature, again and again", async ({ scheme, spki, signature }) => {
    expect(await verify(scheme, spki, MESSAGE, signature)).toBe(true);
    expect(await verify(scheme, spki, MESSAGE, signature)).toBe(true);
  });

  it.each(rows)("refuses a $scheme signature with any bit flipped", async ({ scheme, spki, signature }) => {
    const answers = await Promise.all(
      everyEighthBit(signature).map((flipped) => verify(scheme, spki, MESSAGE, flipped)),
    );
    expect(answers).not.toContain(true);
  });

  it.each(rows)("refuses another message under $scheme", async ({ scheme, spki, signature }) => {
    expect(await verify(scheme, spki, utf8("another message"), signature)).toBe(false);
    expect(await verify(scheme, spki, EMPTY, signature)).toBe(false);
  });

  it.each(rows)("refuses a $scheme signature of another size", async ({ scheme, spki, signature }) => {
    const sizes = [
      EMPTY,
      signature.slice(1),
      signature.slice(0, -1),
      concatBytes(signature, Uint8Array.of(0)),
    ];
    for (const odd of sizes) expect(await verify(scheme, spki, MESSAGE, odd)).toBe(false);
  });

  it.each(rows.filter(({ order }) => order !== undefined))(
    "refuses $scheme with r or s zero, the order or above, and accepts a high s as AMD emits it",
    async ({ scheme, spki, signature, order = 0n }) => {
      const half = signature.length / 2;
      const [r, s] = [signature.slice(0, half), signature.slice(half)];
      const n = integerBytes(order, half);
      const highest = new Uint8Array(half).fill(0xff);
      const zero = new Uint8Array(half);
      const bad = [
        [zero, s],
        [r, zero],
        [zero, zero],
        [n, s],
        [r, n],
        [highest, s],
        [r, highest],
        [highest, highest],
      ];
      for (const [first, second] of bad) {
        const odd = concatBytes(first ?? zero, second ?? zero);
        expect(await verify(scheme, spki, MESSAGE, odd)).toBe(false);
      }
      const highS = integerBytes(order - BigInt(`0x${hexOf(s)}`), half);
      expect(await verify(scheme, spki, MESSAGE, concatBytes(r, highS))).toBe(true);
    },
  );

  it("refuses a key of another kind under every scheme", async () => {
    const schemes: readonly SignatureScheme[] = [
      "ecdsa-p384-sha384",
      "ecdsa-p256-sha256",
      "ed25519",
      "rsa-pss-sha384",
    ];
    for (const scheme of schemes) {
      for (const other of rows.filter((row) => row.scheme !== scheme)) {
        const signature = new Uint8Array(signatureSizeOf(scheme)).fill(1);
        signature.set(other.signature.slice(0, signature.length));
        expect(await verify(scheme, other.spki, MESSAGE, signature)).toBe(false);
      }
    }
  });

  it.each(rows.filter(({ order }) => order !== undefined))(
    "refuses a good $scheme signature whose halves are padded with zeros",
    async ({ scheme, spki, signature }) => {
      const half = signature.length / 2;
      const [zero, r, s] = [Uint8Array.of(0), signature.slice(0, half), signature.slice(half)];
      expect(await verify(scheme, spki, MESSAGE, concatBytes(zero, r, zero, s))).toBe(false);
    },
  );

  it("refuses a P-256 key where P-384 is expected, though its signature fits the hash and the size", async () => {
    const { secretKey, publicKey } = p256.keygen();
    const signature = p256.sign(sha384(MESSAGE), secretKey, { prehash: false });
    const [r, s] = [signature.slice(0, 32), signature.slice(32)];
    const padding = new Uint8Array(16);
    const spki = spkiOf("ecdsa-p256-sha256", p256.Point.fromBytes(publicKey).toBytes(false).slice(1));
    const padded = concatBytes(padding, r, padding, s);
    const good = p256.sign(MESSAGE, secretKey);
    expect(await verify("ecdsa-p256-sha256", spki, MESSAGE, good)).toBe(true); // the key may now be remembered
    expect(await verify("ecdsa-p384-sha384", spki, MESSAGE, padded)).toBe(false);
  });

  it("refuses another encoding of a good key", async () => {
    const { secretKey, publicKey } = p384.keygen();
    const signature = p384.sign(MESSAGE, secretKey);
    const compressed = concatBytes(
      parseHex("3046301006072a8648ce3d020106052b81040022033200") ?? EMPTY,
      publicKey,
    );
    expect(await verify("ecdsa-p384-sha384", compressed, MESSAGE, signature)).toBe(false);
  });

  it.each(rows)("refuses odd keys under $scheme", async ({ scheme, spki, signature }) => {
    const off = spki.slice();
    off[off.length - 1] = (off[off.length - 1] ?? 0) ^ 1;
    const zeroKey = spkiOf(scheme, new Uint8Array(scheme === "ed25519" ? 32 : signature.length));
    const odd = [EMPTY, new Uint8Array(spki.length), spki.slice(1), spki.slice(0, -1), off, zeroKey];
    for (const key of [...odd, concatBytes(spki, Uint8Array.of(0))]) {
      expect(await verify(scheme, key, MESSAGE, signature)).toBe(false);
    }
  });

  it("refuses an RSA key of zeros, of another exponent, and a signature of zeros", async () => {
    const modulus = new Uint8Array(512).fill(0xa5);
    const good = spkiOf("rsa-pss-sha384", modulus);
    const exponentOne = good.slice();
    exponentOne.set([1, 0, 0], exponentOne.length - 3);
    for (const key of [good, exponentOne, spkiOf("rsa-pss-sha384", new Uint8Array(512))]) {
      expect(await verify("rsa-pss-sha384", key, MESSAGE, new Uint8Array(512))).toBe(false);
    }
  });
}

function everyEighthBit(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from(bytes, (_, at) => {
    const flipped = bytes.slice();
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    return flipped;
  });
}

function integerBytes(value: bigint, size: number): Uint8Array {
  return parseHex(value.toString(16).padStart(2 * size, "0")) ?? EMPTY;
}

// ── keys and ciphers ────────────────────────────────────────────────────────────────────────────────────────────────

const hex = (text: string): Uint8Array => parseHex(text) ?? new Uint8Array(0);

/** RFC 5903 section 8.3: two scalars, their points, and the x that they agree on. */
const P521 = {
  i: "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777f5957b2639bab072462f68c27a57382d4a52",
  gi: "040015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e380aeae57c2d107564941885942af5a7f4601723c4195d176ced3e017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4a10ad8a788015ac405d7799dc75e7b7d5b6cf2261a6a7f1507438bf01beb6ca3926f9582",
  r: "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e9c677d600b343757a3bdbf2a3163e4c2f869cca7458aa4a4effc311f5cb151685eb9",
  gr: "0400d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6c2912d4ef2d0433ced2b6171640012d9460f015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f4732296579ab44fcd17f0fc56a",
  gir: "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06b3c715a3a8cc3151f2bee417996d19f3ddea",
};

function describeCiphers(primitives: Primitives): void {
  const { agree, publicKeyOf, aeadSeal, aeadOpen, kemPublicKeyOf, kemDecapsulate } = primitives;
  const bytes = (size: number, from = 1): Uint8Array => Uint8Array.from({ length: size }, (_, i) => from + i);
  const [key, iv, aad, plaintext] = [bytes(32), bytes(12, 50), bytes(7, 70), bytes(33, 90)];

  it("agrees on one secret from either side", async () => {
    const [a, b] = [bytes(32, 3), bytes(32, 200)];
    const [publicA, publicB] = [await publicKeyOf("x25519", a), await publicKeyOf("x25519", b)];
    expect(await agree("x25519", a, publicB)).toEqual(await agree("x25519", b, publicA));
  });

  it("agrees on P-521 as RFC 5903 section 8.3 printed it, from either side", async () => {
    expect(hexOf(await publicKeyOf("p521", hex(P521.i)))).toBe(P521.gi);
    expect(hexOf(await publicKeyOf("p521", hex(P521.r)))).toBe(P521.gr);
    expect(hexOf(await agree("p521", hex(P521.i), hex(P521.gr)))).toBe(P521.gir);
    expect(hexOf(await agree("p521", hex(P521.r), hex(P521.gi)))).toBe(P521.gir);
  });

  it("agrees with nothing that is no point of P-521, and takes no other scalar for one", async () => {
    const point = hex(P521.gr);
    const none = [point.with(132, (point[132] ?? 0) ^ 1), point.with(0, 3), new Uint8Array(133).with(0, 4)];
    for (const bad of none) expect((await agree("p521", hex(P521.i), bad)).length).toBe(0); // in order
    await expectMisuse(agree("p521", hex(P521.i), point.slice(0, 65)));
    await expectMisuse(agree("p521", bytes(32), point));
    await expectMisuse(publicKeyOf("p521", new Uint8Array(66)));
    await expectMisuse(publicKeyOf("p521", new Uint8Array(66).fill(0xff)));
  });

  it("wraps a key as RFC 3394 section 4.6 printed it", async () => {
    const [wrapping, data] = [
      bytes(32, 0),
      hex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"),
    ];
    expect(hexOf(await primitives.wrapKey(wrapping, data))).toBe(
      "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
    );
    await expectMisuse(primitives.wrapKey(bytes(16), data));
    await expectMisuse(primitives.wrapKey(wrapping, bytes(24)));
  });

  it("finds again what it encapsulated, and something else for another seed", async () => {
    const { shared, ciphertext } = (await primitives.kemEncapsulate(await kemPublicKeyOf(bytes(64)))) ?? {};
    if (shared === undefined || ciphertext === undefined) throw new Error("a good key was refused");
    expect(await kemDecapsulate(bytes(64), ciphertext)).toEqual(shared);
    expect(await kemDecapsulate(bytes(64, 2), ciphertext)).not.toEqual(shared);
  });

  it("encapsulates to no key of another length", async () => {
    expect(await primitives.kemEncapsulate(bytes(1183))).toBeUndefined();
    expect(await primitives.kemEncapsulate(new Uint8Array(1184).fill(0xff))).toBeUndefined();
  });

  it("sees that a private key's array was written to", async () => {
    const array = bytes(32, 3);
    const before = await publicKeyOf("x25519", array);
    array.fill(7);
    expect(await publicKeyOf("x25519", array)).not.toEqual(before);
    expect(await publicKeyOf("x25519", bytes(32, 3))).toEqual(before);
  });

  it("gives zeros for a point of small order, which the caller refuses", async () => {
    for (const first of [0, 1]) {
      const point = new Uint8Array(32);
      point[0] = first;
      expect(isZero(await agree("x25519", key, point))).toBe(true);
    }
  });

  it("gives no byte for what is no point of P-256, which the caller refuses", async () => {
    const point = await publicKeyOf("p256", key);
    expect((await agree("p256", key, point)).length).toBe(32);
    const off = point.map((byte, i) => (i === 64 ? byte ^ 1 : byte));
    const hybrid = point.map((byte, i) => (i === 0 ? 6 : byte));
    for (const bad of [off, hybrid, new Uint8Array(65)]) expect(await agree("p256", key, bad)).toEqual(EMPTY);
  });

  it("calls a scalar of P-256 that is none, and a point of another size, misuse", async () => {
    for (const scalar of [new Uint8Array(32), new Uint8Array(32).fill(0xff), bytes(31), EMPTY]) {
      await expectMisuse(publicKeyOf("p256", scalar)); // in order: four rows
      await expectMisuse(agree("p256", scalar, await publicKeyOf("p256", key)));
    }
    await expectMisuse(agree("p256", key, bytes(33)));
  });

  it.each([16, 32])("opens what it sealed under a key of %i bytes", async (size) => {
    const sealed = await aeadSeal(key.slice(0, size), iv, aad, plaintext);
    expect(sealed.length).toBe(plaintext.length + 16);
    expect(await aeadOpen(key.slice(0, size), iv, aad, sealed)).toEqual(plaintext);
  });

  it("seals and opens nothing", async () => {
    const sealed = await aeadSeal(key, iv, EMPTY, EMPTY);
    expect(sealed.length).toBe(16);
    expect(await aeadOpen(key, iv, EMPTY, sealed)).toEqual(EMPTY);
  });

  it("opens nothing of which a byte, the key, the IV or the AAD is another", async () => {
    const sealed = await aeadSeal(key, iv, aad, plaintext);
    for (const flipped of everyEighthBit(sealed)) {
      expect(await aeadOpen(key, iv, aad, flipped)).toBeUndefined();
    }
    expect(await aeadOpen(bytes(32, 2), iv, aad, sealed)).toBeUndefined();
    expect(await aeadOpen(key, bytes(12), aad, sealed)).toBeUndefined();
    expect(await aeadOpen(key, iv, EMPTY, sealed)).toBeUndefined();
    for (const size of [0, 15, 16]) {
      expect(await aeadOpen(key, iv, aad, sealed.slice(0, size))).toBeUndefined();
    }
  });

  it("calls keys and IVs of another size misuse", async () => {
    await expectMisuse(agree("x25519", bytes(31), bytes(32)));
    await expectMisuse(agree("x25519", bytes(32), bytes(33)));
    await expectMisuse(publicKeyOf("x25519", EMPTY));
    await expectMisuse(kemPublicKeyOf(bytes(63)));
    await expectMisuse(kemDecapsulate(bytes(64), bytes(1087)));
    await expectMisuse(aeadSeal(bytes(24), iv, aad, plaintext));
    await expectMisuse(aeadSeal(key, bytes(16), aad, plaintext));
    await expectMisuse(aeadOpen(key, EMPTY, aad, plaintext));
    await expectMisuse(aeadOpen(EMPTY, iv, aad, plaintext));
  });
}

async function expectMisuse(attempt: Promise<unknown>): Promise<void> {
  await expect(attempt).rejects.toMatchObject({ code: "internal/invariant" });
}
