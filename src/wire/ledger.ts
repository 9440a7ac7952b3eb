/** How are leaves of the ledger handed out? As the exact bytes that were hashed. */
import * as v from "valibot";
import { ANSWER, decode, encode } from "./codec.ts";
import { bytesField, bytesText, countField } from "./fields.ts";
import type { LedgerPage } from "./messages.ts";

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
