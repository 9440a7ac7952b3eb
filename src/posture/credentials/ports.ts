/** What does an inventory of credentials read? The broker's own parts, its database, and certificates that the platform has in files. */
import type { ProviderTrust } from "../../attestation/endorsement/provider-chain.ts";
import type { Instant } from "../../base/time.ts";
import type { World } from "../../broker/world.ts";
import type { Credential, CredentialKind } from "../../wire/credential-messages.ts";

/** A certificate that lies in a file, in DER. */
export interface FileCertificate {
  /** Within its kind. */
  readonly name: string;
  readonly kind: "broker-tls" | "watched" | "agent-ca" | "outgoing-ca";
  readonly der: Uint8Array;
  /** What it vouches for, where it does. */
  readonly scope?: string;
  /** How many authorities stand in its file. */
  readonly among?: number;
  /** As configuration says; `undefined` leaves it to the kind. */
  readonly owner?: string;
  /** What breaks when it ends; `undefined` leaves it to the kind. */
  readonly breaks?: string;
}

export interface InventoryPorts
  extends Pick<
    World,
    | "store"
    | "primitives"
    | "settings"
    | "signer"
    | "ledgerSigner"
    | "kek"
    | "tokenKeys"
    | "liveBundle"
    | "roster"
    | "log"
    | "chipIds"
  > {
  readonly providers: ProviderTrust;
  readonly identity?: World["identity"];
  /** Reads them anew each time. What it throws means that nobody can say what is in them. */
  readonly files: () => Promise<readonly FileCertificate[]>;
  /** So many pages of the log, of two hundred entries, are read for uses at once. */
  readonly usePages: number;
  /** Whose a credential of this kind is, or the guests, or policy, by configuration; empty where it says nothing. */
  readonly ownerOf: (kind: CredentialKind | "guest" | "policy") => string;
}

/** One part of the inventory. */
export type Source = (ports: InventoryPorts, now: Instant) => Promise<readonly Credential[]>;
