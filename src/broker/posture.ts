/** What does the broker have look after it? The port of the room `posture`: scans, and what their findings come to. */
import type { Instant } from "../base/time.ts";
import type { Credential } from "../wire/credential-messages.ts";
import type { Finding, FindingReport, ScanSummary } from "../wire/finding-messages.ts";
import type { Scan } from "./finding-scan.ts";

export interface Posture {
  readonly scans: readonly Scan[];
  /** In order of name. @throws {@link Fault} where a part of it cannot be looked at. */
  readonly credentials: (now: Instant) => Promise<readonly Credential[]>;
  readonly report: (
    findings: readonly Finding[],
    scans: readonly ScanSummary[],
    window: { readonly since: Instant; readonly until: Instant },
  ) => Promise<FindingReport>;
}
