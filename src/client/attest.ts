/** How does a guest prove itself for one request? Its own view of the exchange, hashed, signed by the hardware. */

import type { EvidenceProvider } from "../attestation/provider.ts";
import type { Credential } from "../attestation/tpm/make-credential.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { bareKeyOf } from "../base/spki.ts";
import { type OfferedSuite, wrapOf } from "../channel/suites.ts";
import { type Transcript, transcriptOf } from "../channel/transcript.ts";
import { encodeClaims } from "../wire/claims.ts";
import type { Claims } from "../wire/messages.ts";
import type { Carrier } from "./channel.ts";
import type { EvidenceRequest } from "./guest.ts";

/** Which broker this guest speaks to: its own configuration, never a broker's word. */
export interface PinnedBroker {
  /** Compared byte for byte, by way of the transcript. */
  readonly audience: string;
  /** The broker's signing key, DER SubjectPublicKeyInfo of a P-256 key. */
  readonly signingKey: Uint8Array;
  /** How it has to seal: never another suite than this. */
  readonly suite: OfferedSuite;
}

export interface AttestParts {
  readonly provider: EvidenceProvider;
  readonly primitives: Primitives;
  readonly random: (size: number) => Uint8Array;
}

/** What is asked for, with the broker's nonce, over which way. */
export interface Asked {
  readonly claims: Claims;
  readonly nonce: Uint8Array;
  /** For the keys of a vTPM, where the provider named some. */
  readonly credential?: Credential | undefined;
  readonly carrier: Carrier;
}

/** A request with its evidence, and the half of it that stays here. */
export interface Attested {
  readonly request: EvidenceRequest;
  readonly transcript: Transcript;
  /** Opens what is sealed for this request. The caller overwrites it when done. */
  readonly wrapPrivate: Uint8Array;
}

const OWN_NONCE_SIZE = 32;

/**
 * Builds the request for one nonce: claims, a one-use key, the transcript of this carrier, and evidence over it.
 *
 * @param asked - The claims' exact bytes are hashed and carried. The nonce, 48 bytes, and a credential, which a TPM
 *   judges, are all of the broker's challenge that is used.
 * @throws {@link Fault} `provider/unavailable`; `config/invalid` for a pinned key that is not P-256; `request/malformed` for
 *   a nonce of another length. The one-use key is overwritten then.
 */
export async function attest(asked: Asked, broker: PinnedBroker, parts: AttestParts): Promise<Attested> {
  if (bareKeyOf("ecdsa-p256-sha256", broker.signingKey) === undefined) {
    throw new Fault("config/invalid", "expected the broker's signing key to be a P-256 public key");
  }
  const { claims, nonce, carrier, credential } = asked;
  const wrap = wrapOf(broker.suite);
  const wrapPrivate = parts.random(wrap.privateKeySize);
  try {
    const wrapPub = await wrap.publicKeyOf(wrapPrivate, parts.primitives);
    const claimsBytes = encodeClaims(claims);
    const transcript = transcriptFor({ nonce, wrapPub, claimsBytes, carrier }, broker, parts);
    const evidence = await parts.provider.attest(transcript.binder, credential);
    const { ownNonce } = transcript.fields;
    const { vmpl } = parts.provider;
    const { suite } = broker;
    const { binding } = carrier;
    const request = { v: 1, binding, suite, vmpl, nonce, ownNonce, wrapPub } as const;
    return { request: { ...request, claimsBytes, evidence }, transcript, wrapPrivate };
  } catch (thrown) {
    wrapPrivate.fill(0);
    throw thrown;
  }
}

interface OwnFields {
  readonly nonce: Uint8Array;
  readonly wrapPub: Uint8Array;
  readonly claimsBytes: Uint8Array;
  readonly carrier: Carrier;
}

function transcriptFor(fields: OwnFields, broker: PinnedBroker, parts: AttestParts): Transcript {
  const none = new Uint8Array(0);
  const { carrier } = fields;
  return transcriptOf(
    {
      role: 1,
      binding: carrier.binding,
      suite: broker.suite,
      vmpl: parts.provider.vmpl,
      audience: broker.audience,
      nonce: fields.nonce,
      ownNonce: parts.random(OWN_NONCE_SIZE),
      cb: carrier.binding === 2 ? carrier.cb : none,
      attesterSpki: carrier.binding === 1 ? carrier.guestSpki : none,
      peerSpki: carrier.binding === 3 ? broker.signingKey : carrier.brokerSpki,
      wrapPub: fields.wrapPub,
      claimsHash: parts.primitives.digest("sha512", fields.claimsBytes),
    },
    parts.primitives,
    parts.provider.format,
  );
}
