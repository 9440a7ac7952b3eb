/** May this request have what it asks for? One walk that gives both the decision and its trace (WRIT sections 2 and 10). */
import { Fault } from "../base/fault.ts";
import type { Decision } from "./decision.ts";
import type { Facts } from "./facts.ts";
import type { Program } from "./program.ts";

/**
 * Decides a request. Total: an impossible state is a refusal with code `internal`.
 *
 * @param facts - Hold the vocabulary's resource and time fields (`request.resource`, `now`); every other field may be absent.
 */
export function evaluate(program: Program, facts: Facts): Decision {
  throw new Fault("internal/invariant", `${program.modules.length} ${facts.size}`);
}
