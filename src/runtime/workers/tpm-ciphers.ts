/** How does a Worker encrypt what only the holder of an RSA key is to read, or a TPM? OAEP by WebCrypto, which has no CFB: that is noble's. */
import { cfb } from "@noble/ciphers/aes.js";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { isSealingKey } from "../../base/spki.ts";

const BLOCK_SIZE = 16;
const OAEP = { name: "RSA-OAEP", hash: "SHA-256" };

export function tpmCiphers(
  subtle: typeof globalThis.crypto.subtle,
): Pick<Primitives, "rsaSeal" | "cfbEncrypt"> {
  return {
    rsaSeal: async (spki, label, plaintext) => {
      if (!isSealingKey(spki)) return undefined;
      const [bytes, under] = [new Uint8Array(plaintext), { ...OAEP, label: new Uint8Array(label) }];
      try {
        const key = await subtle.importKey("spki", new Uint8Array(spki), OAEP, false, ["encrypt"]);
        return new Uint8Array(await subtle.encrypt(under, key, bytes));
      } catch {
        return undefined; // a modulus that is none
      }
    },
    cfbEncrypt: (key, iv, plaintext) => {
      if (key.length !== BLOCK_SIZE || iv.length !== BLOCK_SIZE) {
        throw new Fault("internal/invariant", "key and IV of AES-128-CFB have 16 bytes");
      }
      return cfb(key, iv).encrypt(plaintext);
    },
  };
}
