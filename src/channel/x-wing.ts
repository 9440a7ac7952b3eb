/** How is a secret kept from a later quantum attacker? X-Wing: ML-KEM-768 beside X25519 (draft-connolly-cfrg-xwing-kem). */
import { concatBytes, utf8 } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import { badKey, type Kem } from "./kem.ts";

const ML_KEM_SEED = 64;
const ML_KEM_PUBLIC = 1184;
const ML_KEM_CIPHERTEXT = 1088;
const X25519_SIZE = 32;
/** The six ASCII characters that the draft ends the combiner's input with. */
const LABEL = utf8("\\.//^\\");

/** Suite 2's mechanism. A private key is the draft's 32-byte seed. */
export const X_WING: Kem = {
  id: 0x647a,
  publicKeySize: ML_KEM_PUBLIC + X25519_SIZE,
  privateKeySize: 32,
  encSize: ML_KEM_CIPHERTEXT + X25519_SIZE,
  publicKeyOf: async (privateKey, primitives) => {
    const halves = halvesOf(privateKey, primitives);
    const [mlKem, x25519] = await publicHalvesOf(halves, primitives);
    wipe(halves);
    return concatBytes(mlKem, x25519);
  },
  encapsulate: async (recipient, ephemeral, primitives) => {
    const mlKem = await primitives.kemEncapsulate(recipient.slice(0, ML_KEM_PUBLIC));
    if (mlKem === undefined) throw badKey("ML-KEM-768 coefficients below the modulus, then X25519");
    const pkX = recipient.slice(ML_KEM_PUBLIC);
    const [ssX, ctX] = await Promise.all([
      primitives.agree("x25519", ephemeral, pkX),
      primitives.publicKeyOf("x25519", ephemeral),
    ]);
    ephemeral.fill(0);
    const shared = combine({ ssM: mlKem.shared, ssX, ctX, pkX }, primitives);
    return { shared, enc: concatBytes(mlKem.ciphertext, ctX) };
  },
  decapsulate: async (privateKey, enc, primitives) => {
    const halves = halvesOf(privateKey, primitives);
    const ctX = enc.slice(ML_KEM_CIPHERTEXT);
    const [ssM, ssX, pkX] = await Promise.all([
      primitives.kemDecapsulate(halves.mlKemSeed, enc.slice(0, ML_KEM_CIPHERTEXT)),
      primitives.agree("x25519", halves.x25519, ctX),
      primitives.publicKeyOf("x25519", halves.x25519),
    ]);
    wipe(halves);
    return combine({ ssM, ssX, ctX, pkX }, primitives);
  },
};

interface Halves {
  readonly mlKemSeed: Uint8Array;
  readonly x25519: Uint8Array;
}

/** `expandDecapsulationKey`, up to ML-KEM's own key generation. */
function halvesOf(seed: Uint8Array, { shake256 }: Pick<Primitives, "shake256">): Halves {
  const expanded = shake256(seed, ML_KEM_SEED + X25519_SIZE);
  const halves = { mlKemSeed: expanded.slice(0, ML_KEM_SEED), x25519: expanded.slice(ML_KEM_SEED) };
  expanded.fill(0);
  return halves;
}

function publicHalvesOf(
  { mlKemSeed, x25519 }: Halves,
  primitives: Primitives,
): Promise<readonly [Uint8Array, Uint8Array]> {
  return Promise.all([primitives.kemPublicKeyOf(mlKemSeed), primitives.publicKeyOf("x25519", x25519)]);
}

interface Parts {
  readonly ssM: Uint8Array;
  readonly ssX: Uint8Array;
  readonly ctX: Uint8Array;
  readonly pkX: Uint8Array;
}

/** The draft's `Combiner`. An X25519 secret of zeroes is no fault here: ML-KEM's half still holds. Zeroises both secrets. */
function combine({ ssM, ssX, ctX, pkX }: Parts, { sha3 }: Pick<Primitives, "sha3">): Uint8Array {
  const input = concatBytes(ssM, ssX, ctX, pkX, LABEL);
  const shared = sha3(input);
  for (const spent of [input, ssM, ssX]) spent.fill(0);
  return shared;
}

function wipe({ mlKemSeed, x25519 }: Halves): void {
  mlKemSeed.fill(0);
  x25519.fill(0);
}
