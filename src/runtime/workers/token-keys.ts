/** How are the keys that sign tokens made and opened in a Worker? P-256 as PKCS #8 DER, which is wrapped before it is kept. */
import type { TokenKeyMaker } from "../../broker/token-keys.ts";
import { generateKeyPair } from "./key-pairs.ts";
import { createSigner } from "./signers.ts";

export function workerTokenKeys(subtle: typeof globalThis.crypto.subtle): TokenKeyMaker {
  return {
    make: async () => (await generateKeyPair(subtle, "p-256")).pkcs8,
    signerOf: (pkcs8) => createSigner(subtle, "ES256", { kid: "token", pkcs8 }),
  };
}
