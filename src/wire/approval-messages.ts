/** What is told of requests that wait for people? Plain data, as in `messages.ts`. */
import type { Instant } from "../base/time.ts";

/** A request that lacks nothing but approvals, and who gave theirs. */
export interface WaitingSummary {
  /** Digest that it is approved by. */
  readonly request: string;
  readonly resource: string;
  readonly op: "release" | "derive";
  /** `report.id`, lower-case hex. */
  readonly report: string;
  readonly channel: "application" | "ra-tls" | "tls-exporter" | "kbs";
  readonly since: Instant;
  readonly at: Instant;
  readonly source: string;
  /** The decision that refused it first. */
  readonly decision: string;
  /** Whose approvals policy counts. */
  readonly groups: readonly string[];
  readonly approvedBy: readonly string[];
}
