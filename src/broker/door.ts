/** By which way did evidence come in? What is alike of the bindings of PROTOCOL section 4 and of the KBS exchange, for whoever decides over it. */
import type { CarriedEvidence, Evidence } from "../attestation/evidence.ts";
import type { ChannelId, Suite } from "../channel/bindings.ts";
import type { Nonce, NonceKeys } from "../channel/nonce.ts";
import type { BindingTranscript } from "../channel/transcript.ts";
import type { GuestPosture } from "../policy/guest-posture.ts";

/** What differs between the ways in; what is judged, and in which order, does not. */
export interface Door<Bound extends BindingTranscript> {
  readonly channel: ChannelId;
  readonly suite: Suite;
  /** Attacker-controlled. */
  readonly evidence: CarriedEvidence;
  readonly isPartial: boolean;
  /** What the guest says of itself, where what it says is bound with the rest. */
  readonly posture?: GuestPosture;
  /** What is refused before anything is paid for. @throws {@link Fault}. */
  readonly refuseStranger: () => Promise<void>;
  /** As the peer sent it: whether it is one of ours is yet to be seen. */
  readonly nonce: (keys: NonceKeys) => Uint8Array;
  /** There where the nonce was made anew from a part of it: that its MAC holds says nothing of the peer. */
  readonly isNonceImplied?: true;
  /** From the verifier's own view of the exchange. @throws {@link Fault}. */
  readonly transcriptOver: (evidence: Evidence, nonce: Nonce) => Bound;
  /** A key that nothing can be sealed to is refused before a use is spent on it. @throws {@link Fault} `channel/bad-key`. */
  readonly refuseHopeless: () => Promise<void>;
}
