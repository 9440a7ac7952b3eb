/** Whom does an entry of the log concern by name? Those that an allowing policy names in `notify`, and who asked for acts of admins. */
import { utf8 } from "../base/bytes.ts";
import type { JsonValue } from "../base/canonical-json.ts";
import { isJsonObject } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import type { Program } from "../writ/program.ts";
import type { Store } from "./store.ts";

const TRACE_LIMITS = { maxBytes: 1 << 24, maxDepth: 64, code: "store/incompatible" } as const;

/**
 * Whether somebody is to be told of an entry. A policy's word lies in the trace of its decision, which the entry has the hash of.
 *
 * @param acts - Acts of admins that are for this name whatever a policy says.
 */
export async function isNotified(
  entry: LedgerEntry,
  to: { readonly name: string; readonly acts: readonly string[] },
  store: Pick<Store, "decision">,
): Promise<boolean> {
  if (entry.kind === "admin") return to.acts.includes(entry.act);
  if (entry.kind !== "decision" || entry.outcome !== "allow") return false;
  const stored = await store.decision(entry.id);
  if (stored === undefined || !stored.trace.includes(NOTIFY)) return false; // most traces are long, and name nobody
  const items = parseStrictJson(utf8(stored.trace), TRACE_LIMITS);
  if (!Array.isArray(items)) return false;
  return items.some((item, i) => entry.items[i]?.outcome === "allow" && namesIn(item).includes(to.name));
}

const NOTIFY = '"notify":';

function namesIn(item: JsonValue): readonly JsonValue[] {
  const names = isJsonObject(item) ? item["notify"] : undefined;
  return Array.isArray(names) ? names : [];
}

/** Every name that the policies of a program would have notified, each once. */
export function namesToNotify({ declarations }: Program): readonly string[] {
  const names = declarations
    .flatMap(({ obligations }) => obligations)
    .flatMap((obligation) => (obligation.kind === "notify" ? obligation.names : []));
  return [...new Set(names)].sort();
}
