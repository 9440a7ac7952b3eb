/** What is a guest told whose ciphertext does not open? One sentence for every reason, so that nobody learns from it. */
import { Fault } from "../base/fault.ts";

export function notOpened(decision: string): Fault {
  return new Fault(
    "transit/not-opened",
    "expected a ciphertext of this key, of a version in use, with its context",
    {
      decision,
    },
  );
}
