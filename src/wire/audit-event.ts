/** What is said to whoever watches from outside? One event for each entry of the log, whole, with the place and the hash to find it by. */
import { hexOf } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import { formatInstant, instant } from "../base/time.ts";
import { encodeEntry, type LedgerEntry } from "../ledger/entry.ts";
import { leafHash } from "../ledger/merkle.ts";

/** Written as one line of JSON. A member is only ever added; what one means changes with the number in `schema`. */
export interface AuditEvent {
  readonly schema: "ostiary.audit/1";
  /** The hash of the leaf, lower-case hex: whoever hears an event twice, or proves that it stands in the log, goes by it. */
  readonly id: string;
  /** Whose log. */
  readonly audience: string;
  /** The place in the log. */
  readonly index: number;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly type: AuditType;
  /** The leaf itself. */
  readonly entry: LedgerEntry;
  /** Of notifications: whom it is for, by the name that policy and configuration have. */
  readonly notify?: string;
  /** Of notifications: requests, by their digests, that wait for people from now on, or that were let through since people approved them. */
  readonly approvals?: { readonly state: "wanted" | "used"; readonly requests: readonly string[] };
}

export type AuditType = "decision.allow" | "decision.deny" | "release-failed" | "admin" | "epoch";

/** The event of an entry: the same entry gives the same event, whenever and wherever it is made. */
export function auditEventOf(
  entry: LedgerEntry,
  by: { readonly audience: string; readonly digest: Primitives["digest"] },
): AuditEvent {
  return {
    schema: "ostiary.audit/1",
    id: hexOf(leafHash(encodeEntry(entry), by.digest)),
    audience: by.audience,
    index: entry.seq,
    time: formatInstant(instant(entry.time)),
    type: entry.kind === "decision" ? `decision.${entry.outcome}` : entry.kind,
    entry,
  };
}

/** One line of ASCII, without its end: a control character or a letter of any script can neither end nor hide it. */
export function auditLine(event: AuditEvent): string {
  const line = lines.get(event) ?? lineOf(event);
  lines.set(event, line);
  return line;
}

/** Every sink that writes lines writes the same. */
const lines = new WeakMap<AuditEvent, string>();

function lineOf(event: AuditEvent): string {
  return JSON.stringify(event).replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
