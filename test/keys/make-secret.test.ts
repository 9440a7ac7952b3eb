/** Does the broker make what a recipe names, of the right size and never a weak one? */
import { createPrivateKey, createPublicKey } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeSecret } from "../../src/keys/make-secret.ts";
import { parseRecipe, RECIPE_NAMES, recipeText } from "../../src/keys/recipe.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { random } from "../http/broker-at-hand.ts";

const MAKER = { random, primitives: nodePrimitives };

describe("makeSecret", () => {
  it.each([
    [{ name: "bytes", size: 16 }, 16],
    [{ name: "bytes", size: 65_536 }, 65_536],
    [{ name: "aes-128" }, 16],
    [{ name: "aes-256" }, 32],
    [{ name: "aes-256-xts" }, 64],
  ] as const)("makes %o of %i bytes, each time others", async (recipe, size) => {
    const [first, second] = [await makeSecret(recipe, MAKER), await makeSecret(recipe, MAKER)];
    expect(first.plaintext).toHaveLength(size);
    expect(first.publicKey).toHaveLength(0);
    expect(first.plaintext).not.toEqual(second.plaintext);
  });

  it.each([
    [{ name: "bytes" }],
    [{ name: "bytes", size: 15 }],
    [{ name: "bytes", size: 65_537 }],
    [{ name: "bytes", size: 16.5 }],
    [{ name: "aes-256", size: 32 }],
    [{ name: "ed25519", size: 32 }],
  ] as const)("refuses %o", async (recipe) => {
    await expect(makeSecret(recipe, MAKER)).rejects.toMatchObject({ code: "request/malformed" });
  });

  it.each([
    ["ed25519", "ed25519", {}],
    ["p-256", "ec", { namedCurve: "prime256v1" }],
    ["p-384", "ec", { namedCurve: "secp384r1" }],
    ["rsa-3072", "rsa", { modulusLength: 3072, publicExponent: 65_537n }],
  ] as const)("makes %s as PKCS #8, and its public half", async (name, kind, details) => {
    const { plaintext, publicKey } = await makeSecret({ name }, MAKER);
    const key = createPrivateKey({ key: Buffer.from(plaintext), format: "der", type: "pkcs8" });
    expect([key.asymmetricKeyType, key.asymmetricKeyDetails]).toEqual([kind, details]);
    expect(new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }))).toEqual(publicKey);
  });

  it("draws again where the halves of an XTS key are one and the same", async () => {
    const draws = [new Uint8Array(64).fill(7), new Uint8Array(64).map((_, i) => i)];
    const maker = { ...MAKER, random: () => draws.shift() ?? new Uint8Array(64) };
    expect((await makeSecret({ name: "aes-256-xts" }, maker)).plaintext[63]).toBe(63);
  });

  it("makes a passphrase of 160 bits out of 32 digits, each as likely, and wipes what it drew", async () => {
    const text = async (bytes: Uint8Array) =>
      Buffer.from(
        (await makeSecret({ name: "passphrase" }, { ...MAKER, random: () => bytes })).plaintext,
      ).toString();
    expect(await text(new Uint8Array(32))).toBe("0000-0000-0000-0000-0000-0000-0000-0000");
    const seen = new Map<string, number>();
    for (let start = 0; start < 256; start += 32) {
      const drawn = Uint8Array.from({ length: 32 }, (_, i) => start + i);
      const made = await text(drawn);
      expect(made).toMatch(/^(?:[0-9a-hjkmnp-tv-z]{4}-){7}[0-9a-hjkmnp-tv-z]{4}$/);
      for (const digit of made.replaceAll("-", "")) seen.set(digit, (seen.get(digit) ?? 0) + 1);
      expect(drawn.every((byte) => byte === 0)).toBe(true);
    }
    expect([seen.size, new Set(seen.values())]).toEqual([32, new Set([8])]);
  });
});

describe("parseRecipe", () => {
  it("reads what recipeText writes", () => {
    const sized = fc.record({
      name: fc.constant("bytes" as const),
      size: fc.integer({ min: 16, max: 65_536 }),
    });
    const named = fc.record({ name: fc.constantFrom(...RECIPE_NAMES.filter((name) => name !== "bytes")) });
    fc.assert(
      fc.property(fc.oneof(sized, named), (recipe) => {
        expect(parseRecipe(recipeText(recipe))).toEqual(recipe);
      }),
    );
  });

  it.each(["", "bytes", "bytes:", "bytes:-1", "bytes:1e3", "bytes:032", "aes-256:32", "des", "bytes:16:16"])(
    "reads no recipe in `%s`",
    (text) => expect(parseRecipe(text)).toBeUndefined(),
  );
});
