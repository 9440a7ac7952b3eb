/** What can the broker make? Random bytes, keys of ciphers, key pairs, and words that people can type; each by its recipe. */
import { equalBytes, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { KeyPairKind, Primitives } from "../base/primitives.ts";
import type { Recipe, RecipeName } from "./recipe.ts";
import { zeroize } from "./zeroize.ts";

/** What a recipe gave; its holder overwrites `plaintext`. */
export interface Made {
  readonly plaintext: Uint8Array;
  /** DER SubjectPublicKeyInfo of a key pair, whose `plaintext` is PKCS#8 DER; empty for everything else. */
  readonly publicKey: Uint8Array;
}

export interface Maker {
  readonly random: (size: number) => Uint8Array;
  readonly primitives: Pick<Primitives, "generateKeyPair">;
}

/** The same bounds as for a secret that is put; the random ones are never short. */
const MIN_BYTES = 16;
const MAX_BYTES = 65_536;

/** Follows a recipe. @throws {@link Fault} `request/malformed` for a size that is missing, out of range or not asked for. */
export async function makeSecret(recipe: Recipe, maker: Maker): Promise<Made> {
  const { name, size } = recipe;
  refuseBadSize(recipe);
  const how = RECIPES[name];
  switch (how.kind) {
    case "bytes":
      return made(maker.random(size ?? how.size));
    case "xts":
      return made(xtsKey(maker));
    case "passphrase":
      return made(passphrase(maker));
    case "pair": {
      const { pkcs8, spki } = await maker.primitives.generateKeyPair(how.pair);
      return { plaintext: pkcs8, publicKey: spki };
    }
  }
}

type How =
  | { readonly kind: "bytes"; readonly size: number }
  | { readonly kind: "xts" | "passphrase" }
  | { readonly kind: "pair"; readonly pair: KeyPairKind };

const RECIPES: Readonly<Record<RecipeName, How>> = {
  bytes: { kind: "bytes", size: 32 },
  "aes-128": { kind: "bytes", size: 16 },
  "aes-256": { kind: "bytes", size: 32 },
  "aes-256-xts": { kind: "xts" },
  passphrase: { kind: "passphrase" },
  ed25519: { kind: "pair", pair: "ed25519" },
  "p-256": { kind: "pair", pair: "p-256" },
  "p-384": { kind: "pair", pair: "p-384" },
  "rsa-3072": { kind: "pair", pair: "rsa-3072" },
  "rsa-4096": { kind: "pair", pair: "rsa-4096" },
};

function refuseBadSize({ name, size }: Recipe): void {
  if (name !== "bytes" && size === undefined) return;
  const isSized = size !== undefined && Number.isInteger(size) && size >= MIN_BYTES && size <= MAX_BYTES;
  if (name === "bytes" && isSized) return;
  throw new Fault(
    "request/malformed",
    name === "bytes"
      ? `expected ${MIN_BYTES} to ${MAX_BYTES} bytes`
      : `expected no size beside \`${name}\`, which has its own`,
  );
}

function made(plaintext: Uint8Array): Made {
  return { plaintext, publicKey: new Uint8Array(0) };
}

const HALF = 32;

/** Two keys of AES-256 that differ, as FIPS 140-3 (IG C.I) demands of XTS. */
function xtsKey({ random }: Maker): Uint8Array {
  for (;;) {
    const key = random(2 * HALF);
    if (!equalBytes(key.subarray(0, HALF), key.subarray(HALF))) return key;
  }
}

/** The 32 digits of Crockford's Base32 in lower case: no `i`, `l`, `o`, `u`. Each random byte gives one, all alike. */
const DIGITS = utf8("0123456789abcdefghjkmnpqrstvwxyz");
const DASH = 0x2d;
const GROUPS = 8;
const GROUP_SIZE = 4;

/** 160 bits as eight groups of four digits: to be typed by a person, to be stretched by nobody. UTF-8. */
function passphrase({ random }: Maker): Uint8Array {
  const bytes = random(GROUPS * GROUP_SIZE);
  const text = new Uint8Array(GROUPS * (GROUP_SIZE + 1) - 1).fill(DASH);
  for (const [i, byte] of bytes.entries()) {
    text[i + Math.floor(i / GROUP_SIZE)] = DIGITS[byte % DIGITS.length] ?? DASH;
  }
  zeroize(bytes);
  return text;
}
