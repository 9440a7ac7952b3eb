/** What does the broker ask a database to keep about findings? Their spells, and when each scan had its turn. */
import type { Instant } from "../base/time.ts";
import type { EntryDraft } from "../ledger/entry.ts";
import type { Finding, FindingPlace, Remedy, Sighting } from "../wire/finding-messages.ts";

/** How long after its end a finding that is there again is the same spell. */
export const REOPEN_SECONDS = 7 * 86_400;

/** How long a spell that ended is kept. */
export const FINDINGS_KEPT_SECONDS = 400 * 86_400;

/** A sighting under its identity. */
export interface NamedSighting extends Sighting {
  readonly id: string;
}

/** Which findings: what is open, and what was detected or ended at or after `since`. */
export interface FindingQuery {
  readonly since: Instant;
  readonly after: FindingPlace | undefined;
  readonly limit: number;
}

/** One subject of an open finding. */
export interface OpenFinding {
  readonly id: string;
  readonly subject: string;
}

/** How the last turn of a scan went. */
export interface ScanTurn {
  readonly name: string;
  readonly at: Instant;
  /** How many subjects it looked at, and how many it could not look at. */
  readonly subjects: number;
  readonly blind: number;
  readonly findings: number;
  /** Why it could not look at all; empty where it could. */
  readonly trouble: string;
}

/** With how many turns it had so far. */
export interface ScanRecord extends ScanTurn {
  readonly runs: number;
}

export interface FindingStore {
  /**
   * Records what was seen at one moment: a new spell, the one that is open, or one that ended within {@link REOPEN_SECONDS} and is
   * open again. What a later look said already is not undone by an earlier one that comes late. Answers the ids of new spells.
   */
  readonly putSightings: (sightings: readonly NamedSighting[], at: Instant) => Promise<readonly string[]>;
  /** At most `limit` of a class, those with an id after `after`, in order of id. */
  readonly openFindings: (
    findingClass: string,
    after: string,
    limit: number,
  ) => Promise<readonly OpenFinding[]>;
  /** Ends what is open and was not seen at or after this moment. */
  readonly endFindings: (ids: readonly string[], how: Remedy, at: Instant) => Promise<void>;
  /** In order of id and episode. */
  readonly findings: (query: FindingQuery) => Promise<readonly Finding[]>;
  /** The spells of one finding, the newest first. */
  readonly finding: (id: string) => Promise<readonly Finding[]>;
  /** False where no such finding is open, or somebody knows of it already; nothing changes then. */
  readonly acknowledgeFinding: (
    acknowledgement: {
      readonly id: string;
      readonly at: Instant;
      readonly by: string;
      readonly note: string;
    },
    entry: EntryDraft,
  ) => Promise<boolean>;
  /** True for one of those who ask: the scan's last turn began at or before `before`. */
  readonly beginScan: (name: string, at: Instant, before: Instant) => Promise<boolean>;
  readonly endScan: (turn: ScanTurn) => Promise<void>;
  /** In order of name; only those that had a turn. */
  readonly scans: () => Promise<readonly ScanRecord[]>;
}
