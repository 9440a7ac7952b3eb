/** What is a credential that this system depends on? What it is, whose, how strong, how long, and what breaks when it ends. */
import type { Instant } from "../base/time.ts";

export const CREDENTIAL_KINDS = [
  "ark",
  "ask",
  "asvk",
  "vcek",
  "vlek",
  "crl",
  "broker-tls",
  "signing-key",
  "ledger-key",
  "token-key",
  "admin-key",
  "kek",
  "import-key",
  "audience",
  "provider-root",
  "oidc-key",
  "agent-ca",
  "outgoing-ca",
  "watched",
] as const;

export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

export type Credential = {
  /** Unique: its kind and what tells it from others of that kind. */
  readonly name: string;
  readonly kind: CredentialKind;
  /** SHA-256 in hex: of the public key, or of the whole where it has none; the id where it is neither. */
  readonly fingerprint: string;
  /** Of the public key where it has one: two credentials with one key are one key with two uses. */
  readonly keyFingerprint?: string;
  /** As configuration says; empty where it says nothing. */
  readonly owner: string;
  readonly notBefore?: Instant;
  readonly notAfter?: Instant;
  readonly algorithm: string;
  readonly bits?: number;
  /** The hash of the signature on it, where another one signed it. */
  readonly signedWith?: string;
  /** What it is good for. */
  readonly scope: string;
  /** Why its scope is wider than it has to be. */
  readonly excess?: string;
  /** What depends on it; nothing where it is an orphan. */
  readonly neededBy: readonly string[];
  readonly firstUsedAt?: Instant;
  readonly lastUsedAt?: Instant;
  /** Since when it could have been used. */
  readonly since?: Instant;
  /** When it was fetched or imported, where it comes from somebody else. */
  readonly obtainedAt?: Instant;
  readonly breaks: string;
  /** The drill that planted it. */
  readonly drill?: string;
};
