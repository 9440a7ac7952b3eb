/** Why was a guest refused, or let in? The decision with its whole trace, or the line of the decision log. */
import { utf8 } from "../base/bytes.ts";
import type { JsonObject } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { DecisionDetail } from "../wire/messages.ts";
import { settle } from "./settle.ts";
import { FORGOTTEN } from "./store.ts";
import type { World } from "./world.ts";

const TRACE_LIMITS = { maxBytes: 8 << 20, maxDepth: 256, code: "store/unavailable" } as const;

/** @throws {@link Fault} `request/not-found` where neither the ledger nor the decision log knows the id. */
export async function decisionOf(id: string, world: World): Promise<DecisionDetail> {
  const stored = await world.store.decision(id);
  if (stored !== undefined) {
    const { at, seq } = stored;
    return { kind: "decision", id, at, seq, entry: { ...settle(stored) }, trace: traceOf(stored.trace) };
  }
  const refusal = await world.store.refusal(id);
  if (refusal === undefined)
    throw new Fault("request/not-found", `expected a known decision id, received \`${id}\``);
  return { kind: "refusal", ...refusal };
}

function traceOf(text: string): JsonObject {
  if (text === FORGOTTEN) return { forgotten: true };
  return { items: parseStrictJson(utf8(text), TRACE_LIMITS) };
}
