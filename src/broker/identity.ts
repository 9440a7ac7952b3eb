/** Who says who an admin is? OpenID providers that the configuration names, as the broker asks them. */
import type { Instant } from "../base/time.ts";

/** A provider as those who sign in are told of it. */
export interface OfferedProvider {
  readonly issuer: string;
  readonly clientId: string;
  /** How long ago somebody may have shown the provider who they are. */
  readonly maxAgeSeconds?: number;
  /** One of these classes of authentication is wanted; any will do where there is none. */
  readonly acr: readonly string[];
  /** How long what comes of a sign-in is good. */
  readonly sessionSeconds: number;
}

/** Whom a provider vouched for. */
export interface Identity {
  readonly subject: string;
  /** The key that the provider signed with, by the name that the inventory has for it. */
  readonly key: string;
}

/** A key that a provider signs with now. */
export interface ProviderKey {
  readonly issuer: string;
  /** As {@link Identity} has it. */
  readonly name: string;
  readonly spki: Uint8Array;
  /** What it may sign ID tokens with here. */
  readonly algorithms: readonly string[];
  /** The certificate that stands beside the key, DER. */
  readonly certificate?: Uint8Array;
  readonly obtainedAt: Instant;
}

export interface IdentityProviders {
  readonly offered: readonly OfferedProvider[];
  /**
   * Believes an ID token of a provider, made for this broker and for this nonce, lately.
   *
   * @throws {@link Fault} `login/refused` for every deviation; `login/unavailable` where the provider's keys cannot be had.
   */
  readonly verify: (
    idToken: string,
    wanted: { readonly issuer: string; readonly nonce: string },
  ) => Promise<Identity>;
  /** What each provider signs with, as far as it could be asked; what cannot be asked is none that anybody signs in by. */
  readonly keys: () => Promise<readonly ProviderKey[]>;
}
