/** What does a broker's answer look like to a guest? Made by the exchange's own code, every part given otherwise at will. */
import { randomBytes } from "node:crypto";
import type { Signer } from "../../src/base/primitives.ts";
import { instant } from "../../src/base/time.ts";
import { sealBase } from "../../src/channel/hpke.ts";
import {
  encodeReleaseHeader,
  type ReleaseHeader,
  releaseInfo,
  releaseSignatureInput,
  type SealedRelease,
} from "../../src/channel/release-key.ts";
import { HPKE_X25519 } from "../../src/channel/suites.ts";
import { type Transcript, transcriptOf } from "../../src/channel/transcript.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEs256Signer, generateEs256Pem } from "../../src/runtime/node/signers.ts";

export const BROKER = createEs256Signer("broker-1", generateEs256Pem());
export const STRANGER = createEs256Signer("broker-1", generateEs256Pem());
export const NOW = instant(1_795_449_600);
export const DECISION = "01KB0000000000000000000001";

/** One request of a guest: its transcript and the private half of its one-use key. */
export interface GuestExchange {
  readonly transcript: Transcript;
  readonly wrapPrivate: Uint8Array;
  readonly wrapPub: Uint8Array;
}

export async function guestExchange(): Promise<GuestExchange> {
  const wrapPrivate = random(32);
  const wrapPub = await nodePrimitives.publicKeyOf("x25519", wrapPrivate);
  const none = new Uint8Array(0);
  const transcript = transcriptOf(
    {
      role: 1,
      binding: 3,
      suite: 1,
      vmpl: 0,
      audience: "https://broker.example/c/0001",
      nonce: random(48),
      ownNonce: random(32),
      cb: none,
      attesterSpki: none,
      peerSpki: BROKER.spki,
      wrapPub,
      claimsHash: random(64),
    },
    nodePrimitives,
    "raw",
  );
  return { transcript, wrapPrivate, wrapPub };
}

export interface SealPlan {
  readonly exchange: GuestExchange;
  readonly secret: Uint8Array;
  readonly header?: Partial<ReleaseHeader>;
  /** The header's bytes, where they are not those of a header. */
  readonly headerBytes?: Uint8Array;
  readonly signer?: Signer;
}

export async function sealedRelease(plan: SealPlan): Promise<SealedRelease> {
  const { transcript, wrapPub } = plan.exchange;
  const aad = plan.headerBytes ?? encodeReleaseHeader(headerOf(plan.header));
  const { enc, ct } = await sealBase(
    {
      recipient: wrapPub,
      info: releaseInfo(transcript.binder),
      aad,
      plaintext: plan.secret,
      ephemeral: random(32),
    },
    nodePrimitives,
    HPKE_X25519,
  );
  const signed = releaseSignatureInput({ binder: transcript.binder, aad, enc, ct });
  return { header: aad, enc, ct, sig: await (plan.signer ?? BROKER).sign(signed) };
}

export function headerOf(changes: Partial<ReleaseHeader> = {}): ReleaseHeader {
  return {
    v: 1,
    typ: "ostiary-release+hpke",
    alg: "ES256",
    kid: "broker-1",
    suite: 1,
    binding: 3,
    secret_id: "prod/a",
    key_version: 1,
    policy_hash: "00".repeat(32),
    decision: DECISION,
    iat: NOW,
    exp: instant(NOW + 60),
    seq: 0,
    of: 1,
    ...changes,
  };
}

export function random(size: number): Uint8Array {
  return Uint8Array.from(randomBytes(size));
}
