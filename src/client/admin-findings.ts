/** What can an admin's program ask about findings? Typed calls, like those of `admin.ts`. */

import { Fault } from "../base/fault.ts";
import { formatInstant, type Instant } from "../base/time.ts";
import type { Credential } from "../wire/credential-messages.ts";
import { decodeCredentialPage } from "../wire/credentials.ts";
import type { DrillOrder, DrillSummary } from "../wire/drill-messages.ts";
import { decodeDrillList, encodeDrillOrder } from "../wire/drills.ts";
import type { EndorsementCounts, EndorsementPage } from "../wire/endorsement-bundle.ts";
import * as bundle from "../wire/endorsement-bundle.ts";
import type { Finding, FindingPlace, FindingReport, ScanSummary } from "../wire/finding-messages.ts";
import { decodeFindingReport } from "../wire/finding-report.ts";
import { decodeFindingPage, decodeScanList, encodeAcknowledgement } from "../wire/findings.ts";
import type { AdminCall } from "./admin-secrets.ts";

export interface FindingCalls {
  /** What is open, and what was detected or ended since: every page of it. */
  readonly listFindings: (since: Instant | undefined) => Promise<readonly Finding[]>;
  /** Every spell of one, the newest first. */
  readonly showFinding: (id: string) => Promise<readonly Finding[]>;
  readonly acknowledgeFinding: (id: string, note: string | undefined) => Promise<readonly Finding[]>;
  readonly findingReport: (since: Instant | undefined) => Promise<FindingReport>;
  /** What the broker depends on, in order of name. */
  readonly listCredentials: () => Promise<readonly Credential[]>;
  /** Every certificate and CRL of AMD's that the broker keeps, in order of key. */
  readonly listEndorsements: () => Promise<EndorsementPage["endorsements"]>;
  readonly importEndorsements: (pem: string) => Promise<EndorsementCounts>;
  readonly plantDrill: (order: DrillOrder) => Promise<DrillSummary>;
  readonly endDrill: (id: string) => Promise<void>;
  readonly listDrills: () => Promise<readonly DrillSummary[]>;
  /** Gives every scan a turn now. */
  readonly scanNow: () => Promise<readonly ScanSummary[]>;
}

export function findingCalls(call: AdminCall): FindingCalls {
  return {
    listFindings: async (since) => {
      const findings: Finding[] = [];
      let after: FindingPlace | undefined;
      do {
        const query = queryOf({ since: since && formatInstant(since), after: after && placeText(after) });
        const page = decodeFindingPage(await call("GET", `/v1/admin/findings${query}`)); // in order: page after page
        findings.push(...page.findings);
        after = page.next;
      } while (after !== undefined);
      return findings;
    },
    showFinding: async (id) => decodeFindingPage(await call("GET", findingAt(id))).findings,
    acknowledgeFinding: async (id, note) =>
      decodeFindingPage(await call("POST", findingAt(id), encodeAcknowledgement(note))).findings,
    findingReport: async (since) =>
      decodeFindingReport(
        await call("GET", `/v1/admin/finding-report${queryOf({ since: since && formatInstant(since) })}`),
      ),
    listCredentials: async () => {
      const credentials: Credential[] = [];
      let after: string | undefined;
      do {
        const page = decodeCredentialPage(await call("GET", `/v1/admin/credentials${queryOf({ after })}`)); // in order
        credentials.push(...page.credentials);
        after = page.next;
      } while (after !== undefined);
      return credentials;
    },
    listEndorsements: async () => {
      const endorsements: EndorsementPage["endorsements"][number][] = [];
      let after: string | undefined;
      do {
        const page = bundle.decodeEndorsementPage(await call("GET", `${ENDORSEMENTS}${queryOf({ after })}`)); // in order
        endorsements.push(...page.endorsements);
        after = page.next;
      } while (after !== undefined);
      return endorsements;
    },
    importEndorsements: async (pem) =>
      bundle.decodeEndorsementCounts(await call("POST", ENDORSEMENTS, bundle.encodeEndorsementImport(pem))),
    plantDrill: async (order) => {
      const [drill] = decodeDrillList(await call("POST", DRILLS, encodeDrillOrder(order)));
      if (drill !== undefined) return drill;
      throw new Fault("broker/unreachable", "expected the drill that was planted");
    },
    endDrill: async (id) => void (await call("DELETE", drillAt(id))),
    listDrills: async () => decodeDrillList(await call("GET", DRILLS)),
    scanNow: async () => decodeScanList(await call("POST", "/v1/admin/finding-scans")),
  };
}

function findingAt(id: string): string {
  if (/^[0-9a-f]{32}$/.test(id)) return `/v1/admin/findings/${id}`;
  throw new Fault("request/malformed", "expected the id of a finding, 32 hex digits");
}

const ENDORSEMENTS = "/v1/admin/endorsements";
const DRILLS = "/v1/admin/drills";

function drillAt(id: string): string {
  if (/^[0-9A-Z]{26}$/.test(id)) return `${DRILLS}/${id}`;
  throw new Fault("request/malformed", "expected the id of a drill, which is a ULID");
}

function placeText({ id, episode }: FindingPlace): string {
  return `${id}-${episode}`;
}

function queryOf(members: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(members).filter((one): one is [string, string] => one[1] !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}
