/** Where do the verbs on the ledger find one? At a broker, or in an exported file. */
import type { Primitives } from "../base/primitives.ts";
import type { AdminClient } from "../client/admin.ts";
import type { AdminOptions } from "./admin-session.ts";

/** A broker's log, with the key that its heads are signed with. */
export interface LedgerSource extends Pick<AdminClient, "checkpoint" | "ledgerPage" | "inclusion"> {
  readonly audience: string;
  /** DER SubjectPublicKeyInfo of the ledger key. */
  readonly spki: Uint8Array;
}

export interface LedgerEdges {
  readonly primitives: Primitives;
  /** @throws {@link Fault} `file/unusable`, `config/invalid`, `broker/unreachable`. */
  readonly openLedger: (options: AdminOptions) => Promise<LedgerSource>;
  /** The bytes of a file in pieces; `-` is standard input. Iterating throws {@link Fault} `file/unusable`. */
  readonly readPieces: (path: string) => AsyncIterable<Uint8Array>;
}
