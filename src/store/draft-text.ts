/** How does an entry draft become a column and come back? As canonical JSON that the store never interprets. */
import { canonicalJson } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { EntryDraft } from "../ledger/entry.ts";

/** The canonical text of a draft. */
export function draftText(draft: EntryDraft): string {
  return canonicalJson(draft);
}

/**
 * The draft of a column that {@link draftText} wrote. That a stranger wrote other JSON there is found out when its leaf
 * is hashed.
 *
 * @throws {@link Fault} `store/incompatible` for what is no JSON.
 */
export function draftOf(text: string): EntryDraft {
  try {
    return JSON.parse(text);
  } catch {
    throw new Fault("store/incompatible", "the database holds a ledger entry that is no JSON");
  }
}
