/** What does every suite do with a secret, however it does it? The shape that HPKE and the JWE have in common. */
import type { Primitives } from "../base/primitives.ts";

/** What is sealed for one exchange. */
export interface SealPlan {
  /** The guest's one-use public key. */
  readonly recipient: Uint8Array;
  /** The hash of the transcript: only this exchange opens it. */
  readonly binder: Uint8Array;
  /** The exact bytes of the release's header. */
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly random: (size: number) => Uint8Array;
}

export interface Sealed {
  /** Empty where the ciphertext carries its own ephemeral key. */
  readonly enc: Uint8Array;
  readonly ct: Uint8Array;
}

export interface OpenPlan extends Sealed {
  readonly privateKey: Uint8Array;
  readonly binder: Uint8Array;
  readonly aad: Uint8Array;
}

/** One suite of PROTOCOL section 1. */
export interface Wrap {
  readonly privateKeySize: number;
  /** The public half of a private key, as it is sent. */
  readonly publicKeyOf: (privateKey: Uint8Array, primitives: Primitives) => Promise<Uint8Array>;
  /** Whether one look tells that nothing can be sealed to this key; `seal` has the last word. */
  readonly isHopeless: (recipient: Uint8Array, primitives: Primitives) => Promise<boolean>;
  /** @throws {@link Fault} `channel/bad-key` for a public key that no honest guest has. */
  readonly seal: (plan: SealPlan, primitives: Primitives) => Promise<Sealed>;
  /** `undefined` for anything that was not sealed to this key, for this exchange, with this header. */
  readonly open: (plan: OpenPlan, primitives: Primitives) => Promise<Uint8Array | undefined>;
}
