/** What is said when somebody signs in by a provider? */
import type { Instant } from "../base/time.ts";
import type { AccountRole } from "../policy/accounts.ts";

/** Whom a broker believes, and what they are to be asked with. */
export interface SignInOffer {
  readonly challenge: Uint8Array;
  readonly expiresAt: Instant;
  readonly providers: readonly {
    readonly issuer: string;
    readonly clientId: string;
    readonly maxAgeSeconds?: number;
    readonly acr: readonly string[];
  }[];
}

export interface SignIn {
  readonly issuer: string;
  readonly idToken: string;
  readonly challenge: Uint8Array;
  /** Of the session: Ed25519, DER SubjectPublicKeyInfo. */
  readonly key: Uint8Array;
}

/** A session, and whose it is. */
export interface SignedIn {
  readonly session: string;
  readonly kid: string;
  readonly person: string;
  readonly roles: readonly AccountRole[];
  readonly under: readonly string[];
  readonly expiresAt: Instant;
}
