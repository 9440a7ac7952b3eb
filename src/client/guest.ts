/** How does a guest speak to a broker? Challenge, release and attest, one typed call each. */

import { decodeAttestAnswer } from "../wire/attest.ts";
import { decodeChallenge, encodeChallengeRequest } from "../wire/challenge.ts";
import type {
  AttestAnswer,
  BindingId,
  Challenge,
  ChallengeRequest,
  ReleaseAnswer,
  ReleaseRequest,
} from "../wire/messages.ts";
import { decodeReleaseAnswer, encodeEvidenceRequest } from "../wire/release.ts";
import { type Answer, fetchBounded, type Send, type Sending } from "./bounded-fetch.ts";

export type EvidenceRequest = Omit<ReleaseRequest, "claims" | "bodyBytes">;

/** Every call throws {@link Fault}: the one that the broker's answer tells of, or `broker/unreachable`. */
export interface GuestClient {
  /** With `beside` the broker is asked for its own evidence beside the nonce, or for a credential. */
  readonly challenge: (
    binding: BindingId,
    signal?: AbortSignal,
    beside?: Omit<ChallengeRequest, "binding">,
  ) => Promise<Challenge>;
  readonly release: (request: EvidenceRequest, signal?: AbortSignal) => Promise<ReleaseAnswer>;
  readonly attest: (request: EvidenceRequest, signal?: AbortSignal) => Promise<AttestAnswer>;
  /** Any other request, by its path, the same way; its answer is not looked at. */
  readonly send: (path: string, init: Sending) => Promise<Answer>;
}

export interface GuestClientOptions {
  /** Where the broker is reached, without a trailing slash. */
  readonly url: string;
  readonly fetch: Send;
}

/** Makes the client. Nothing is retried here: `retry.ts` says what is worth it. */
export function createGuestClient({ url, fetch }: GuestClientOptions): GuestClient {
  const post = (path: string, body: string, signal: AbortSignal | undefined) =>
    fetchBounded(`${url}${path}`, fetch, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      ...(signal === undefined ? {} : { signal }),
    });
  return {
    challenge: async (binding, signal, beside = {}) =>
      decodeChallenge(await post("/v1/challenge", encodeChallengeRequest({ binding, ...beside }), signal)),
    release: async (request, signal) =>
      decodeReleaseAnswer(await post("/v1/release", encodeEvidenceRequest(request), signal)),
    attest: async (request, signal) =>
      decodeAttestAnswer(await post("/v1/attest", encodeEvidenceRequest(request), signal)),
    send: (path, init) => fetch(`${url}${path}`, { ...init, redirect: "error" }),
  };
}
