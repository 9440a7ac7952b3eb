/** What does a syslog server read? RFC 5424 messages, and over a stream each with its length before it (RFC 6587, RFC 5425). */
import { type AuditEvent, type AuditType, auditLine } from "../wire/audit-event.ts";

/** RFC 5424 section 6.2.1, "log audit". */
const FACILITY = 13;
const SEVERITY: Readonly<Record<AuditType, number>> = {
  "decision.allow": 6,
  "decision.deny": 4,
  "release-failed": 3,
  admin: 5,
  epoch: 5,
};

/** The message is the event's line of JSON, in ASCII: it needs no byte order mark, and holds no control character. */
export function syslogMessage(event: AuditEvent, hostname: string): string {
  const priority = FACILITY * 8 + SEVERITY[event.type];
  return `<${priority}>1 ${event.time} ${nameOf(hostname)} ostiary - ${event.type} - ${auditLine(event)}`;
}

/** RFC 6587 section 3.4.1: a line's end in a message begins no other. */
export function framed(message: string): string {
  return `${message.length} ${message}`; // ASCII: as many bytes as characters
}

function nameOf(hostname: string): string {
  return /^[!-~]{1,255}$/.test(hostname) ? hostname : "-";
}
