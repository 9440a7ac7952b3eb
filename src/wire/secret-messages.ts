/** What is said of secrets, their versions and who holds them? Plain data, as in `messages.ts`. */
import type { Instant } from "../base/time.ts";
import type { ContextField } from "../keys/derivation.ts";
import type { Recipe } from "../keys/recipe.ts";
import type { BindingId } from "./messages.ts";

/** The content of a new secret version: given, or made by the broker. */
export type SecretContent =
  | { readonly kind: "static"; readonly plaintext: Uint8Array }
  | { readonly kind: "generated"; readonly make: Recipe }
  /** Each guest gets a key of `size` bytes of its own, by these fields of its report. */
  | { readonly kind: "derived"; readonly size: number; readonly by: readonly ContextField[] };

/** A fresh version of a generated secret; without a recipe by that of its newest version. */
export interface SecretRotation {
  readonly make?: Recipe;
}

/** Puts one version in or out of service, or out of this world. */
export interface SecretStateChange {
  readonly version: number;
  readonly state: "enabled" | "disabled" | "destroyed";
  /** To `destroyed` only: so many guests that have read the version, and confirmed no later one, may be cut off. */
  readonly despite?: number;
}

/** From now on the version is not released; after so many seconds it is destroyed, unless it is enabled or disabled before. */
export interface SecretCondemnation {
  readonly version: number;
  readonly destroyAfter: number;
  /** As with a change to `destroyed`. */
  readonly despite?: number;
}

/** What is not named stays as it is; `null` takes a choice back. */
export interface SecretSettingsChange {
  /** Over which bindings it may be released: a set, at least one. */
  readonly bindings?: readonly BindingId[];
  /** Which version is given where none is named; `null`: the newest enabled one. */
  readonly current?: number | null;
  /** Versions below are not given. */
  readonly minimum?: number;
  /** How old, in seconds, the newest version of a generated secret gets; `null`: it is rotated by hand only. */
  readonly rotateSeconds?: number | null;
  /** Whether the broker disables a version once everybody who read it has confirmed a later one. */
  readonly retire?: boolean;
  /** For how many seconds a guest holds it alone, unless it renews; `null`: any number of guests may hold it. */
  readonly leaseSeconds?: number | null;
  readonly owner?: string;
  /** All labels, in place of those that are there. */
  readonly labels?: Readonly<Record<string, string>>;
}

export type SecretChange = SecretStateChange | SecretCondemnation | SecretSettingsChange;

export interface SecretSummary {
  readonly path: string;
  readonly kind: "static" | "generated" | "derived";
  /** The recipe of a generated version: `aes-256`, `bytes:32`; of a derived one `derived:32:report.chip_id`. */
  readonly make?: string;
  readonly version: number;
  readonly state: "enabled" | "disabled" | "condemned" | "destroyed";
  /** DER SubjectPublicKeyInfo of a key pair. */
  readonly publicKey?: Uint8Array;
  /** Of a condemned version. */
  readonly destroyAt?: Instant;
  readonly createdAt: Instant;
  readonly createdBy: string;
  /** These are of the secret, not of the version; each absent where nobody chose anything. */
  readonly bindings?: readonly BindingId[];
  readonly current?: number;
  readonly minimum?: number;
  readonly rotateSeconds?: number;
  readonly retire?: true;
  readonly leaseSeconds?: number;
  readonly owner?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A guest that was given a version. */
export interface ReaderSummary {
  readonly version: number;
  /** `report.id`, hex; `before` for whoever read it before readers were kept. */
  readonly reader: string;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  /** The newest decision by which it was read. */
  readonly decision?: string;
  readonly confirmedAt?: Instant;
}

/** Who holds what: at most 1000 readers, those who confirmed nothing first. */
export interface ReaderList {
  readonly readers: readonly ReaderSummary[];
  /** How many readers of each version that has any have confirmed no later one. */
  readonly holding: readonly { readonly version: number; readonly readers: number }[];
}

/** A guest says that a version is in use, and that earlier ones are not needed any more. */
export interface UseConfirmation {
  readonly secret: string;
  readonly version: number;
  /** `report.id` of guests that it speaks for: itself before its restarts. */
  readonly also?: readonly string[];
}

/** Which earlier versions of that secret this guest no longer holds, by this confirmation. */
export interface ConfirmAnswer {
  readonly replaced: readonly number[];
}

/** Who holds a secret that one guest at a time may hold. */
export interface LeaseState {
  /** How long a lease is, where the secret is leased. */
  readonly seconds?: number;
  readonly isRunning: boolean;
  /** The newest lease, whether it runs or not. */
  readonly last?: {
    /** `report.id`, hex; empty after a restore, when nobody knows. */
    readonly holder: string;
    readonly fence: number;
    readonly since: Instant;
    readonly until: Instant;
    /** Empty after a restore. */
    readonly decision: string;
  };
}

/** An admin ends a lease in the place of its holder; the fence says which holder is meant. */
export interface LeaseEndOrder {
  readonly fence: number;
}

/** A guest gives back what it holds. */
export interface LeaseReturn {
  readonly secret: string;
  readonly fence: number;
}
