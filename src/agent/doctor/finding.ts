/** What does the doctor say of one thing? What it saw, what it expected, and what to do. */

/** `error`: keys are at risk, or none will come. `warning`: worth a change. `note`: known, and no fault of this guest's. */
export type Severity = "ok" | "note" | "warning" | "error";

export interface Finding {
  /** Stable, as `docs/agent-doctor.md` lists it. */
  readonly id: string;
  readonly severity: Severity;
  readonly seen: string;
  readonly expected: string;
  /** Absent where all is well. */
  readonly next?: string;
}

/** More than a terminal shows is no help, and much of what is seen was written by the host. */
const MAX_TEXT = 200;

/** A finding whose words are short and printable, whoever wrote what was seen. */
export function finding(id: string, severity: Severity, words: Omit<Finding, "id" | "severity">): Finding {
  const { seen, expected, next } = words;
  return {
    id,
    severity,
    seen: printable(seen),
    expected: printable(expected),
    ...(next === undefined || severity === "ok" ? {} : { next: printable(next) }),
  };
}

function printable(text: string): string {
  const clean = text.replaceAll(/[^\P{C}]/gu, "?").trim();
  return clean.length <= MAX_TEXT ? clean : `${clean.slice(0, MAX_TEXT - 1)}…`;
}
