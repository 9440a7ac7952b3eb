/** How does a TPM make keys of a secret? KDFa and KDFe, both with SHA-256 (TPM 2.0 Part 1, sections 11.4.10.2 and 11.4.10.3). */
import { concatBytes, u32be, utf8 } from "../../base/bytes.ts";
import type { Primitives } from "../../base/primitives.ts";

/** What both have: a purpose, what belongs to either side, and how much is wanted. */
export interface Derivation {
  /** `STORAGE`, without the zero that follows it. */
  readonly label: string;
  readonly contextU: Uint8Array;
  readonly contextV: Uint8Array;
  /** Where it is not a multiple of eight, the first bits are zero. */
  readonly bits: number;
}

const HASH_BITS = 256;

/** Of a key that two share: HMAC in counter mode (NIST SP 800-108). */
export function kdfa(key: Uint8Array, of: Derivation, { hmac }: Pick<Primitives, "hmac">): Uint8Array {
  const { label, contextU, contextV, bits } = of;
  const fixed = concatBytes(utf8(`${label}\0`), contextU, contextV, u32be(bits));
  return blocksOf(bits, (counter) => hmac("sha256", key, concatBytes(u32be(counter), fixed)));
}

/** Of a point that two agreed on, by its x: the concatenation of hashes (NIST SP 800-56A). */
export function kdfe(z: Uint8Array, of: Derivation, { digest }: Pick<Primitives, "digest">): Uint8Array {
  const { label, contextU, contextV, bits } = of;
  const fixed = concatBytes(z, utf8(`${label}\0`), contextU, contextV);
  return blocksOf(bits, (counter) => digest("sha256", concatBytes(u32be(counter), fixed)));
}

function blocksOf(bits: number, block: (counter: number) => Uint8Array): Uint8Array {
  const count = Math.ceil(bits / HASH_BITS);
  const made = concatBytes(...Array.from({ length: count }, (_, i) => block(i + 1)));
  const derived = made.slice(0, Math.ceil(bits / 8));
  const spare = 8 * derived.length - bits;
  derived[0] = (derived[0] ?? 0) & (0xff >> spare);
  return derived;
}
