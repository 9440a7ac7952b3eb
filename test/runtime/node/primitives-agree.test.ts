/** Do Node and noble answer alike on random inputs? Two authors, one answer. */
import { test } from "@fast-check/vitest";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256, p384 } from "@noble/curves/nist.js";
import fc from "fast-check";
import { describe, expect } from "vitest";
import { spkiOf } from "../../../src/base/spki.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { noblePrimitives } from "../../support/noble-primitives.ts";

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const exactly = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const hash = fc.constantFrom("sha256", "sha384", "sha512");
const RUNS = { numRuns: 40 };

describe("Node and noble", () => {
  test.prop([hash, bytes(600), bytes(300)], RUNS)(
    "hash and authenticate alike",
    (algorithm, message, key) => {
      expect(nodePrimitives.digest(algorithm, message)).toEqual(noblePrimitives.digest(algorithm, message));
      const expected = noblePrimitives.hmac(algorithm, key, message);
      expect(nodePrimitives.hmac(algorithm, key, message)).toEqual(expected);
    },
  );

  test.prop([exactly(32), exactly(32)], RUNS)(
    "agree on X25519 with any point whatever",
    async (own, point) => {
      expect(await nodePrimitives.publicKeyOf("x25519", own)).toEqual(
        await noblePrimitives.publicKeyOf("x25519", own),
      );
      expect(await nodePrimitives.agree("x25519", own, point)).toEqual(
        await noblePrimitives.agree("x25519", own, point),
      );
    },
  );

  const aesKey = fc.oneof(exactly(16), exactly(32));
  test.prop([aesKey, exactly(12), bytes(100), bytes(300)], RUNS)(
    "open what the other sealed",
    async (key, iv, aad, plaintext) => {
      const sealed = await nodePrimitives.aeadSeal(key, iv, aad, plaintext);
      expect(sealed).toEqual(await noblePrimitives.aeadSeal(key, iv, aad, plaintext));
      expect(await noblePrimitives.aeadOpen(key, iv, aad, sealed)).toEqual(plaintext);
      expect(await nodePrimitives.aeadOpen(key, iv, aad, sealed)).toEqual(plaintext);
    },
  );

  const flip = fc.tuple(fc.nat(), fc.nat(255));
  test.prop([fc.constantFrom("p384", "p256", "ed25519"), bytes(100), flip, fc.boolean()], RUNS)(
    "judge a signature alike, touched or not",
    async (kind, message, [at, mask], isKeyTouched) => {
      const { scheme, spki, signature } = signed(kind, message);
      const touched = isKeyTouched ? spki : signature;
      const place = at % touched.length;
      touched[place] = (touched[place] ?? 0) ^ mask;
      const expected = await noblePrimitives.verify(scheme, spki, message, signature);
      expect(await nodePrimitives.verify(scheme, spki, message, signature)).toBe(expected);
      if (mask === 0) expect(expected).toBe(true);
    },
  );

  test.prop(
    [fc.constantFrom("ecdsa-p384-sha384", "ecdsa-p256-sha256", "ed25519"), bytes(130), bytes(110)],
    RUNS,
  )("answer no to noise, and never throw", async (scheme, spki, signature) => {
    expect(await nodePrimitives.verify(scheme, spki, spki, signature)).toBe(false);
    expect(await noblePrimitives.verify(scheme, spki, spki, signature)).toBe(false);
  });
});

function signed(kind: "p384" | "p256" | "ed25519", message: Uint8Array) {
  if (kind === "ed25519") {
    const { secretKey, publicKey } = ed25519.keygen();
    return {
      scheme: "ed25519",
      spki: spkiOf("ed25519", publicKey),
      signature: ed25519.sign(message, secretKey),
    } as const;
  }
  const [curve, scheme] =
    kind === "p384" ? ([p384, "ecdsa-p384-sha384"] as const) : ([p256, "ecdsa-p256-sha256"] as const);
  const { secretKey, publicKey } = curve.keygen();
  const point = curve.Point.fromBytes(publicKey).toBytes(false).slice(1);
  return { scheme, spki: spkiOf(scheme, point), signature: curve.sign(message, secretKey) } as const;
}
