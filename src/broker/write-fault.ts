/** What is a guest told whose write expected another version? The decision, and not which version there is. */
import { Fault } from "../base/fault.ts";

export function otherVersion(decision: string): Fault {
  return new Fault("secret/other-version", "expected another version of this secret to be the newest one", {
    decision,
  });
}
