/** What may a database error say beyond this room? Its code and our sentence: never its message, query or values. */
import { Fault } from "../base/fault.ts";
import type { FaultCode } from "../base/fault-codes.ts";

/** Code prefixes of SQLite and of the file system, and what each means to an operator. The first that fits speaks. */
const SENTENCES: readonly (readonly [prefix: string, code: FaultCode, sentence: string])[] = [
  ["SQLITE_BUSY", "store/unavailable", "another program holds the database locked"],
  ["SQLITE_LOCKED", "store/unavailable", "another program holds the database locked"],
  ["SQLITE_FULL", "store/unavailable", "the disk under the database is full"],
  ["ENOSPC", "store/unavailable", "the disk under the database is full"],
  [
    "SQLITE_READONLY",
    "store/unavailable",
    "the database may not be written; look at the permissions of file and folder",
  ],
  ["EROFS", "store/unavailable", "the database may not be written; the file system is read-only"],
  [
    "EACCES",
    "store/unavailable",
    "the database may not be opened; look at the permissions of file and folder",
  ],
  [
    "EPERM",
    "store/unavailable",
    "the database may not be opened; look at the permissions of file and folder",
  ],
  ["ENOENT", "store/unavailable", "expected a database or its folder at the configured path, found nothing"],
  ["ENOTDIR", "store/unavailable", "expected the database's folder at the configured path, found a file"],
  ["EEXIST", "store/unavailable", "expected no file where a database is to be made, found one"],
  ["SQLITE_CANTOPEN", "store/unavailable", "the database cannot be opened; look at its path and permissions"],
  ["SQLITE_IOERR", "store/unavailable", "the disk under the database failed"],
  [
    "SQLITE_CORRUPT",
    "store/unavailable",
    "the database is damaged; keep the file for forensics and restore a backup",
  ],
  ["SQLITE_TOOBIG", "store/unavailable", "the database takes no row as large as this one"],
  ["D1_OVERLOADED", "store/unavailable", "D1 has more requests than it can serve; try again in some seconds"],
  ["D1_ERROR", "store/unavailable", "D1 cannot be reached or ended the request"],
  ["SQLITE_NOTADB", "store/incompatible", "the file at the configured path is no SQLite database"],
  ...sentencesOf(
    ["CONNECT", "ECONN", "ENOTFOUND", "EAI_", "ETIMEDOUT", "EPIPE", "EHOST", "ENET", "08", "57P"],
    "PostgreSQL cannot be reached or ended the connection; look at its address and its log",
  ),
  ...sentencesOf(
    ["CERT_", "DEPTH_ZERO", "SELF_SIGNED", "UNABLE_TO", "ERR_TLS", "ERR_SSL", "EPROTO"],
    "PostgreSQL offers no TLS that this broker trusts; look at `ca_file` and at the server's certificate",
  ),
  ["28", "store/unavailable", "PostgreSQL refuses this broker's role or password"],
  ["3D000", "store/incompatible", "PostgreSQL has no database of the configured name"],
  ["25006", "store/unavailable", "the database may not be written: a standby, or set to read-only"],
  ["42501", "store/unavailable", "the database may not be written; look at the rights of the broker's role"],
  ["42P01", "store/incompatible", "the database lacks a table of its schema; restore a backup"],
  ["53100", "store/unavailable", "the disk under the database is full"],
  ["53", "store/unavailable", "PostgreSQL has no room for another connection; look at `max_connections`"],
  [
    "57014",
    "store/unavailable",
    "a statement took more than ten seconds; look at what the database is doing",
  ],
  ["XX00", "store/unavailable", "the database is damaged; keep it for forensics and restore a backup"],
];

function sentencesOf(
  prefixes: readonly string[],
  sentence: string,
): readonly (readonly [string, FaultCode, string])[] {
  return prefixes.map((prefix) => [prefix, "store/unavailable", sentence] as const);
}

const KNOWN_SHAPE = /^[A-Z0-9][A-Z0-9_]{2,63}$/;

/** Turns whatever a driver threw into a fault that holds nothing of it but its code. A fault stays as it is. */
export function storeFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const driverCode = codeOf(thrown);
  const known = SENTENCES.find(([prefix]) => driverCode.startsWith(prefix));
  const [, code, sentence] = known ?? ["", "store/unavailable", "the database refused a statement"];
  return new Fault(code, sentence, { code: driverCode });
}

/** Whether the database can no longer be trusted to keep what it is given: then nothing more is asked of it. */
export function isDamage(fault: Fault): boolean {
  const { code } = fault.detail;
  return typeof code === "string" && /^SQLITE_(?:IOERR|CORRUPT|NOTADB)/.test(code);
}

/** Whether another process holds what was asked for at this moment. */
export function isBusy(thrown: unknown): boolean {
  return thrown instanceof Fault && String(thrown.detail["code"]).startsWith("SQLITE_BUSY");
}

/** Whether a connection ended or never came to be, so that the same may be asked again on another. */
export function isLost(thrown: unknown): boolean {
  return /^(?:CONNECT|ECONN|EPIPE|ENOENT|08|57P)/.test(codeOf(thrown));
}

/** Drizzle wraps the driver's error as its cause; the code is on whichever of the two has one. */
function codeOf(thrown: unknown, depth = 0): string {
  if (typeof thrown !== "object" || thrown === null || depth > 3) return "unknown";
  if ("code" in thrown && typeof thrown.code === "string" && KNOWN_SHAPE.test(thrown.code))
    return thrown.code;
  return "cause" in thrown ? codeOf(thrown.cause, depth + 1) : "unknown";
}
