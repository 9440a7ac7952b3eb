/** What does a broker's evidence commit to? Role 2 of the transcript and the signature over a session, as both sides rebuild them. */
import type { EvidenceFormat } from "../attestation/evidence.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Binding } from "./bindings.ts";
import { sessionSignatureInput } from "./session.ts";
import { type Transcript, transcriptOf } from "./transcript.ts";

/** What one side saw of the connection; nothing of it was received from the other. */
export interface SeenChannel {
  readonly binding: Binding;
  /** The exporter of the connection. */
  readonly cb?: Uint8Array | undefined;
  /** DER SubjectPublicKeyInfo of the broker's TLS leaf. */
  readonly brokerSpki?: Uint8Array | undefined;
  /** DER SubjectPublicKeyInfo of the leaf that the guest sent. */
  readonly guestSpki?: Uint8Array | undefined;
}

/** One exchange in which a broker proves itself (PROTOCOL section 8). */
export interface ProofExchange {
  readonly audience: string;
  /** 32 bytes of the guest. */
  readonly guestNonce: Uint8Array;
  readonly channel: SeenChannel;
}

/** What the broker chose, or says of its report. */
export interface ProofFields {
  readonly vmpl: number;
  /** Of the evidence that is shown. */
  readonly format: EvidenceFormat;
  readonly ownNonce: Uint8Array;
  readonly claimsBytes: Uint8Array;
}

const NONE = new Uint8Array(0);

/** Tier 1: bound to the broker's key and to time, by its claims, and to no connection: that is the session signature's part. */
export function standingTranscript(
  fields: ProofFields,
  audience: string,
  primitives: Primitives,
): Transcript {
  const exchange = { audience, guestNonce: NONE, channel: { binding: 3 } } as const;
  return transcriptOf(fieldsOf(fields, exchange, primitives), primitives, fields.format);
}

/** Tier 2: over the guest's nonce, and over the connection in bindings that have one. */
export function freshTranscript(
  fields: ProofFields,
  exchange: ProofExchange,
  primitives: Primitives,
): Transcript {
  return transcriptOf(fieldsOf(fields, exchange, primitives), primitives, fields.format);
}

/** The bytes that the attested key signs for one session. @throws {@link Fault} as {@link sessionSignatureInput}. */
export function sessionInputOf({ audience, guestNonce, channel }: ProofExchange): Uint8Array {
  const { cb, attesterSpki } = carriedBy(channel);
  return sessionSignatureInput({ audience, guestNonce, cb, leafSpki: attesterSpki });
}

function fieldsOf(own: ProofFields, exchange: ProofExchange, { digest }: Primitives) {
  const { vmpl, ownNonce, claimsBytes } = own;
  const { audience, guestNonce, channel } = exchange;
  return {
    role: 2,
    binding: channel.binding,
    suite: 0,
    vmpl,
    audience,
    nonce: guestNonce,
    ownNonce,
    ...carriedBy(channel),
    wrapPub: NONE,
    claimsHash: digest("sha512", claimsBytes),
  } as const;
}

/** Which of it counts, by binding (PROTOCOL section 2): behind a proxy nothing of the connection does. */
function carriedBy({ binding, cb = NONE, brokerSpki = NONE, guestSpki = NONE }: SeenChannel) {
  if (binding === 3) return { cb: NONE, attesterSpki: NONE, peerSpki: NONE };
  if (binding === 1) return { cb: NONE, attesterSpki: brokerSpki, peerSpki: NONE };
  return { cb, attesterSpki: brokerSpki, peerSpki: guestSpki };
}
