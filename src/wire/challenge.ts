/** How are `POST /v1/challenge` and its answer written? */
import * as v from "valibot";
import type { Credential } from "../attestation/tpm/make-credential.ts";
import { NAME_SIZE } from "../attestation/tpm/object-name.ts";
import type { JsonObject } from "../base/canonical-json.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { EVIDENCE, evidenceText } from "./evidence.ts";
import { bytesField, bytesText, fixedBytesField, instantField, instantText, textField } from "./fields.ts";
import { MAX_AUDIENCE_BYTES, MAX_CLAIMS_BYTES, MAX_PUBLIC_AREA_BYTES } from "./limits.ts";
import type { BrokerProof, Challenge, ChallengeRequest } from "./messages.ts";

export const CHALLENGE_REQUEST = v.strictObject({
  binding: v.picklist([1, 2, 3]),
  guestNonce: v.exactOptional(fixedBytesField(32)),
  fresh: v.exactOptional(v.literal(true)),
  vtpm: v.exactOptional(
    v.strictObject({ ek: bytesField(1, MAX_PUBLIC_AREA_BYTES), akName: fixedBytesField(NAME_SIZE) }),
  ),
});

/** What is believed once it is verified is read strictly: a member nobody knows has no business there. */
const BROKER_PROOF = v.strictObject({
  suite: v.literal(0),
  vmpl: v.picklist([0, 1, 2, 3]),
  ownNonce: fixedBytesField(32),
  wrapPub: fixedBytesField(0),
  claims: bytesField(1, MAX_CLAIMS_BYTES),
  evidence: EVIDENCE,
  session: fixedBytesField(64),
});

/** Answers ignore members that a newer broker adds; everything in a challenge but the nonce is a hint anyway. */
export const CHALLENGE_ANSWER = v.object({
  nonce: fixedBytesField(48),
  exp: instantField(),
  audience: textField(MAX_AUDIENCE_BYTES),
  signingKey: v.object({ kid: textField(128), spki: bytesField(1, 1024) }),
  suites: v.pipe(v.array(v.pipe(v.number(), v.safeInteger())), v.maxLength(16)),
  broker: v.exactOptional(BROKER_PROOF),
  /** What a TPM is given as it is. */
  credential: v.exactOptional(
    v.object({ idObject: bytesField(1, 256), encryptedSecret: bytesField(1, MAX_PUBLIC_AREA_BYTES) }),
  ),
});

/** Reads the request. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeChallengeRequest(bytes: Uint8Array): ChallengeRequest {
  return decode(CHALLENGE_REQUEST, bytes, REQUEST);
}

export function encodeChallengeRequest(request: ChallengeRequest): string {
  const { binding, guestNonce, fresh, vtpm } = request;
  return encode({
    binding,
    guestNonce: guestNonce && bytesText(guestNonce),
    fresh,
    vtpm: vtpm && { ek: bytesText(vtpm.ek), akName: bytesText(vtpm.akName) },
  });
}

/** Reads the answer. @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeChallenge(bytes: Uint8Array): Challenge {
  const { exp, signingKey, broker, ...rest } = decode(CHALLENGE_ANSWER, bytes, ANSWER);
  const challenge = { ...rest, expiresAt: exp, signingKey: signingKey.spki, kid: signingKey.kid };
  if (broker === undefined) return challenge;
  const { claims: claimsBytes, ...shown } = broker;
  return { ...challenge, broker: { ...shown, claimsBytes } };
}

export function encodeChallenge(challenge: Challenge): string {
  return encode({
    nonce: bytesText(challenge.nonce),
    exp: instantText(challenge.expiresAt),
    audience: challenge.audience,
    signingKey: { kid: challenge.kid, spki: bytesText(challenge.signingKey) },
    suites: challenge.suites,
    broker: challenge.broker && proofText(challenge.broker),
    credential: challenge.credential && credentialText(challenge.credential),
  });
}

function credentialText({ idObject, encryptedSecret }: Credential): JsonObject {
  return { idObject: bytesText(idObject), encryptedSecret: bytesText(encryptedSecret) };
}

function proofText(proof: BrokerProof): JsonObject {
  const { suite, vmpl, ownNonce, wrapPub, claimsBytes, evidence, session } = proof;
  return {
    suite,
    vmpl,
    ownNonce: bytesText(ownNonce),
    wrapPub: bytesText(wrapPub),
    claims: bytesText(claimsBytes),
    evidence: evidenceText(evidence),
    session: bytesText(session),
  };
}
