/** What does `ostiary secret seal` need of Node? A pinned key from a file, the public half of a private one, and HPKE. */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { SealEdges } from "../../cli/secret-verb.ts";
import { sealSecret } from "../../client/seal-secret.ts";
import { systemNow, systemRandom } from "./clock.ts";
import { bytesOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";
import { spkiOfPublicPem } from "./signers.ts";

export const nodeSealing: SealEdges = {
  signingKeyOf: async (file) => spkiOfPublicPem(parseUtf8(await bytesOf(file)) ?? ""),
  pairOf: (key) => {
    const privateKey = privateKeyOf(Buffer.from(key.buffer, key.byteOffset, key.byteLength));
    const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" });
    const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
    return { pkcs8, publicKey: Uint8Array.from(spki) };
  },
  sealSecret: (plan) =>
    sealSecret(plan, { now: systemNow(), random: systemRandom, primitives: nodePrimitives }),
};

const PEM = Buffer.from("-----BEGIN");

function privateKeyOf(key: Buffer): KeyObject {
  try {
    const isPem = key.subarray(0, PEM.length).equals(PEM);
    return createPrivateKey(isPem ? { key, format: "pem" } : { key, format: "der", type: "pkcs8" });
  } catch {
    // INVARIANT: the cause is dropped, it may quote the key.
    throw new Fault(
      "request/malformed",
      "expected a private key in PKCS#8, DER or PEM, without a passphrase",
    );
  }
}
