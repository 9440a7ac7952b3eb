/** How are the keys that sign tokens made and opened on Node? P-256 as PKCS#8 DER, which is wrapped before it is kept. */
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import type { TokenKeyMaker } from "../../broker/token-keys.ts";
import { createEs256Signer } from "./signers.ts";

export const nodeTokenKeys: TokenKeyMaker = {
  make: async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" }));
  },
  signerOf: async (pkcs8) =>
    createEs256Signer("token", createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" })),
};
