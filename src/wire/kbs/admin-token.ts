/** How does `kbs-client` say who asks? A JWT by an Ed25519 key that says when it was made, and of what it is for nothing. */
import * as v from "valibot";
import { decode, type Reading } from "../codec.ts";
import { countField } from "../fields.ts";
import { MAX_JSON_DEPTH } from "../limits.ts";

/** Length of a token that is looked at, in characters. */
export const MAX_KBS_ADMIN_TOKEN_LENGTH = 1024;

const PART: Reading = {
  maxBytes: MAX_KBS_ADMIN_TOKEN_LENGTH,
  maxDepth: MAX_JSON_DEPTH,
  code: "admin/unauthorized",
};

/** The client names no key. */
const HEADER = v.strictObject({ alg: v.literal("EdDSA"), typ: v.exactOptional(v.literal("JWT")) });

const CLAIMS = v.strictObject({
  iat: countField(0),
  exp: countField(0),
  nbf: v.exactOptional(countField(0)),
});

export interface KbsAdminClaims {
  readonly iat: number;
  readonly exp: number;
  readonly nbf?: number;
}

/** @throws {@link Fault} `admin/unauthorized`. */
export function refuseOtherAdminHeader(bytes: Uint8Array): void {
  decode(HEADER, bytes, PART);
}

/** @throws {@link Fault} `admin/unauthorized`. */
export function decodeKbsAdminClaims(bytes: Uint8Array): KbsAdminClaims {
  return decode(CLAIMS, bytes, PART);
}
