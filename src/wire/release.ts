/** How are `POST /v1/release` and its answer written? */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { SealedRelease } from "../channel/release-key.ts";
import { decodeClaims, requireItems } from "./claims.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { EVIDENCE, evidenceText } from "./evidence.ts";
import {
  bytesField,
  bytesText,
  decisionIdField,
  fixedBytesField,
  resourceField,
  textField,
} from "./fields.ts";
import * as limits from "./limits.ts";
import type { RefusedItem, ReleaseAnswer, ReleaseRequest, SuiteId } from "./messages.ts";

/** PROTOCOL section 1: the length of the one-use key, by suite. */
const WRAP_PUB_BYTES: Readonly<Record<SuiteId, number>> = { 1: 32, 2: 1216, 3: 65 };

export const RELEASE_REQUEST = v.strictObject({
  v: v.literal(1),
  binding: v.picklist([1, 2, 3]),
  suite: v.picklist([1, 2, 3]),
  vmpl: v.picklist([0, 1, 2, 3]),
  nonce: fixedBytesField(48),
  ownNonce: fixedBytesField(32),
  wrapPub: bytesField(32, 1216),
  // The cap on claims is the one of `decodeClaims`, so that too much of them is told as too large.
  claims: bytesField(1, limits.MAX_BODY_BYTES),
  evidence: EVIDENCE,
});

/** A one-use key that is not of its suite's length is told before anything is done. @throws {@link Fault} `request/malformed`. */
export function refuseOddKey({ suite, wrapPub }: Pick<ReleaseRequest, "suite" | "wrapPub">): void {
  const expected = WRAP_PUB_BYTES[suite];
  if (wrapPub.length === expected) return;
  throw new Fault("request/malformed", `expected a \`wrapPub\` of ${expected} bytes for this suite`, {
    expected,
    received: wrapPub.length,
  });
}

/** What is sealed for the guest is read strictly: a member nobody knows has no business there. */
export const SEALED_RELEASE = v.strictObject({
  header: bytesField(1, limits.MAX_HEADER_BYTES),
  enc: bytesField(0, 2048),
  ct: bytesField(1, 2 * limits.MAX_SECRET_BYTES),
  sig: fixedBytesField(64),
});

const REFUSED_ITEM = v.object({
  secret: v.exactOptional(resourceField()),
  token: v.exactOptional(textField(limits.MAX_AUDIENCE_BYTES)),
  code: textField(64),
});

export const RELEASE_ANSWER = v.object({
  v: v.literal(1),
  decision: decisionIdField(),
  releases: v.pipe(v.array(SEALED_RELEASE), v.maxLength(limits.MAX_ITEMS)),
  refused: v.exactOptional(v.pipe(v.array(REFUSED_ITEM), v.maxLength(limits.MAX_ITEMS))),
});

/** Reads the request. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeReleaseRequest(bytes: Uint8Array): ReleaseRequest {
  const request = decodeEvidenceRequest(bytes);
  return { ...request, claims: requireItems(request.claims) };
}

/** Reads the body that `/v1/release` and `/v1/attest` share. @throws {@link Fault} as {@link decodeReleaseRequest}. */
export function decodeEvidenceRequest(bytes: Uint8Array): ReleaseRequest {
  const { claims: claimsBytes, ...request } = decode(RELEASE_REQUEST, bytes, REQUEST);
  refuseOddKey(request);
  return { ...request, claimsBytes, claims: decodeClaims(claimsBytes), bodyBytes: bytes };
}

/** Writes the body of both requests; the claims are the exact bytes that were hashed. */
export function encodeEvidenceRequest(request: Omit<ReleaseRequest, "claims" | "bodyBytes">): string {
  return encode({
    v: request.v,
    binding: request.binding,
    suite: request.suite,
    vmpl: request.vmpl,
    nonce: bytesText(request.nonce),
    ownNonce: bytesText(request.ownNonce),
    wrapPub: bytesText(request.wrapPub),
    claims: bytesText(request.claimsBytes),
    evidence: evidenceText(request.evidence),
  });
}

/** Reads the answer. @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeReleaseAnswer(bytes: Uint8Array): ReleaseAnswer {
  const { decision, releases, refused = [] } = decode(RELEASE_ANSWER, bytes, ANSWER);
  return { decision, releases, refused };
}

/** Writes the answer; `refused` is a member only where the guest asked for `partial`. */
export function encodeReleaseAnswer(answer: ReleaseAnswer, isPartial: boolean): string {
  return encode({
    v: 1,
    decision: answer.decision,
    releases: answer.releases.map(sealedOf),
    refused: isPartial ? answer.refused.map(refusedOf) : undefined,
  });
}

export function sealedOf(release: SealedRelease): JsonObject {
  const { header, enc, ct, sig } = release;
  return { header: bytesText(header), enc: bytesText(enc), ct: bytesText(ct), sig: bytesText(sig) };
}

function refusedOf({ secret, token, code }: RefusedItem): JsonObject {
  return { secret, token, code };
}
