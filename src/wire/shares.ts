/** How does a person give a share of the root key, and what does the broker say of the others? */
import * as v from "valibot";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { countField, textField } from "./fields.ts";
import type { SealProgress } from "./messages.ts";

/** A share has less than a hundred characters; who sends more is told before it is read. */
export const MAX_SHARE_BODY = 512;

export const SHARE = v.strictObject({ share: textField(200) });

export const SEAL_PROGRESS = v.object({
  isSealed: v.boolean(),
  given: countField(0),
  needed: v.exactOptional(countField(2)),
});

/** Reads a share. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeShare(bytes: Uint8Array): string {
  return decode(SHARE, bytes, REQUEST).share;
}

export function encodeShare(share: string): string {
  return encode({ share });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeSealProgress(bytes: Uint8Array): SealProgress {
  return decode(SEAL_PROGRESS, bytes, ANSWER);
}

export function encodeSealProgress({ isSealed, given, needed }: SealProgress): string {
  return encode({ isSealed, given, ...(needed === undefined ? {} : { needed }) });
}
