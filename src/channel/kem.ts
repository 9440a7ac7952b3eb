/** What does HPKE ask of a key encapsulation mechanism? The shape that `dhkem.ts` and `x-wing.ts` have. */
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";

/** A shared secret of 32 bytes, and what its recipient needs to find it again. */
export interface Encapsulation {
  readonly shared: Uint8Array;
  readonly enc: Uint8Array;
}

/** A mechanism with its sizes in bytes (RFC 9180 section 4; PROTOCOL section 1). */
export interface Kem {
  /** Its number among HPKE's KEM identifiers. */
  readonly id: number;
  readonly publicKeySize: number;
  readonly privateKeySize: number;
  readonly encSize: number;
  /** The public half of a private key, as it is sent. */
  readonly publicKeyOf: (privateKey: Uint8Array, primitives: Primitives) => Promise<Uint8Array>;
  /**
   * @param recipient - A public key of `publicKeySize` bytes.
   * @param ephemeral - 32 fresh random bytes: the X25519 key of this encapsulation alone. Zeroised.
   * @throws {@link Fault} `channel/bad-key` for a public key that no honest recipient has.
   */
  readonly encapsulate: (
    recipient: Uint8Array,
    ephemeral: Uint8Array,
    primitives: Primitives,
  ) => Promise<Encapsulation>;
  /** `undefined` where the shared secret would be chosen by somebody else. `enc` has `encSize` bytes. */
  readonly decapsulate: (
    privateKey: Uint8Array,
    enc: Uint8Array,
    primitives: Primitives,
  ) => Promise<Uint8Array | undefined>;
}

/** Bytes of the X25519 key that every mechanism here uses once. */
export const EPHEMERAL_SIZE = 32;

/** What a sender is told whose recipient's key is none. */
export function badKey(expected: string): Fault {
  return new Fault("channel/bad-key", `expected a public key of ${expected}`);
}
