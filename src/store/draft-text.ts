/** How does an entry draft become a column and come back? As canonical JSON that the store never interprets. */
import { canonicalJson } from "../base/canonical-json.ts";
import type { EntryDraft } from "../ledger/entry.ts";

/** The canonical text of a draft. */
export function draftText(draft: EntryDraft): string {
  return canonicalJson(draft);
}

/** The draft of a column that {@link draftText} wrote. What a stranger wrote there is found out when its leaf is hashed. */
export function draftOf(text: string): EntryDraft {
  return JSON.parse(text);
}
