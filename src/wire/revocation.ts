/** How is told that the tokens of a decision count no more? */
import * as v from "valibot";
import { ANSWER, decode, encode } from "./codec.ts";
import { decisionIdField, instantField, instantText, textField } from "./fields.ts";
import type { RevocationSummary } from "./messages.ts";

export const REVOCATION = v.object({ decision: decisionIdField(), at: instantField(), by: textField(128) });

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeRevocation(bytes: Uint8Array): RevocationSummary {
  return decode(REVOCATION, bytes, ANSWER);
}

export function encodeRevocation({ decision, at, by }: RevocationSummary): string {
  return encode({ decision, at: instantText(at), by });
}
