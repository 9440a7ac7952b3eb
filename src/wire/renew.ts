/** How does a guest ask for something again, without new evidence? By its token: what it wants, and the key to seal that to. */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import { WANT } from "./claims.ts";
import { decode, encode, REQUEST } from "./codec.ts";
import { bytesField, bytesText } from "./fields.ts";
import type { SuiteId, WantedItem } from "./messages.ts";
import { refuseOddKey } from "./release.ts";

/** What `POST /v1/renew` carries; its answer is the one of `/v1/release`. */
export interface RenewRequest {
  readonly suite: SuiteId;
  /** The guest's one-use key: the answer is sealed to it. */
  readonly wrapPub: Uint8Array;
  /** One at least. A token for the broker's own audience is the guest's own one, renewed. */
  readonly want: readonly WantedItem[];
}

export const RENEW_PATH = "/v1/renew";

export const RENEW_REQUEST = v.strictObject({
  v: v.literal(1),
  suite: v.picklist([1, 2, 3]),
  wrapPub: bytesField(32, 1216),
  want: v.pipe(WANT, v.minLength(1)),
});

/** Reads the request. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeRenewRequest(bytes: Uint8Array): RenewRequest {
  const { suite, wrapPub, want } = decode(RENEW_REQUEST, bytes, REQUEST);
  refuseOddKey({ suite, wrapPub });
  return { suite, wrapPub, want };
}

/** Writes it. */
export function encodeRenewRequest({ suite, wrapPub, want }: RenewRequest): string {
  const wanted = want.map((item): JsonObject => ({ ...item }));
  return encode({ v: 1, suite, wrapPub: bytesText(wrapPub), want: wanted });
}
