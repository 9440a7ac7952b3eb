/** RFC 9180 base mode: appendix A.1, a second implementation, and everything that must not open. */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, hexOf } from "../../src/base/bytes.ts";
import type { Primitives } from "../../src/base/primitives.ts";
import { openBase, sealBase } from "../../src/channel/hpke.ts";
import { HPKE_X25519 } from "../../src/channel/suites.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { describeHpke } from "../contract/hpke.ts";
import { describeXWing } from "../contract/x-wing.ts";
import { cryptoVector } from "../support/crypto-vectors.ts";
import { codeOfPromise } from "../support/faults.ts";
import { noblePrimitives } from "../support/noble-primitives.ts";
import { bytesOf } from "../support/protocol-fields.ts";

describeHpke({ name: "node", primitives: nodePrimitives, vector: cryptoVector });
describeHpke({ name: "noble", primitives: noblePrimitives, vector: cryptoVector });
describeXWing({ name: "node", primitives: nodePrimitives, vector: cryptoVector });
describeXWing({ name: "noble", primitives: noblePrimitives, vector: cryptoVector });

describe("suite 1 and a second implementation", () => {
  const theirs = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const bytes = fc.uint8Array({ maxLength: 300 });
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

  it.each([
    { name: "node", primitives: nodePrimitives },
    { name: "noble", primitives: noblePrimitives },
  ])("opens there what was sealed here ($name)", async ({ primitives }) => {
    await fc.assert(
      fc.asyncProperty(key, key, bytes, bytes, bytes, async (secret, ephemeral, info, aad, plaintext) => {
        const recipient = await primitives.publicKeyOf("x25519", secret);
        const { enc, ct } = await sealBase(
          { recipient, info, aad, plaintext, ephemeral },
          primitives,
          HPKE_X25519,
        );
        const recipientKey = await theirs.kem.importKey("raw", owned(secret), false);
        const opened = await theirs.open(
          { recipientKey, enc: owned(enc), info: owned(info) },
          owned(ct),
          owned(aad),
        );
        expect(new Uint8Array(opened)).toEqual(plaintext);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    { name: "node", primitives: nodePrimitives },
    { name: "noble", primitives: noblePrimitives },
  ])("opens here what was sealed there ($name)", async ({ primitives }) => {
    await fc.assert(
      fc.asyncProperty(key, bytes, bytes, bytes, async (privateKey, info, aad, plaintext) => {
        const recipient = await primitives.publicKeyOf("x25519", privateKey);
        const recipientPublicKey = await theirs.kem.importKey("raw", owned(recipient), true);
        const sealed = await theirs.seal(
          { recipientPublicKey, info: owned(info) },
          owned(plaintext),
          owned(aad),
        );
        const [enc, ct] = [new Uint8Array(sealed.enc), new Uint8Array(sealed.ct)];
        expect(await openBase({ privateKey, enc, info, aad, ct }, primitives, HPKE_X25519)).toEqual(
          plaintext,
        );
      }),
      { numRuns: 50 },
    );
  });
});

/** The canonical and non-canonical encodings of points whose product with any scalar is zero (RFC 7748 section 7). */
const SMALL_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

describe("opening", () => {
  it("answers nothing for a bit flipped anywhere, in the ciphertext, the encapsulated key, the info or the aad", async () => {
    const good = await sealed();
    expect(await openBase(good, nodePrimitives, HPKE_X25519)).toEqual(PLAINTEXT);
    for (const name of ["enc", "ct", "info", "aad"] as const) {
      for (let at = 0; at < good[name].length; at += 1) {
        const flipped = { ...good, [name]: good[name].map((byte, i) => (i === at ? byte ^ 1 : byte)) };
        expect(await openBase(flipped, nodePrimitives, HPKE_X25519), `${name} byte ${at}`).toBeUndefined();
      }
    }
  });

  it("answers nothing to another key", async () => {
    const privateKey = new Uint8Array(32).fill(9);
    expect(await openBase({ ...(await sealed()), privateKey }, nodePrimitives, HPKE_X25519)).toBeUndefined();
  });

  it.each([
    { name: "an encapsulated key of 31 bytes", change: { enc: new Uint8Array(31).fill(9) } },
    { name: "an encapsulated key of 33 bytes", change: { enc: new Uint8Array(33).fill(9) } },
    { name: "no encapsulated key", change: { enc: new Uint8Array(0) } },
    { name: "an encapsulated key of small order", change: { enc: new Uint8Array(32) } },
    { name: "no ciphertext", change: { ct: new Uint8Array(0) } },
    { name: "a ciphertext shorter than its tag", change: { ct: new Uint8Array(15) } },
  ])("answers nothing for $name", async ({ change }) => {
    expect(await openBase({ ...(await sealed()), ...change }, nodePrimitives, HPKE_X25519)).toBeUndefined();
  });

  it("never throws, whatever bytes come", async () => {
    const any = fc.uint8Array({ maxLength: 64 });
    await fc.assert(
      fc.asyncProperty(any, any, async (enc, ct) => {
        const answer = await openBase({ ...(await sealed()), enc, ct }, nodePrimitives, HPKE_X25519);
        expect(answer).toBeUndefined();
      }),
    );
  });

  it("answers nothing for a message that anyone could have sealed through a key of small order", async () => {
    // The shared secret is then all zero for every recipient: seal under it, as an attacker who skips the refusal.
    const marker = new Uint8Array(32).fill(0xee);
    const attacker: Primitives = {
      ...nodePrimitives,
      agree: async () => marker.slice(),
      publicKeyOf: async () => new Uint8Array(32),
      hmac: (hash, key, input) => {
        const isOfMarker = hexOf(input).endsWith(hexOf(marker));
        const zeroed = isOfMarker ? concatBytes(input.slice(0, -32), new Uint8Array(32)) : input;
        return nodePrimitives.hmac(hash, key, zeroed);
      },
    };
    const { privateKey } = await recipientOf();
    const forged = await seal({}, attacker);
    const opened = await openBase(
      { privateKey, ...forged, info: INFO, aad: AAD },
      nodePrimitives,
      HPKE_X25519,
    );
    expect(hexOf(forged.enc)).toBe("00".repeat(32));
    expect(opened).toBeUndefined();
  });
});

describe("sealing", () => {
  it.each(SMALL_ORDER.map((hex) => ({ hex })))(
    "refuses the public key of small order $hex",
    async ({ hex }) => {
      expect(await codeOfPromise(seal({ recipient: bytesOf(hex) }))).toBe("channel/bad-key");
    },
  );

  it.each([0, 31, 33, 65, 1216])("refuses a public key of %i bytes", async (size) => {
    expect(await codeOfPromise(seal({ recipient: new Uint8Array(size).fill(9) }))).toBe("channel/bad-key");
  });

  it("takes an ephemeral key of its own size only, and wipes it", async () => {
    expect(await codeOfPromise(seal({ ephemeral: new Uint8Array(31) }))).toBe("internal/invariant");
    expect(
      await codeOfPromise(
        openBase({ ...(await sealed()), privateKey: new Uint8Array(33) }, nodePrimitives, HPKE_X25519),
      ),
    ).toBe("internal/invariant");
    const ephemeral = new Uint8Array(32).fill(3);
    await seal({ ephemeral });
    expect(hexOf(ephemeral)).toBe("00".repeat(32));
  });

  it("costs one agreement, one public key, six MACs and one AEAD", async () => {
    const calls: string[] = [];
    const counted =
      <Args extends readonly unknown[], Answer>(name: string, call: (...args: Args) => Answer) =>
      (...args: Args): Answer => {
        calls.push(name);
        return call(...args);
      };
    const counting: Primitives = {
      ...nodePrimitives,
      hmac: counted("hmac", nodePrimitives.hmac),
      agree: counted("agree", nodePrimitives.agree),
      publicKeyOf: counted("publicKeyOf", nodePrimitives.publicKeyOf),
      aeadSeal: counted("aeadSeal", nodePrimitives.aeadSeal),
    };
    await seal({}, counting);
    expect(calls.sort()).toEqual([
      "aeadSeal",
      "agree",
      ...Array.from({ length: 6 }, () => "hmac"),
      "publicKeyOf",
    ]);
  });
});

const PLAINTEXT = new Uint8Array(48).fill(0x5a);
const INFO = new Uint8Array(20).fill(1);
const AAD = new Uint8Array(20).fill(2);

async function recipientOf(): Promise<{ readonly privateKey: Uint8Array; readonly recipient: Uint8Array }> {
  const privateKey = new Uint8Array(32).fill(7);
  return { privateKey, recipient: await nodePrimitives.publicKeyOf("x25519", privateKey) };
}

async function sealed() {
  const { privateKey } = await recipientOf();
  const { enc, ct } = await seal({});
  return { privateKey, enc, ct, info: INFO, aad: AAD };
}

async function seal(
  change: { readonly recipient?: Uint8Array; readonly ephemeral?: Uint8Array },
  primitives = nodePrimitives,
) {
  const { recipient } = await recipientOf();
  const ephemeral = new Uint8Array(32).fill(3);
  return sealBase(
    { recipient, info: INFO, aad: AAD, plaintext: PLAINTEXT, ephemeral, ...change },
    primitives,
    HPKE_X25519,
  );
}

/** WebCrypto asks for bytes over a plain ArrayBuffer. */
function owned(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(concatBytes(bytes)).buffer;
}
