/** Does a root key stay in its token, and is a token refused that would let it out, is another, or was taken away? */
import { createECDH } from "node:crypto";
import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { concatBytes, hexOf, utf8 } from "../../src/base/bytes.ts";
import { ivFor } from "../../src/kek/pkcs11/aes.ts";
import { generateTokenKey } from "../../src/kek/pkcs11/generate.ts";
import { publicPointOf } from "../../src/kek/pkcs11/key.ts";
import { openPkcs11Kek } from "../../src/kek/pkcs11/open.ts";
import { isOnCurve } from "../../src/kek/pkcs11/p384.ts";
import { refuseLastTry, withSession } from "../../src/kek/pkcs11/token.ts";
import { CKA, CKF, CKM } from "../../src/kek/pkcs11/words.ts";
import { hkdf } from "../../src/keys/derive.ts";
import { sivSeal } from "../../src/keys/siv.ts";
import { deviceParts } from "../../src/runtime/node/open-kek.ts";
import { describeKek } from "../contract/kek.ts";
import {
  createTokens,
  describeWithSoftHsm,
  makeKey,
  makePair,
  PIN,
  pullOut,
  type TestTokens,
} from "../support/softhsm.ts";

const UNAVAILABLE = { code: "kek/unavailable" };
const AAD = utf8("what this is for");
const SECRET = utf8("thirty-two bytes of a secret key");

describeWithSoftHsm("a root key in a PKCS#11 token", () => {
  let tokens: TestTokens;
  const open = (key: string, token = "broker") => openPkcs11Kek(tokens.place(token, key), deviceParts);

  beforeAll(async () => {
    tokens = createTokens();
    tokens.make("broker");
    await generateTokenKey(tokens.place("broker", "root"), "aes-256");
    await generateTokenKey(tokens.place("broker", "other"), "aes-256");
    await generateTokenKey(tokens.place("broker", "pair"), "p-384");
    await generateTokenKey(tokens.place("broker", "other pair"), "p-384");
  });
  afterAll(() => tokens.remove());

  describeKek(
    "a token (AES-256-GCM)",
    () => open("root"),
    () => open("other"),
  );
  describeKek(
    "a token (ECDH with P-384)",
    () => open("pair"),
    () => open("other pair"),
  );

  it("has an id of its own kind, which tells nothing and stays", async () => {
    for (const key of ["root", "pair"]) expect((await open(key)).id).toMatch(/^pkcs11:[0-9a-f]{32}$/);
  });

  it("serves many at once, in a session that does no two things at once", async () => {
    const kek = await open("root");
    const secrets = Array.from({ length: 64 }, (_, i) => new Uint8Array(40).fill(i));
    const wrapped = await Promise.all(secrets.map((secret) => kek.wrap(secret, AAD)));
    expect(await Promise.all(wrapped.map((one) => kek.unwrap(one, AAD)))).toEqual(secrets);
  });

  it("opens no envelope of somebody who knows the public half of a pair and no more", async () => {
    const kek = await open("pair");
    const point = await withSession(tokens.place("broker", "pair"), (session) =>
      publicPointOf("pair", session),
    );
    const forger = createECDH("secp384r1");
    const ephemeral = new Uint8Array(forger.generateKeys());
    const ikm = new Uint8Array(forger.computeSecret(point)); // as docs/envelope.md says, without the token's own part
    const info = concatBytes(utf8("ostiary/pkcs11-kek-p384/v1"), ephemeral, point);
    const key = hkdf(deviceParts, { hash: "sha384", ikm, salt: new Uint8Array(0), info, length: 32 });
    const sealed = sivSeal(key, new Uint8Array(12), concatBytes(Uint8Array.of(3), AAD), SECRET);
    const forged = concatBytes(Uint8Array.of(3), ephemeral, sealed);
    await expect(kek.unwrap(forged, AAD)).rejects.toMatchObject({ code: "kek/wrong-key" });
  });

  describe("is refused", () => {
    const KEPT = [
      [CKA.token, true],
      [CKA.private, true],
      [CKA.sensitive, true],
      [CKA.extractable, false],
      [CKA.encrypt, true],
      [CKA.decrypt, true],
    ] as const;
    const size = (bytes: number) => Uint8Array.of(bytes, 0, 0, 0, 0, 0, 0, 0);
    const but = (type: bigint, value: boolean) =>
      KEPT.map(([kept, truth]) => [kept, kept === type ? value : truth] as const);

    it.each([
      ["that may be extracted", but(CKA.extractable, true), 32, CKM.aesKeyGen],
      ["that the token shows", but(CKA.sensitive, false), 32, CKM.aesKeyGen],
      ["that needs no PIN", but(CKA.private, false), 32, CKM.aesKeyGen],
      ["that may not decrypt", but(CKA.decrypt, false), 32, CKM.aesKeyGen],
      ["that may not encrypt", but(CKA.encrypt, false), 32, CKM.aesKeyGen],
      ["of 128 bits", KEPT, 16, CKM.aesKeyGen],
      ["that is no key of AES", KEPT, 32, 0x350n],
    ] as const)("as a key %s", async (name, attributes, bytes, mechanism) => {
      const place = tokens.place("broker", name);
      await makeKey(place, mechanism, [...attributes, [CKA.label, utf8(name)], [CKA.valueLen, size(bytes)]]);
      const refused = { ...UNAVAILABLE, detail: { key: name } }; // by what the token says of it, before it is used
      await expect(openPkcs11Kek(place, deviceParts)).rejects.toMatchObject(refused);
    });

    it("as a pair whose halves are of two", async () => {
      await makePair(tokens.place("broker", "one half"), "mixed", "one half");
      await makePair(tokens.place("broker", "other half"), "other half", "mixed");
      const kek = await open("mixed");
      await expect(kek.wrap(SECRET, AAD)).rejects.toMatchObject(UNAVAILABLE);
    });

    it("as a key that is there twice, or not at all", async () => {
      const place = tokens.place("broker", "twice");
      for (let i = 0; i < 2; i += 1) {
        const attributes = [...KEPT, [CKA.label, utf8("twice")], [CKA.valueLen, size(32)]] as const;
        await makeKey(place, CKM.aesKeyGen, attributes); // in order: one session each
      }
      await expect(openPkcs11Kek(place, deviceParts)).rejects.toMatchObject({
        detail: { key: "twice", found: 2 },
      });
      await expect(open("nothing")).rejects.toMatchObject({ detail: { key: "nothing", found: 0 } });
    });

    it("as a second key of a label that is taken", async () => {
      const again = generateTokenKey(tokens.place("broker", "root"), "p-384");
      await expect(again).rejects.toMatchObject({ code: "file/unusable" });
    });

    it("with a token that is not there or there twice, a library that is none, and a wrong PIN", async () => {
      const elsewhere = { token: "elsewhere", found: 0 };
      await expect(open("root", "elsewhere")).rejects.toMatchObject({ detail: elsewhere });
      for (const module of ["/nowhere.so", process.execPath]) {
        const place = { ...tokens.place("broker", "root"), module };
        await expect(openPkcs11Kek(place, deviceParts)).rejects.toMatchObject(UNAVAILABLE);
      }
      tokens.make("twin");
      tokens.make("twin");
      pullOut();
      await expect(open("root", "twin")).rejects.toMatchObject({ detail: { token: "twin", found: 2 } });
      const wrong = { ...tokens.place("broker", "root"), pin: utf8("planted") };
      const refused = await openPkcs11Kek(wrong, deviceParts).catch((thrown: unknown) => thrown);
      expect(refused).toMatchObject(UNAVAILABLE);
      expect(`${String(refused)} ${JSON.stringify(refused)}`).not.toContain("planted");
    });
  });

  describe("while it serves", () => {
    it("goes on when the token was pulled out and put in again", async () => {
      for (const name of ["root", "pair"]) {
        const kek = await open(name);
        const wrapped = await kek.wrap(SECRET, AAD);
        pullOut();
        expect(await kek.unwrap(wrapped, AAD)).toEqual(SECRET);
      }
    });

    const away = (): string => join(tokens.folder, "../away");
    /** Puts every token's files into another folder, or back. */
    function carry(from: string, to: string): void {
      mkdirSync(to, { recursive: true });
      for (const name of readdirSync(from)) renameSync(join(from, name), join(to, name));
    }

    it("says so when the token is gone, and goes on when it is back", async () => {
      const kek = await open("root");
      const wrapped = await kek.wrap(SECRET, AAD);
      carry(tokens.folder, away());
      pullOut();
      await expect(kek.unwrap(wrapped, AAD)).rejects.toMatchObject(UNAVAILABLE);
      await expect(kek.wrap(SECRET, AAD)).rejects.toMatchObject(UNAVAILABLE);
      carry(away(), tokens.folder);
      pullOut();
      expect(await kek.unwrap(wrapped, AAD)).toEqual(SECRET);
    });

    it("wraps nothing under another key that was put in its place", async () => {
      const kek = await open("root");
      carry(tokens.folder, away());
      tokens.make("broker");
      pullOut();
      await generateTokenKey(tokens.place("broker", "root"), "aes-256");
      pullOut();
      await expect(kek.wrap(SECRET, AAD)).rejects.toMatchObject({ detail: { expected: kek.id } });
      carry(tokens.folder, join(tokens.folder, "../other"));
      carry(away(), tokens.folder);
      pullOut();
      expect((await open("root")).id).toBe(kek.id);
    });

    it("sends a PIN that was refused to no token again, not even to one that would take it", async () => {
      const kek = await open("root");
      carry(tokens.folder, away());
      tokens.make("broker", "161803");
      pullOut();
      await expect(kek.wrap(SECRET, AAD)).rejects.toMatchObject({ detail: { pin: "refused" } });
      carry(tokens.folder, join(tokens.folder, "../another"));
      carry(away(), tokens.folder);
      pullOut();
      await expect(kek.wrap(SECRET, AAD)).rejects.toMatchObject({ detail: { pin: "refused" } });
      expect((await open("root")).id).toBe(kek.id);
    });
  });
});

describe("a token that counts wrong PINs", () => {
  it("is left alone before the last try, and once it is locked", () => {
    for (const flags of [CKF.finalTry, CKF.locked, CKF.finalTry | 1n]) {
      expect(() => refuseLastTry("broker", flags)).toThrow(expect.objectContaining(UNAVAILABLE));
    }
    expect(() => refuseLastTry("broker", 0x1_040dn)).not.toThrow(); // one wrong PIN before, and others are left
  });
});

describe("the IV of AES-GCM in a token", () => {
  it("is another for the same bytes, and for other bytes even where randomness repeats", () => {
    const repeating = { ...deviceParts, random: (size: number) => new Uint8Array(size) };
    const given = [
      ["a", "b"],
      ["ab", ""],
      ["", "ab"],
      ["a", "c"],
    ] as const;
    const ivs = given.map(([plaintext, aad]) => hexOf(ivFor(utf8(plaintext), utf8(aad), repeating)));
    expect(new Set(ivs).size).toBe(given.length);
    const fresh = Array.from({ length: 500 }, () => hexOf(ivFor(SECRET, AAD, deviceParts)));
    expect(new Set(fresh).size).toBe(fresh.length);
    expect(fresh[0]).toHaveLength(24);
  });
});

describe("a point that a database brings", () => {
  it("reaches the token only on the curve P-384, written as it is written there", () => {
    const x =
      "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7";
    const y =
      "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";
    const base = concatBytes(Uint8Array.of(4), Buffer.from(x + y, "hex")); // FIPS 186-4, D.1.2.4
    expect(isOnCurve(base)).toBe(true);
    const off = base.slice();
    off[96] = (off[96] ?? 0) ^ 1;
    const hybrid = base.slice();
    hybrid[0] = 7;
    const compressed = concatBytes(Uint8Array.of(3), base.slice(1, 49));
    for (const point of [off, hybrid, compressed, Uint8Array.of(0), new Uint8Array(97)]) {
      expect(isOnCurve(point)).toBe(false);
    }
  });
});

describeWithSoftHsm("a PIN", () => {
  it("is in no message of a token that is not there", async () => {
    const place = { module: "/nowhere.so", token: "t", key: "k", pin: utf8(PIN) };
    const refused = await openPkcs11Kek(place, deviceParts).catch((thrown: unknown) => thrown);
    expect(JSON.stringify(refused)).not.toContain(PIN);
  });
});
