/** How is a token made? A JWS of its own key over claims about one decision, and the thumbprint of the key it is bound to. */
import { attestationResultOf } from "../attestation/result.ts";
import { base64UrlOf, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonObject } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import { bareKeyOf } from "../base/spki.ts";
import type { Instant } from "../base/time.ts";
import type { EvidenceMark, PublicJwk } from "../wire/messages.ts";
import { thumbprintOf } from "../wire/thumbprint.ts";
import type { Authorization, AuthorizedItem } from "./commit.ts";
import type { Decided } from "./decide.ts";
import { evidenceMarkOf } from "./evidence-term.ts";
import type { World } from "./world.ts";

/** Whom a token is for, and whether it is bound to the guest's key. */
export interface TokenPlan {
  readonly item: AuthorizedItem;
  readonly aud: string;
  readonly isBearer: boolean;
}

/** Of whom a token speaks, and by what. */
export interface TokenSubject {
  readonly authorization: Authorization;
  /** What a token that is no bearer's is bound to. */
  readonly confirmation: JsonObject;
  /** base64url. */
  readonly nonce: string;
  /** By what AMD vouches for the evidence. */
  readonly endorsed: "vcek" | "vlek";
  readonly evidence: EvidenceMark;
  readonly isSimulated: boolean;
  readonly now: Instant;
  /** When it ends at the latest, where nobody showed evidence for it. */
  readonly endsAt?: Instant;
}

/**
 * Issues the token of one allowed item (PROTOCOL section 7): an EAR (draft-ietf-rats-ear) as an ES256 JWT, bound by `cnf` to
 * the guest's key, and in binding 1 to the guest's certificate too.
 *
 * @throws {@link Fault} `kek/unavailable`, `store/unavailable` where the signing key cannot be had.
 */
export async function issueToken(plan: TokenPlan, subject: TokenSubject, world: World): Promise<string> {
  const { item, aud, isBearer } = plan;
  const { authorization, now, endsAt = Infinity } = subject;
  const { current } = await world.tokenKeys.keys();
  return signedJws(
    { alg: "ES256", kid: current.signer.kid, typ: "eat+jwt" },
    {
      iss: world.settings.issuer,
      sub: item.allowedBy,
      aud,
      iat: now,
      nbf: now,
      exp: Math.min(now + item.tokenTtlSeconds, endsAt),
      jti: authorization.decisionId,
      ...(isBearer ? {} : { cnf: subject.confirmation }),
      eat_nonce: subject.nonce,
      ...attestationResultOf(subject.endorsed, {
        status: item.isWarning ? "warning" : "affirming",
        policyId: authorization.policyHash,
      }),
      ostiary: exchangeOf(subject),
    },
    current.signer,
  );
}

/** Of a guest that showed its evidence with this request. */
export function tokenSubjectOf(decided: Decided, world: World): TokenSubject {
  const { authorization, bound, nonce, now } = decided;
  return {
    authorization,
    confirmation: confirmationOf(decided, world.primitives),
    nonce: base64UrlOf(nonce.bytes),
    endorsed: bound.endorsement.kind,
    evidence: evidenceMarkOf(bound, authorization, now, world),
    isSimulated: bound.isSimulated,
    now,
  };
}

/** RFC 7800 section 3, RFC 9449 section 6.1; the certificate of RFC 8705 section 3.1 only where it carried the evidence. */
function confirmationOf({ request, exchange }: Decided, primitives: Primitives): JsonObject {
  const { cnf } = request.claims;
  if (cnf === undefined)
    throw new Fault("internal/invariant", "expected a key before a token is bound to it");
  const jkt = thumbprintOf(cnf, primitives);
  const { peerCertificate } = exchange;
  if (request.binding !== 1 || peerCertificate === undefined) return { jkt };
  return { jkt, "x5t#S256": base64UrlOf(primitives.digest("sha256", peerCertificate)) };
}

/** What a token says of the exchange that it was issued for. */
export function exchangeOf({
  authorization,
  evidence,
  isSimulated,
}: Pick<TokenSubject, "authorization" | "evidence" | "isSimulated">): JsonObject {
  const { entry, policyHash, ledgerIndex } = authorization;
  const { binding, suite, vmpl, measurement, trace_hash } = entry;
  return {
    binding,
    suite,
    vmpl,
    measurement,
    policy_hash: policyHash,
    ledger_index: ledgerIndex,
    trace_hash,
    evidence: { ...evidence },
    simulated: isSimulated,
  };
}

/** A compact JWS, ES256 (RFC 7515, RFC 7518 section 3.4). */
export async function signedJws(header: JsonObject, claims: JsonObject, signer: Signer): Promise<string> {
  const input = `${partOf(header)}.${partOf(claims)}`;
  return `${input}.${base64UrlOf(await signer.sign(utf8(input)))}`;
}

/** The JWK of a P-256 key: the coordinates of its point (RFC 7518 section 6.2). */
export function jwkOf(spki: Uint8Array): PublicJwk {
  const point = bareKeyOf("ecdsa-p256-sha256", spki);
  if (point === undefined) throw new Fault("internal/invariant", "tokens are signed with ECDSA P-256");
  return {
    kty: "EC",
    crv: "P-256",
    x: base64UrlOf(point.slice(0, 32)),
    y: base64UrlOf(point.slice(32)),
  };
}

function partOf(value: JsonObject): string {
  return base64UrlOf(canonicalJsonBytes(value));
}
