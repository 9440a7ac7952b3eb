/** How does a broker tell an operator how its parts stand? */
import * as v from "valibot";
import { ANSWER, decode, encode } from "./codec.ts";
import { instantField, instantText, textField } from "./fields.ts";

export const HEALTH = v.object({
  status: v.picklist(["ok", "warning", "failing"]),
  parts: v.array(
    v.object({
      part: textField(256),
      state: v.picklist(["ok", "warning", "failing"]),
      since: instantField(),
      said: textField(4096),
      next: v.optional(textField(4096)),
    }),
  ),
});

export type Health = v.InferOutput<typeof HEALTH>;

/** @throws {@link Fault} `broker/unreachable`. */
export function decodeHealth(bytes: Uint8Array): Health {
  return decode(HEALTH, bytes, ANSWER);
}

export function encodeHealth({ status, parts }: Health): string {
  return encode({
    status,
    parts: parts.map(({ part, state, since, said, next }) => ({
      part,
      state,
      since: instantText(since),
      said,
      ...(next === undefined ? {} : { next }),
    })),
  });
}
