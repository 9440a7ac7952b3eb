/** What do the two sides say to each other? The messages as plain data: bytes are bytes, moments are instants. */
import type { CarriedEvidence } from "../attestation/evidence.ts";
import type { VtpmKeys } from "../attestation/provider.ts";
import type { Credential } from "../attestation/tpm/make-credential.ts";
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";
import type { Instant } from "../base/time.ts";
import type { SealedRelease } from "../channel/release-key.ts";
import type { GuestPosture } from "../policy/guest-posture.ts";

export type BindingId = 1 | 2 | 3;
export type SuiteId = 1 | 2 | 3;
export type Vmpl = 0 | 1 | 2 | 3;

// ── guest ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ChallengeRequest {
  readonly binding: BindingId;
  /** 32 bytes: the guest wants the broker's own evidence beside the nonce (PROTOCOL section 8). */
  readonly guestNonce?: Uint8Array;
  readonly fresh?: true;
  /** Of a vTPM whose quote will come with the evidence: a credential for these is wanted. */
  readonly vtpm?: VtpmKeys;
}

/** A public key and the name that configuration gives it. */
export interface NamedKey {
  readonly kid: string;
  readonly spki: Uint8Array;
}

export interface Challenge {
  readonly nonce: Uint8Array;
  readonly expiresAt: Instant;
  readonly audience: string;
  /** DER SubjectPublicKeyInfo of the broker signing key: a hint, the guest uses the one it pinned. */
  readonly signingKey: Uint8Array;
  readonly kid: string;
  readonly suites: readonly number[];
  /** Absent where the broker has no evidence, or was not asked for it. */
  readonly broker?: BrokerProof;
  /** For the vTPM's keys that the request named. */
  readonly credential?: Credential;
}

/** What a broker shows of itself (PROTOCOL section 8): evidence in role 2, and a signature over this very session. */
export interface BrokerProof {
  /** 0: it has no key to encrypt to. */
  readonly suite: 0;
  readonly vmpl: Vmpl;
  readonly ownNonce: Uint8Array;
  /** Empty in suite 0. */
  readonly wrapPub: Uint8Array;
  /** The exact bytes that were hashed: {@link BrokerClaims}. */
  readonly claimsBytes: Uint8Array;
  readonly evidence: CarriedEvidence;
  /** 64 bytes by the attested key, over `sessionSignatureInput`. */
  readonly session: Uint8Array;
}

/** What the hardware vouches for in a broker's evidence. */
export interface BrokerClaims {
  /** The key that signs sessions and releases, DER SubjectPublicKeyInfo. */
  readonly signingKey: Uint8Array;
  readonly cluster: string;
  readonly audience: string;
  /** SHA-256, in hex, of the admin keys that may sign policy. */
  readonly policyRoot: string;
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
}

export type WantedItem =
  | { readonly secret: string; readonly version?: number }
  | { readonly token: { readonly aud: string } };

/** A public JWK, and nothing private in it. */
export type PublicJwk =
  | {
      readonly kty: "EC";
      readonly crv: "P-256" | "P-384";
      readonly x: string;
      readonly y: string;
      readonly alg?: string;
      readonly use?: string;
      readonly kid?: string;
    }
  | {
      readonly kty: "OKP";
      readonly crv: "Ed25519";
      readonly x: string;
      readonly alg?: string;
      readonly use?: string;
      readonly kid?: string;
    };

/** What the guest asks for, under the hash that the hardware signed. */
export interface Claims {
  readonly want: readonly WantedItem[];
  readonly cnf?: PublicJwk;
  readonly partial?: true;
  /** What the guest says of itself. */
  readonly posture?: GuestPosture;
  readonly purpose?: string;
}

/** The body of `/v1/release` and `/v1/attest`. */
export interface ReleaseRequest {
  readonly v: 1;
  readonly binding: BindingId;
  readonly suite: SuiteId;
  readonly vmpl: Vmpl;
  readonly nonce: Uint8Array;
  readonly ownNonce: Uint8Array;
  readonly wrapPub: Uint8Array;
  /** The exact bytes that were carried: these are hashed, never a second writing of {@link claims}. */
  readonly claimsBytes: Uint8Array;
  readonly claims: Claims;
  readonly evidence: CarriedEvidence;
  /** The exact bytes of the whole body: a certificate has to carry these (binding 1). */
  readonly bodyBytes: Uint8Array;
}

/** As {@link ReleaseRequest}; it wants nothing, and always names the key that the result is bound to. */
export interface AttestRequest extends ReleaseRequest {
  readonly claims: Claims & { readonly cnf: PublicJwk };
}

export interface RefusedItem {
  readonly secret?: string;
  readonly token?: string;
  readonly code: string;
}

export interface ReleaseAnswer {
  readonly decision: string;
  readonly releases: readonly SealedRelease[];
  /** Empty unless the guest asked for `partial`. */
  readonly refused: readonly RefusedItem[];
}

export interface AttestAnswer {
  readonly decision: string;
  /** A compact JWS. */
  readonly token: string;
}

/** What a broker tells everybody about itself; all of it is a hint. */
export interface BrokerDescription {
  readonly audience: string;
  readonly bindings: readonly number[];
  readonly suites: readonly number[];
  readonly signingKey: NamedKey;
  readonly ledgerKey: NamedKey;
  readonly evidenceFormats: readonly string[];
  readonly isSimulatorTrusted: boolean;
  /** PROTOCOL section 8: 0 alone outside a confidential VM, else 0, 1 and 2. */
  readonly tiers: readonly number[];
}

// ── admin ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface BundleProposal {
  readonly tar: Uint8Array;
  /** The DSSE envelope, as JSON text. */
  readonly signature: string;
}

export interface ProposalAnswer {
  readonly digest: string;
  /** False where this bundle was known already. */
  readonly isNew: boolean;
}

export interface BundleSummary {
  readonly digest: string;
  readonly proposedAt: Instant;
  readonly proposedBy: string;
}

export interface ActivationSummary {
  readonly serial: number;
  readonly digest: string;
  readonly at: Instant;
  readonly by: string;
}

export interface BundleList {
  readonly bundles: readonly BundleSummary[];
  readonly live?: ActivationSummary;
  /** The head of the roster, which an activation names; absent where nobody was added to the configuration's admins. */
  readonly roster?: string;
  /** What is weak about the governance of this broker, as sentences. */
  readonly warnings: readonly string[];
}

/** One bundle with its sources, which an admin reads before activating it. */
export interface BundleDetail extends BundleSummary {
  readonly modules: readonly { readonly name: string; readonly version: string }[];
  readonly sources: readonly { readonly path: string; readonly text: string }[];
}

/** What is known of one id: a decision of the ledger, or a refusal before there could be one. */
export type DecisionDetail =
  | {
      readonly kind: "decision";
      readonly id: string;
      readonly at: Instant;
      readonly seq: number;
      readonly entry: JsonObject;
      readonly trace: JsonValue;
    }
  | {
      readonly kind: "refusal";
      readonly id: string;
      readonly at: Instant;
      readonly source: string;
      readonly code: string;
      readonly format: string;
    };

/** The claims of an admin request (PRODUCT section 3): who asks is its signature, what is asked is bound here. */
export interface AdminClaims {
  readonly aud: string;
  readonly htm: string;
  readonly htu: string;
  /** SHA-256 of the exact body bytes, base64url. */
  readonly bh: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
}

// ── tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Whom tokens are to be for. */
export interface AudienceRegistration {
  readonly aud: string;
  /** Tokens without `cnf`: whoever holds one may use it. */
  readonly isBearer: boolean;
}

export interface AudienceSummary extends AudienceRegistration {
  /** Policy releases it as `token/NAME`. */
  readonly name: string;
  readonly createdAt: Instant;
  readonly createdBy: string;
}

/** One published signing key of tokens. */
export interface TokenKeySummary {
  readonly kid: string;
  readonly signsFrom: Instant;
  readonly isCurrent: boolean;
  readonly createdAt: Instant;
  readonly createdBy: string;
}

/** Which root key wraps now, which others open, and how many versions of secrets still lie under those. */
export interface RootKeyState {
  readonly id: string;
  readonly also: readonly string[];
  readonly left: number;
}

/** How far a broker is whose root key comes in shares. */
export interface SealProgress {
  readonly isSealed: boolean;
  readonly given: number;
  /** Known once the first share is there. */
  readonly needed?: number;
}

/** What one step of wrapping anew did: where the next one begins, or after the last how things stand. */
export type RootKeyPage =
  | { readonly rewrapped: number; readonly next: SecretPlace }
  | (RootKeyState & { readonly rewrapped: number; readonly next?: never });

/** One version of a secret. */
export interface SecretPlace {
  readonly path: string;
  readonly version: number;
}

/** What the broker reads of a token of its own. */
export interface TokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  /** The decision id. */
  readonly jti: string;
  /** Absent in a bearer token. */
  readonly cnf?: { readonly jkt: string; readonly "x5t#S256"?: string };
  /** The nonce of the evidence, base64url. */
  readonly eat_nonce?: string;
  readonly ostiary: {
    readonly simulated: boolean;
    /** SHA-256 of the trace of that decision, hex: what the broker stored with it is believed by this alone. */
    readonly trace_hash?: string;
    readonly evidence?: EvidenceMark;
  };
}

/** What a token says of the evidence behind it: the same in every token that is renewed from it. */
export interface EvidenceMark {
  /** The decision that judged it. */
  readonly decision: string;
  /** Of that decision. */
  readonly trace_hash: string;
  /** When it was judged: the age of the guest's evidence counts from here. */
  readonly at: number;
  /** When the first of certificate and CRL ends that vouched for it. */
  readonly until: number;
  /** SHA-256 of the key by which the broker signed releases then, base64url. */
  readonly signer: string;
}

/** The header of a DPoP proof (RFC 9449 section 4.2). */
export interface ProofHeader {
  readonly alg: "ES256" | "ES384" | "EdDSA" | "Ed25519";
  readonly jwk: PublicJwk;
}

export interface ProofClaims {
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  readonly iat: number;
  /** SHA-256 of the token, base64url. */
  readonly ath: string;
  readonly nonce?: string;
  /** SHA-256 of the exact body bytes, base64url: ours, beside what RFC 9449 has. */
  readonly bh?: string;
}

/** RFC 7662 section 2.2: of a token that does not count nothing is said. */
export type Introspection =
  | { readonly active: false }
  | (TokenClaims & { readonly active: true; readonly token_type: "DPoP" | "Bearer" });

/** A decision whose tokens count no more. */

export interface RevocationSummary {
  readonly decision: string;
  readonly at: Instant;
  readonly by: string;
}

export interface TokenKeyRotation {
  /** Whether the earlier keys count no more from now on. */
  readonly withdraws: boolean;
}

// ── ledger ──────────────────────────────────────────────────────────────────────────────────────────────────────────

// ── errors ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** RFC 9457 problem details with our two members. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** One of a handful of wire codes; which step failed stays with the operator. */
  readonly code: string;
  /** `urn:ostiary:` and the decision id. */
  readonly instance: string;
  /** To a guest the one sentence that a policy publishes; to an admin who signed the request, what was expected. */
  readonly detail?: string;
  /** The fault code, for an admin who signed the request; guests never see it. */
  readonly fault?: string;
}
