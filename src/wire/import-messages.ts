/** What is said of secrets that come sealed? Plain data, as in `messages.ts`. */
import type { ImportKey, ImportSuite } from "../channel/import-seal.ts";
import type { TransitType } from "../keys/transit-type.ts";

/** A key to seal to is wanted. */
export interface ImportKeyRequest {
  readonly suite: ImportSuite;
  readonly validSeconds: number;
}

/** The key, and the broker's signature over all of it. */
export interface SignedImportKey extends ImportKey {
  /** 64 bytes by the broker's signing key, over `importKeyInput`. */
  readonly signature: Uint8Array;
}

/** A secret on its way to a path. */
export interface SealedSecret {
  /** Of the import key. */
  readonly key: string;
  /** A secret that guests are given, or a transit key of that type. */
  readonly use: "static" | TransitType;
  /** DER SubjectPublicKeyInfo of a pair; empty for everything else. */
  readonly publicKey: Uint8Array;
  readonly enc: Uint8Array;
  readonly ct: Uint8Array;
}
