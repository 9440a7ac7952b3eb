/** How does Node encapsulate by ML-KEM-768 (FIPS 203)? OpenSSL 3.5, behind the Primitives port. */
import { createPrivateKey, createPublicKey, decapsulate, encapsulate, type KeyObject } from "node:crypto";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";

const SEED_SIZE = 64;
const CIPHERTEXT_SIZE = 1088;
const KEY = "ml-kem-768";

/** The port's three functions of ML-KEM-768. */
export const mlKem: Pick<Primitives, "kemPublicKeyOf" | "kemEncapsulate" | "kemDecapsulate"> = {
  kemPublicKeyOf: async (seed) => {
    const publicKey = createPublicKey(privateKeyOf(seed)).export({ format: "raw-public" });
    return new Uint8Array(publicKey);
  },
  kemEncapsulate: async (encapsulationKey) => {
    const key = publicKeyOf(encapsulationKey);
    if (key === undefined) return undefined;
    const { sharedKey, ciphertext } = encapsulate(key);
    return { shared: new Uint8Array(sharedKey), ciphertext: new Uint8Array(ciphertext) };
  },
  kemDecapsulate: async (seed, ciphertext) => {
    if (ciphertext.length !== CIPHERTEXT_SIZE) throw misuse("ciphertext", CIPHERTEXT_SIZE);
    return new Uint8Array(decapsulate(privateKeyOf(seed), ciphertext));
  },
};

function privateKeyOf(seed: Uint8Array): KeyObject {
  if (seed.length !== SEED_SIZE) throw misuse("seed", SEED_SIZE);
  return createPrivateKey({ key: Buffer.from(seed), format: "raw-seed", asymmetricKeyType: KEY });
}

/** OpenSSL checks length and modulus when it reads the key. */
function publicKeyOf(encapsulationKey: Uint8Array): KeyObject | undefined {
  try {
    const key = Buffer.from(encapsulationKey);
    return createPublicKey({ key, format: "raw-public", asymmetricKeyType: KEY });
  } catch {
    return undefined;
  }
}

function misuse(what: string, size: number): Fault {
  return new Fault("internal/invariant", `an ML-KEM-768 ${what} has ${size} bytes`);
}
