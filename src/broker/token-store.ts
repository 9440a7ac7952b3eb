/** What does the broker ask a database to keep about tokens? Audiences, signing keys, used proofs, revocations. */
import type { Instant } from "../base/time.ts";
import type { EntryDraft } from "../ledger/entry.ts";

/** Whom a token may be for: what policy calls `token/NAME`. */
export interface TokenAudience {
  readonly name: string;
  /** The `aud` of its tokens, compared character by character. */
  readonly aud: string;
  /** Tokens for it have no `cnf`: whoever holds one may use it. */
  readonly isBearer: boolean;
  readonly createdAt: Instant;
  readonly createdBy: string;
}

/** One signing key of tokens, wrapped under the key-encryption key. */
export interface StoredTokenKey {
  /** 1 for the first key, then without gaps. */
  readonly serial: number;
  /** PKCS#8 DER under the key-encryption key. */
  readonly wrapped: Uint8Array;
  /** Published before, signs from then on. */
  readonly signsFrom: Instant;
  /** Whether every earlier key counts no more, from the moment this one is there. */
  readonly withdraws: boolean;
  readonly createdAt: Instant;
  /** The `kid` of an admin key; `broker` for the first one. */
  readonly createdBy: string;
}

/** A decision whose tokens count no more. */
export interface Revocation {
  readonly decision: string;
  readonly at: Instant;
  readonly by: string;
}

export interface TokenStore {
  /** False when the name or the `aud` is taken; nothing changes then. */
  readonly putAudience: (audience: TokenAudience, entry: EntryDraft) => Promise<boolean>;
  /** False when there is no such name; nothing changes then. */
  readonly removeAudience: (name: string, entry: EntryDraft) => Promise<boolean>;
  readonly audienceOf: (aud: string) => Promise<TokenAudience | undefined>;
  /** In order of name. */
  readonly audiences: () => Promise<readonly TokenAudience[]>;
  /** False when `serial` is not the next one. The first key, which no admin made, has no entry. */
  readonly putTokenKey: (key: StoredTokenKey, entry: EntryDraft | undefined) => Promise<boolean>;
  /** In order of serial. */
  readonly tokenKeys: () => Promise<readonly StoredTokenKey[]>;
  /** Puts the same key under another key-encryption key, if `from` is what lies there. */
  readonly rewrapTokenKey: (serial: number, from: Uint8Array, to: Uint8Array) => Promise<boolean>;
  /** Forgets the keys before this one. */
  readonly dropTokenKeys: (before: number) => Promise<void>;
  /** False when this key used this `jti` before. */
  readonly spendProof: (jkt: string, jti: string, until: Instant) => Promise<boolean>;
  /** False when it is revoked already; nothing changes then. */
  readonly revokeDecision: (revocation: Revocation, entry: EntryDraft) => Promise<boolean>;
  readonly revocation: (decision: string) => Promise<Revocation | undefined>;
}
