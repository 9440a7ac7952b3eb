/** What does the broker ask a database to keep about sessions of the KBS exchange? The token of each, once there is one. */
import type { Instant } from "../../base/time.ts";

/** A session whose guest was attested. Its token is signed, and names the session's nonce: the row itself proves nothing. */
export interface KbsSessionRow {
  /** 32 lower-case hex digits. */
  readonly id: string;
  readonly token: string;
  readonly until: Instant;
}

export interface KbsStore {
  /** Keeps the first one of an id. */
  readonly keepKbsSession: (session: KbsSessionRow) => Promise<void>;
  readonly kbsSession: (id: string) => Promise<KbsSessionRow | undefined>;
}
