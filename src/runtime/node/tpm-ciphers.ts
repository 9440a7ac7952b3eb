/** How is something encrypted that only the holder of an RSA key is to read, or a TPM? OAEP, and AES in CFB mode, by OpenSSL. */
import { constants, createCipheriv, publicEncrypt } from "node:crypto";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { isSealingKey } from "../../base/spki.ts";

const BLOCK_SIZE = 16;

export const tpmCiphers: Pick<Primitives, "rsaSeal" | "cfbEncrypt"> = {
  rsaSeal: async (spki, label, plaintext) => {
    if (!isSealingKey(spki)) return undefined;
    try {
      const key = { key: Buffer.from(spki), format: "der", type: "spki" } as const;
      const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256", oaepLabel: label };
      return Uint8Array.from(publicEncrypt({ ...key, ...oaep }, plaintext));
    } catch {
      return undefined; // a modulus that is none
    }
  },
  cfbEncrypt: (key, iv, plaintext) => {
    if (key.length !== BLOCK_SIZE || iv.length !== BLOCK_SIZE) {
      throw new Fault("internal/invariant", "key and IV of AES-128-CFB have 16 bytes");
    }
    return Uint8Array.from(createCipheriv("aes-128-cfb", key, iv).update(plaintext));
  },
};
