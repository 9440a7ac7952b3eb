/** How is it said who holds a leased secret, and that somebody holds it no longer? */
import * as v from "valibot";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { countField, decisionIdField, instantField, instantText, secretPathField } from "./fields.ts";
import type { LeaseEndOrder, LeaseReturn, LeaseState } from "./secret-messages.ts";

const NOBODY = v.literal("");

export const LEASE_STATE = v.object({
  seconds: v.exactOptional(countField(1)),
  isRunning: v.boolean(),
  last: v.exactOptional(
    v.object({
      holder: v.union([v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)), NOBODY]),
      fence: countField(1),
      since: instantField(),
      until: instantField(),
      decision: v.union([decisionIdField(), NOBODY]),
    }),
  ),
});

export const LEASE_END = v.strictObject({ fence: countField(1) });

export const LEASE_RETURN = v.strictObject({ secret: secretPathField(), fence: countField(1) });

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeLeaseState(bytes: Uint8Array): LeaseState {
  return decode(LEASE_STATE, bytes, ANSWER);
}

export function encodeLeaseState({ seconds, isRunning, last }: LeaseState): string {
  const written = last && { ...last, since: instantText(last.since), until: instantText(last.until) };
  return encode({ seconds, isRunning, last: written });
}

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeLeaseEnd(bytes: Uint8Array): LeaseEndOrder {
  return decode(LEASE_END, bytes, REQUEST);
}

export function encodeLeaseEnd({ fence }: LeaseEndOrder): string {
  return encode({ fence });
}

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeLeaseReturn(bytes: Uint8Array): LeaseReturn {
  return decode(LEASE_RETURN, bytes, REQUEST);
}

export function encodeLeaseReturn({ secret, fence }: LeaseReturn): string {
  return encode({ secret, fence });
}
