/** What does configuration say of a provider? Whom to believe, for which client, and how somebody has to show who they are. */
import type { OfferedProvider } from "../broker/identity.ts";

/** What is wanted of a provider's tokens. */
export interface IdTokenRules {
  readonly issuer: string;
  readonly clientId: string;
  /** Others that a token may be for besides, where `azp` says that we asked for it. */
  readonly audiences: readonly string[];
  /** Asymmetric ones alone: the schema has no other. */
  readonly algorithms: readonly string[];
  readonly maxAgeSeconds?: number;
  readonly acr: readonly string[];
  /** Methods of authentication (RFC 8176), each of which is wanted. */
  readonly amr: readonly string[];
}

export interface ProviderPlan extends OfferedProvider, IdTokenRules {
  /** Where its keys are, where the provider's own discovery is not asked. */
  readonly jwksUri?: string;
}
