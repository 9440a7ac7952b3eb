/** How do admins see the keys that sign tokens, and ask for the next one? */
import * as v from "valibot";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { instantField, instantText, textField } from "./fields.ts";
import type { TokenKeyRotation, TokenKeySummary } from "./messages.ts";

export const TOKEN_KEY_ROTATION = v.strictObject({ withdraw: v.exactOptional(v.literal(true)) });

export const TOKEN_KEY_LIST = v.object({
  keys: v.array(
    v.object({
      kid: textField(128),
      current: v.exactOptional(v.literal(true)),
      signsFrom: instantField(),
      createdAt: instantField(),
      createdBy: textField(128),
    }),
  ),
});

/** Reads the wish for the next key. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeTokenKeyRotation(bytes: Uint8Array): TokenKeyRotation {
  return { withdraws: decode(TOKEN_KEY_ROTATION, bytes, REQUEST).withdraw === true };
}

export function encodeTokenKeyRotation({ withdraws }: TokenKeyRotation): string {
  return encode({ withdraw: withdraws ? true : undefined });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeTokenKeyList(bytes: Uint8Array): readonly TokenKeySummary[] {
  return decode(TOKEN_KEY_LIST, bytes, ANSWER).keys.map(({ current, ...key }) => {
    return { ...key, isCurrent: current === true };
  });
}

export function encodeTokenKeyList(keys: readonly TokenKeySummary[]): string {
  return encode({
    keys: keys.map(({ kid, isCurrent, signsFrom, createdAt, createdBy }) => ({
      kid,
      current: isCurrent ? true : undefined,
      signsFrom: instantText(signsFrom),
      createdAt: instantText(createdAt),
      createdBy,
    })),
  });
}
