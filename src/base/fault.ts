/** What is an error here? One class with a stable code, a sentence for the operator, and flat facts. */
import type { FaultCode } from "./fault-codes.ts";

/** Flat, printable facts beside a fault. Never secrets, never whole blobs. */
export type FaultDetail = Readonly<Record<string, string | number | boolean>>;

/**
 * A stop with a stable code. `message` is for the operator: lower case, expected before received, and what to do next
 * where there is something to do. What a guest sees of it is decided by the wire code alone (`fault-codes.ts`).
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly detail: FaultDetail;

  constructor(code: FaultCode, message: string, detail: FaultDetail = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "Fault";
    this.code = code;
    this.detail = detail;
  }
}

/** Whether a thrown value is a fault, and with `code`, that fault. */
export function isFault(thrown: unknown, code?: FaultCode): thrown is Fault {
  return thrown instanceof Fault && (code === undefined || thrown.code === code);
}

/** What the system calls an error, `ENOENT` for one; `unknown` where it has no name. */
export function systemCodeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "unknown";
}
