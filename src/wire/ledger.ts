/** How are leaves of the ledger handed out? As the exact bytes that were hashed. */
import * as v from "valibot";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { bytesField, bytesText, countField } from "./fields.ts";
import type { ForgottenTraces, LedgerPage, TraceForgetting } from "./ledger-messages.ts";

/** How many leaves one page holds at most. */
export const MAX_PAGE_ENTRIES = 256;

const MAX_LEAF_BYTES = 64 * 1024;

export const LEDGER_PAGE = v.object({
  from: countField(0),
  size: countField(0),
  entries: v.pipe(v.array(bytesField(1, MAX_LEAF_BYTES)), v.maxLength(MAX_PAGE_ENTRIES)),
});

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeLedgerPage(bytes: Uint8Array): LedgerPage {
  return decode(LEDGER_PAGE, bytes, ANSWER);
}

export function encodeLedgerPage({ from, size, entries }: LedgerPage): string {
  return encode({ from, size, entries: entries.map(bytesText) });
}

export const TRACE_FORGETTING = v.strictObject({ olderThanDays: countField(1) });

export const FORGOTTEN_TRACES = v.object({ before: countField(0) });

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeTraceForgetting(bytes: Uint8Array): TraceForgetting {
  return decode(TRACE_FORGETTING, bytes, REQUEST);
}

export function encodeTraceForgetting(forgetting: TraceForgetting): string {
  return encode({ ...forgetting });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeForgottenTraces(bytes: Uint8Array): ForgottenTraces {
  return decode(FORGOTTEN_TRACES, bytes, ANSWER);
}

export function encodeForgottenTraces(forgotten: ForgottenTraces): string {
  return encode({ ...forgotten });
}
