/** What is said of people: who the admins are, and what they say to a bundle. */
import type { JsonObject } from "../base/canonical-json.ts";
import type { Instant } from "../base/time.ts";
import type { Account } from "../policy/accounts.ts";
import type { Admin, OwnerGroup } from "../policy/admins.ts";
import type { Finding } from "../policy/finding.ts";
import type { VouchedActivation } from "../policy/roster.ts";

/** The admins, and what a change of them has to build upon. */
export interface RosterView {
  readonly admins: readonly (Admin & { readonly isRoot: boolean })[];
  /** Those who sign in by a provider. */
  readonly accounts: readonly Account[];
  readonly groups: readonly OwnerGroup[];
  readonly approvals: number;
  readonly rootThreshold: number;
  /** How many changes there were. */
  readonly serial: number;
  readonly head?: string;
  /** What a change has to vouch for. */
  readonly live?: VouchedActivation;
  readonly warnings: readonly string[];
}

/** What a proposed bundle changes, and who has to agree. */
export interface PolicyReview {
  readonly digest: string;
  /** The live one, which it follows. */
  readonly previous?: string;
  /** Of its activation. */
  readonly serial: number;
  readonly finding: Finding;
  /** What an approver signs to have seen. */
  readonly verdict: string;
  readonly authors: readonly string[];
  readonly needs: readonly {
    readonly group?: string;
    readonly approvals: number;
    readonly by: readonly string[];
  }[];
  readonly rejectedBy: readonly string[];
  readonly isApproved: boolean;
  readonly statements: readonly ReviewedStatement[];
  /** For people: verdict, and requests that show it. */
  readonly text: string;
  readonly diff: JsonObject;
  readonly warnings: readonly string[];
}

/** What somebody said to a bundle; `why` it does not count, where it does not. */
export interface ReviewedStatement {
  readonly at: Instant;
  readonly by: string;
  readonly person?: string;
  readonly decision?: "approve" | "reject";
  readonly expires?: Instant;
  readonly why?: string;
}
