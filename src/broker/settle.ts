/** What is the final leaf of a stored entry? The draft, its position, and what the counters said inside the transaction. */
import type { DecisionEntry, EntryDraft, LedgerEntry } from "../ledger/entry.ts";
import type { StoredEntry } from "./store.ts";

/** Pure: the same row gives the same leaf to the broker that wrote it and to every auditor. */
export function settle(stored: StoredEntry): LedgerEntry {
  const { draft, seq } = stored;
  return draft.kind === "decision" ? settleDecision({ ...stored, draft }) : { ...draft, seq };
}

/** An exhausted counter turns its item, or with all-or-nothing the whole decision, into a refusal with code `counter`. */
export function settleDecision(
  stored: Omit<StoredEntry, "draft"> & { readonly draft: Extract<EntryDraft, { readonly kind: "decision" }> },
): DecisionEntry {
  const { draft, seq, exhausted, isAllOrNothing } = stored;
  if (exhausted.length === 0) return { ...draft, seq };
  const items = draft.items.map((item, index) =>
    isAllOrNothing || exhausted.includes(index) ? { ...item, outcome: "deny" as const } : item,
  );
  const isAllowed = items.some((item) => item.outcome === "allow");
  if (isAllowed) return { ...draft, seq, items };
  const { bearer: _given, ...refused } = draft; // nothing was given
  return { ...refused, seq, items, outcome: "deny", code: "counter" };
}
