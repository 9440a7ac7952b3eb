/** What is a guest told whose evidence serves no longer? To attest anew. */
import { Fault } from "../base/fault.ts";

/** @param decision - That refused it, where one did. */
export function wantsEvidence(expected: string, decision?: string): Fault {
  const detail = decision === undefined ? {} : { decision };
  return new Fault("token/wants-evidence", `expected ${expected}: attest anew`, detail);
}
