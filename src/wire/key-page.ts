/** How is told where security keys sign for a broker? For which page, and for which domain they are made. */
import * as v from "valibot";
import { ANSWER, decode, encode } from "./codec.ts";
import { textField } from "./fields.ts";
import { MAX_AUDIENCE_BYTES } from "./limits.ts";

export interface KeyPagePlace {
  /** Whom statements and requests are signed for. */
  readonly audience: string;
  readonly origin: string;
  readonly rpId: string;
}

export const KEY_PAGE_PLACE = v.object({
  audience: textField(MAX_AUDIENCE_BYTES),
  origin: textField(300),
  rpId: textField(253),
});

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeKeyPagePlace(bytes: Uint8Array): KeyPagePlace {
  return decode(KEY_PAGE_PLACE, bytes, ANSWER);
}

export function encodeKeyPagePlace({ audience, origin, rpId }: KeyPagePlace): string {
  return encode({ audience, origin, rpId });
}
