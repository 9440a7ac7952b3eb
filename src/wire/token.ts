/** How are tokens and proofs of their keys read where the broker itself takes them? (PROTOCOL section 7, RFC 9449) */
import * as v from "valibot";
import { utf8 } from "../base/bytes.ts";
import type { JsonObject } from "../base/canonical-json.ts";
import { PUBLIC_JWK } from "./claims.ts";
import { ANSWER, decode, encode, REQUEST, type Reading } from "./codec.ts";
import { countField, decisionIdField, digestField, textField } from "./fields.ts";
import { MAX_AUDIENCE_BYTES, MAX_JSON_DEPTH } from "./limits.ts";
import type { Introspection, ProofClaims, ProofHeader, TokenClaims } from "./messages.ts";

/** Length of a token or proof that is looked at, in characters. */
export const MAX_TOKEN_LENGTH = 8 * 1024;

export const TOKEN_PART: Reading = {
  maxBytes: MAX_TOKEN_LENGTH,
  maxDepth: MAX_JSON_DEPTH,
  code: "token/invalid",
};
const PROOF_PART: Reading = { ...TOKEN_PART, code: "token/bad-proof" };

const DIGEST = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/));

/** These three members and no others, as the broker writes them. */
const TOKEN_HEADER = v.strictObject({
  alg: v.literal("ES256"),
  kid: textField(128),
  typ: v.literal("eat+jwt"),
});

const EVIDENCE_MARK = v.object({
  decision: decisionIdField(),
  trace_hash: digestField(),
  at: countField(0),
  until: countField(0),
  signer: DIGEST,
});

export const TOKEN_CLAIMS = v.object({
  iss: textField(MAX_AUDIENCE_BYTES),
  sub: v.string(),
  aud: textField(MAX_AUDIENCE_BYTES),
  iat: countField(0),
  nbf: countField(0),
  exp: countField(0),
  jti: decisionIdField(),
  cnf: v.exactOptional(v.strictObject({ jkt: DIGEST, "x5t#S256": v.exactOptional(DIGEST) })),
  eat_nonce: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{64}$/))),
  ostiary: v.object({
    simulated: v.boolean(),
    trace_hash: v.exactOptional(digestField()),
    evidence: v.exactOptional(EVIDENCE_MARK),
  }),
});

/** Asymmetric algorithms alone, and a key that holds nothing private; a `crit` or a `jku` has nothing to say here. */
const PROOF_HEADER = v.strictObject({
  typ: v.literal("dpop+jwt"),
  alg: v.picklist(["ES256", "ES384", "EdDSA", "Ed25519"]),
  jwk: PUBLIC_JWK,
});

const PROOF_CLAIMS = v.object({
  jti: v.pipe(v.string(), v.regex(/^[!-~]{1,128}$/)),
  htm: textField(16),
  htu: textField(2048),
  iat: countField(0),
  ath: DIGEST,
  nonce: v.exactOptional(textField(256)),
  bh: v.exactOptional(DIGEST),
});

export const INTROSPECTION_REQUEST = v.object({
  token: v.pipe(v.string(), v.maxLength(MAX_TOKEN_LENGTH)),
  token_type_hint: v.exactOptional(textField(64)),
});

export const INTROSPECTION = v.variant("active", [
  v.object({ active: v.literal(false) }),
  v.object({
    active: v.literal(true),
    ...TOKEN_CLAIMS.entries,
    token_type: v.picklist(["DPoP", "Bearer"]),
  }),
]);

/** @throws {@link Fault} `token/invalid`. */
export function decodeTokenHeader(bytes: Uint8Array): { readonly kid: string } {
  return decode(TOKEN_HEADER, bytes, TOKEN_PART);
}

/** @throws {@link Fault} `token/invalid`. */
export function decodeTokenClaims(bytes: Uint8Array): TokenClaims {
  return decode(TOKEN_CLAIMS, bytes, TOKEN_PART);
}

/** @throws {@link Fault} `token/bad-proof`. */
export function decodeProofHeader(bytes: Uint8Array): ProofHeader {
  return decode(PROOF_HEADER, bytes, PROOF_PART);
}

/** @throws {@link Fault} `token/bad-proof`. */
export function decodeProofClaims(bytes: Uint8Array): ProofClaims {
  return decode(PROOF_CLAIMS, bytes, PROOF_PART);
}

/** Reads the parameters of the form. @throws {@link Fault} `request/malformed`. */
export function readIntrospectionRequest(form: Readonly<Record<string, string>>): { readonly token: string } {
  return decode(INTROSPECTION_REQUEST, utf8(encode(form)), REQUEST);
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeIntrospection(bytes: Uint8Array): Introspection {
  return decode(INTROSPECTION, bytes, ANSWER);
}

/** Of an inactive token nothing is said (RFC 7662 section 2.2). */
export function encodeIntrospection(introspection: Introspection): string {
  return encode(introspection.active ? writtenOf(introspection) : { active: false });
}

function writtenOf(introspection: Extract<Introspection, { readonly active: true }>): JsonObject {
  const { cnf, ostiary, ...rest } = introspection;
  const { evidence, ...told } = ostiary;
  const marked = evidence === undefined ? told : { ...told, evidence: { ...evidence } };
  return { ...rest, cnf: cnf === undefined ? undefined : { ...cnf }, ostiary: marked };
}
