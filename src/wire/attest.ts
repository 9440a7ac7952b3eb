/** How are `POST /v1/attest` and its answer written? */
import * as v from "valibot";
import { requireConfirmationKey } from "./claims.ts";
import { ANSWER, decode, encode } from "./codec.ts";
import { decisionIdField } from "./fields.ts";
import type { AttestAnswer, AttestRequest } from "./messages.ts";
import { decodeEvidenceRequest } from "./release.ts";

export const ATTEST_ANSWER = v.object({
  v: v.literal(1),
  decision: decisionIdField(),
  token: v.pipe(
    v.string(),
    v.maxLength(16 * 1024),
    v.regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/),
  ),
});

/** Reads the request. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeAttestRequest(bytes: Uint8Array): AttestRequest {
  const request = decodeEvidenceRequest(bytes);
  return { ...request, claims: requireConfirmationKey(request.claims) };
}

/** Reads the answer. @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeAttestAnswer(bytes: Uint8Array): AttestAnswer {
  const { decision, token } = decode(ATTEST_ANSWER, bytes, ANSWER);
  return { decision, token };
}

export function encodeAttestAnswer({ decision, token }: AttestAnswer): string {
  return encode({ v: 1, decision, token });
}
