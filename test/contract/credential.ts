/** What must every runtime's Primitives do for a TPM's credential? The contract: published vectors, and a credential that opens as a TPM opens it. */
import { cfb } from "@noble/ciphers/aes.js";
import { describe, expect, it } from "vitest";
import { readSized } from "../../src/attestation/tpm/command.ts";
import { kdfa, kdfe } from "../../src/attestation/tpm/kdf.ts";
import { type Credential, makeCredential } from "../../src/attestation/tpm/make-credential.ts";
import { concatBytes, equalBytes, hexOf, parseHex, utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import type { Primitives } from "../../src/base/primitives.ts";
import { Reader } from "../../src/base/reader.ts";
import { spkiOf } from "../../src/base/spki.ts";
import { ECC_IDENTITY, ECC_SECRET, KDFA, KDFE } from "../attestation/credential-vectors.ts";

const hex = (text: string): Uint8Array => parseHex(text) ?? new Uint8Array(0);
const NOTHING = new Uint8Array(0);
const NAME = concatBytes(hex("000b"), new Uint8Array(32).fill(0xa1));
const SECRET = new Uint8Array(32).fill(0x5e);
const OAEP = { name: "RSA-OAEP", hash: "SHA-256" };
const fresh = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));

export function describeCredential({ name, primitives }: { name: string; primitives: Primitives }): void {
  describe(`${name} on what TPMs derive`, () => describeDerivations(primitives));
  describe(`${name} on AES-128-CFB`, () => describeCfb(primitives));
  describe(`${name} on credentials`, () => describeCredentials(primitives));
}

function describeDerivations(primitives: Primitives): void {
  const of = (row: { label: string; contextU: string; contextV: string; bits: number }) => ({
    label: row.label,
    contextU: hex(row.contextU),
    contextV: hex(row.contextV),
    bits: row.bits,
  });

  it("gives KDFa's published key", () => {
    expect(hexOf(kdfa(hex(KDFA.key), of(KDFA), primitives))).toBe(KDFA.result);
  });

  it.each(KDFE)("gives KDFe's published key of $bits bits", (row) => {
    expect(hexOf(kdfe(hex(row.z), of(row), primitives))).toBe(row.result);
  });

  it.each([ECC_SECRET, ECC_IDENTITY])("gives the seed that a TPM agreed on, labelled $label", async (row) => {
    const point = concatBytes(Uint8Array.of(4), hex(row.x), hex(row.y));
    const [shared, own] = [
      await primitives.agree("p256", hex(row.ephemeral), point),
      await primitives.publicKeyOf("p256", hex(row.ephemeral)),
    ];
    const contexts = { contextU: own.slice(1, 33), contextV: hex(row.x) };
    expect(hexOf(kdfe(shared, { label: row.label, ...contexts, bits: 256 }, primitives))).toBe(row.seed);
  });
}

/** NIST SP 800-38A, F.3.13. */
function describeCfb({ cfbEncrypt }: Primitives): void {
  const key = hex("2b7e151628aed2a6abf7158809cf4f3c");
  const iv = hex("000102030405060708090a0b0c0d0e0f");
  const plaintext = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
  const ciphertext = "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b";

  it("gives what NIST publishes, whole blocks or not", () => {
    expect(hexOf(cfbEncrypt(key, iv, plaintext))).toBe(ciphertext);
    expect(hexOf(cfbEncrypt(key, iv, plaintext.slice(0, 21)))).toBe(ciphertext.slice(0, 42));
    expect(cfbEncrypt(key, iv, NOTHING)).toEqual(NOTHING);
  });

  it.each([
    [24, 16],
    [32, 16],
    [16, 12],
  ])("is misused by a key of %i bytes and an IV of %i", (keySize, ivSize) => {
    let thrown: unknown;
    try {
      cfbEncrypt(new Uint8Array(keySize), new Uint8Array(ivSize), plaintext);
    } catch (fault) {
      thrown = fault;
    }
    expect(isFault(thrown, "internal/invariant")).toBe(true);
  });
}

function describeCredentials(primitives: Primitives): void {
  const parts = { primitives, random: fresh };

  it("makes one for an RSA key that its holder opens, and only for the object that it names", async () => {
    const { spki, open } = await rsaKey();
    const credential = await made(makeCredential(SECRET, { ek: { kind: "rsa", spki }, name: NAME }, parts));
    expect(credential.encryptedSecret).toHaveLength(256);
    const seed = await open(credential.encryptedSecret, utf8("IDENTITY\0"));
    expect(opened(credential, seed, NAME, primitives)).toEqual(SECRET);
    expect(opened(credential, seed, NAME.with(33, 0), primitives)).toBeUndefined();
    await expect(open(credential.encryptedSecret, utf8("IDENTITY"))).rejects.toThrow();
    const again = await made(makeCredential(SECRET, { ek: { kind: "rsa", spki }, name: NAME }, parts));
    expect(equalBytes(again.encryptedSecret, credential.encryptedSecret)).toBe(false);
    expect(equalBytes(again.idObject, credential.idObject)).toBe(false);
  });

  it("makes one for a key on P-256 by the point and the seed that a TPM agreed on", async () => {
    const { x, y, ephemeral, seed, encryptedSecret } = ECC_IDENTITY;
    const ek = { kind: "ecc", x: hex(x), y: hex(y) } as const;
    const fixed = { primitives, random: () => hex(ephemeral) };
    const credential = await made(makeCredential(SECRET, { ek, name: NAME }, fixed));
    expect(hexOf(credential.encryptedSecret)).toBe(encryptedSecret);
    expect(opened(credential, hex(seed), NAME, primitives)).toEqual(SECRET);
  });

  it.each([
    ["a modulus of zeros", { kind: "rsa", spki: spkiOf("rsa-2048-pkcs1-sha256", new Uint8Array(256)) }],
    ["a key of another kind", { kind: "rsa", spki: spkiOf("ecdsa-p256-sha256", new Uint8Array(64)) }],
    ["a point off the curve", { kind: "ecc", x: new Uint8Array(32).fill(1), y: new Uint8Array(32).fill(2) }],
    ["a point of zeros", { kind: "ecc", x: new Uint8Array(32), y: new Uint8Array(32) }],
  ] as const)("makes none for %s", async (_, ek) => {
    expect(await makeCredential(SECRET, { ek, name: NAME }, parts)).toBeUndefined();
  });
}

async function made(credential: Promise<Credential | undefined>): Promise<Credential> {
  const one = await credential;
  if (one === undefined) throw new Error("a credential");
  return one;
}

async function rsaKey() {
  const { subtle } = globalThis.crypto;
  const plan = { ...OAEP, modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) };
  const pair = await subtle.generateKey(plan, true, ["encrypt", "decrypt"]);
  if (!("privateKey" in pair)) throw new Error("a pair");
  const spki = new Uint8Array(await subtle.exportKey("spki", pair.publicKey));
  const open = async (ciphertext: Uint8Array, label: Uint8Array) => {
    const under = { ...OAEP, label: Uint8Array.from(label) };
    return new Uint8Array(await subtle.decrypt(under, pair.privateKey, Uint8Array.from(ciphertext)));
  };
  return { spki, open };
}

/** As TPM 2.0 Part 1, section 24 says a TPM does. */
function opened(
  { idObject }: Credential,
  seed: Uint8Array,
  name: Uint8Array,
  { hmac }: Primitives,
): Uint8Array | undefined {
  const reader = new Reader(idObject, "tpm/malformed");
  const mac = readSized(reader);
  const identity = reader.bytes(reader.left);
  const none = { contextU: NOTHING, contextV: NOTHING };
  const macKey = kdfa(seed, { label: "INTEGRITY", ...none, bits: 256 }, { hmac });
  if (!equalBytes(mac, hmac("sha256", macKey, concatBytes(identity, name)))) return undefined;
  const key = kdfa(seed, { label: "STORAGE", contextU: name, contextV: NOTHING, bits: 128 }, { hmac });
  return readSized(new Reader(cfb(key, new Uint8Array(16)).decrypt(identity), "tpm/malformed"));
}
