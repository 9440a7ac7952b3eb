/** Whom does an entry of the log concern by name? Those that a policy names in `notify`, and who asked for acts of admins or approvals. */
import { utf8 } from "../base/bytes.ts";
import type { JsonValue } from "../base/canonical-json.ts";
import { isJsonObject } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { DecisionEntry, LedgerEntry } from "../ledger/entry.ts";
import type { AuditEvent } from "../wire/audit-event.ts";
import type { Program } from "../writ/program.ts";
import type { LogPage } from "./log-page.ts";
import type { World } from "./world.ts";

export interface Notified {
  /** As policies have it. */
  readonly name: string;
  /** Acts of admins that are for this name whatever a policy says; {@link WANTED} and {@link USED} stand among them. */
  readonly acts: readonly string[];
}

/** A request began to wait for people. */
export const WANTED = "approval-wanted";
/** A release rested on what people approved. */
export const USED = "approval-used";

/** A request is taken in right after the decision that refused it; until then nobody knows whether it waits. */
const TAKEN_IN_SECONDS = 10;
const TRACE_LIMITS = { maxBytes: 1 << 24, maxDepth: 64, code: "store/incompatible" } as const;

/**
 * The event that an entry is for a name: `undefined` where it does not concern it, `later` where that is not known yet. A policy's word
 * lies in the trace of its decision, which the entry has the hash of.
 */
export async function notificationOf(
  entry: LedgerEntry,
  page: LogPage,
  to: Notified,
  world: Pick<World, "store" | "now">,
): Promise<AuditEvent | "later" | undefined> {
  const told = () => ({ ...page.eventOf(entry), notify: to.name });
  if (entry.kind === "admin") return to.acts.includes(entry.act) ? told() : undefined;
  if (entry.kind !== "decision") return undefined;
  const trace = (await page.traces()).get(entry.seq);
  if (trace === undefined) return undefined;
  const items = itemsOf(trace, entry);
  const used = items.flatMap((item) => (item.isAllowed ? item.used : []));
  if (items.some(({ isAllowed, names }) => isAllowed && names.includes(to.name))) {
    return used.length === 0 ? told() : { ...told(), approvals: { state: "used", requests: used } };
  }
  if (used.length > 0 && to.acts.includes(USED))
    return { ...told(), approvals: { state: "used", requests: used } };
  return wantedOf(entry, { items, to, told }, world);
}

/** Each time a guest asks again is another decision; people are told of the first. */
async function wantedOf(
  entry: DecisionEntry,
  {
    items,
    to,
    told,
  }: { readonly items: readonly TracedItem[]; readonly to: Notified; readonly told: () => AuditEvent },
  { store, now }: Pick<World, "store" | "now">,
): Promise<AuditEvent | "later" | undefined> {
  const isFor = ({ wanted, ifApproved }: TracedItem) =>
    wanted !== undefined && (to.acts.includes(WANTED) || ifApproved.includes(to.name));
  const requests: string[] = [];
  for (const { wanted = "" } of items.filter(isFor)) {
    const waiting = await store.waitingRequest(wanted, now()); // in order: few, and seldom
    if (waiting === undefined && now() < entry.time + TAKEN_IN_SECONDS) return "later";
    if (waiting?.decision === entry.id) requests.push(wanted);
  }
  return requests.length === 0 ? undefined : { ...told(), approvals: { state: "wanted", requests } };
}

/** What a trace says of people, item by item. */
interface TracedItem {
  readonly isAllowed: boolean;
  /** Whom the policies that allow name. */
  readonly names: readonly JsonValue[];
  /** The request that it may wait as, where it was refused. */
  readonly wanted: string | undefined;
  /** Whom the policies name that would allow it. */
  readonly ifApproved: readonly JsonValue[];
  /** The request that was approved, where approvals were used. */
  readonly used: readonly string[];
}

function itemsOf(trace: string, entry: DecisionEntry): readonly TracedItem[] {
  const items = parseStrictJson(utf8(trace), TRACE_LIMITS);
  if (!Array.isArray(items)) return [];
  return items.map((item, i) => {
    const isAllowed = entry.items[i]?.outcome === "allow";
    const approvals = memberOf(item, "approvals");
    const request = memberOf(approvals, "request");
    const asked = typeof request === "string" ? request : undefined;
    return {
      isAllowed,
      names: listOf(memberOf(item, "notify")),
      wanted: isAllowed ? undefined : asked,
      ifApproved: listOf(memberOf(approvals, "notify")),
      used: isAllowed && asked !== undefined && listOf(memberOf(approvals, "used")).length > 0 ? [asked] : [],
    };
  });
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return value !== undefined && isJsonObject(value) ? value[name] : undefined;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

/** Every name that the policies of a program would have notified, each once. */
export function namesToNotify({ declarations }: Program): readonly string[] {
  const names = declarations
    .flatMap(({ obligations }) => obligations)
    .flatMap((obligation) => (obligation.kind === "notify" ? obligation.names : []));
  return [...new Set(names)].sort();
}
