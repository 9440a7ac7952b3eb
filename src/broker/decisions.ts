/** Why was a guest refused, or let in? The decision with its whole trace, or the line of the decision log. */
import { utf8 } from "../base/bytes.ts";
import type { JsonObject } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { DecisionPage } from "../wire/decision.ts";
import type { DecisionDetail } from "../wire/messages.ts";
import { settle } from "./settle.ts";
import { FORGOTTEN, type StoredDecision } from "./store.ts";
import type { World } from "./world.ts";

const TRACE_LIMITS = { maxBytes: 8 << 20, maxDepth: 256, code: "store/unavailable" } as const;

/** @throws {@link Fault} `request/not-found` where neither the ledger nor the decision log knows the id. */
export async function decisionOf(id: string, world: World): Promise<DecisionDetail> {
  const stored = await world.store.decision(id);
  if (stored !== undefined) return detailOf(stored);
  const refusal = await world.store.refusal(id);
  if (refusal === undefined)
    throw new Fault("request/not-found", `expected a known decision id, received \`${id}\``);
  return { kind: "refusal", ...refusal };
}

/** An answer stays below what a client takes: a page ends early rather than to grow beyond it. */
const PAGE_BYTES = 1 << 20;

/** A page of decisions, newest first; at least one where there is one. */
export async function decisionsBefore(
  { before, limit }: { readonly before: number | undefined; readonly limit: number },
  { store }: Pick<World, "store">,
): Promise<DecisionPage> {
  const stored = await store.decisionsBefore(before, limit);
  let size = 0;
  const told = stored.filter(({ trace }, i) => {
    size += trace.length;
    return i === 0 || size <= PAGE_BYTES;
  });
  const last = told.at(-1);
  const isOver = last === undefined || stored.length < limit;
  const isWhole = told.length === stored.length;
  return { decisions: told.map(detailOf), ...(isOver && isWhole ? {} : { next: last?.seq ?? 0 }) };
}

function detailOf(stored: StoredDecision): DecisionDetail {
  const { id, at, seq } = stored;
  return { kind: "decision", id, at, seq, entry: { ...settle(stored) }, trace: traceOf(stored.trace) };
}

function traceOf(text: string): JsonObject {
  if (text === FORGOTTEN) return { forgotten: true };
  return { items: parseStrictJson(utf8(text), TRACE_LIMITS) };
}
