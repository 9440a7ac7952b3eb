/** What does a guest ask of the broker, and what did the broker itself see of the exchange? Plain data. */
import type * as wire from "../wire/messages.ts";
import type { Step } from "./steps.ts";

export type BindingId = wire.BindingId;
export type SuiteId = wire.SuiteId;
export type Challenge = wire.Challenge;
export type ChallengeRequest = wire.ChallengeRequest;
export type Claims = wire.Claims;
export type WantedItem = wire.WantedItem;
export type ReleaseRequest = wire.ReleaseRequest;
export type AttestRequest = wire.AttestRequest;
export type RefusedItem = wire.RefusedItem;
export type ReleaseAnswer = wire.ReleaseAnswer;
export type AttestAnswer = wire.AttestAnswer;

/** What the broker saw with its own eyes; none of it comes from a body or a header. */
export interface Exchange {
  /** ULID of the request, given on arrival: the decision id. */
  readonly id: string;
  /** Bindings that this listener serves. */
  readonly offered: readonly BindingId[];
  /** Address of the peer. */
  readonly source: string;
  /** 32-byte TLS exporter of the connection that carries this request (binding 2). */
  readonly cb?: Uint8Array;
  /** DER SPKI of this listener's TLS leaf (bindings 1 and 2). */
  readonly ownSpki?: Uint8Array;
  /** DER SPKI of the leaf that the guest sent (bindings 1 and 2). */
  readonly peerSpki?: Uint8Array;
  /** DER of the leaf that the guest sent: it carries the evidence in binding 1. */
  readonly peerCertificate?: Uint8Array;
  /** Says that a step begins; absent where nobody measures. */
  readonly step?: (step: Step) => void;
}
