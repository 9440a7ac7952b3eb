/** By which settings is a machine weaker than it was? One row each: the field, its weaker value, and what that opens. */
import type { Severity } from "../../wire/finding-messages.ts";

interface SettingRow {
  readonly weak: boolean;
  readonly severity: Severity;
  readonly opens: string;
}

export const SETTINGS = {
  "guest.debug": { weak: true, severity: "critical", opens: "the host may read and write its memory" },
  "guest.migrate_ma": {
    weak: true,
    severity: "high",
    opens: "a migration agent may take its memory elsewhere",
  },
  "guest.smt": { weak: true, severity: "medium", opens: "it may run beside another's thread on one core" },
  "host.smt": { weak: true, severity: "low", opens: "the cores of its host run two threads" },
  "host.alias_check": {
    weak: false,
    severity: "high",
    opens: "its host's memory may hold aliases since the last start (BadRAM)",
  },
  "host.ciphertext_hiding": {
    weak: false,
    severity: "medium",
    opens: "its host may watch ciphertext in memory",
  },
  "firmware.provisional": {
    weak: true,
    severity: "low",
    opens: "its host may go back to the firmware that it committed to",
  },
} as const satisfies Record<string, SettingRow>;

export function settingRow(field: string): SettingRow | undefined {
  const rows: Readonly<Record<string, SettingRow>> = SETTINGS;
  return Object.hasOwn(rows, field) ? rows[field] : undefined;
}
