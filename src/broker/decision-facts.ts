/** Which facts did a decision see of its guest? Those of the first item of its trace: what a guest is, every item shares. */
import { utf8 } from "../base/bytes.ts";
import { isJsonObject } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { factsOfTold } from "../policy/told-facts.ts";
import type { Facts } from "../writ/facts.ts";
import { FORGOTTEN, type StoredDecision } from "./store.ts";
import type { World } from "./world.ts";

const TRACE_LIMITS = { maxBytes: 8 << 20, maxDepth: 256, code: "store/incompatible" } as const;

/** `undefined` where the trace has none, some that this vocabulary does not know, or a chip whose id nobody can show any more. */
export function factsOfDecision(
  { trace }: Pick<StoredDecision, "trace">,
  { chipIds }: Pick<World, "chipIds">,
): Facts | undefined {
  if (trace === FORGOTTEN) return undefined;
  const items = parseStrictJson(utf8(chipIds?.show(trace) ?? trace), TRACE_LIMITS);
  const [first] = Array.isArray(items) ? items : [];
  const told = isJsonObject(first) ? first["facts"] : undefined;
  return isJsonObject(told) ? factsOfTold(told) : undefined;
}
