/** How is written what a guest asks for? The claims object, whose exact bytes the hardware signs by their hash. */
import * as v from "valibot";
import { utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { decode, encode, REQUEST, type Reading } from "./codec.ts";
import { countField, secretPathField, textField } from "./fields.ts";
import { MAX_AUDIENCE_BYTES, MAX_CLAIMS_BYTES, MAX_ITEMS } from "./limits.ts";
import type { Claims, PublicJwk, WantedItem } from "./messages.ts";
import { POSTURE } from "./posture.ts";

const CLAIMS_READING: Reading = { ...REQUEST, maxBytes: MAX_CLAIMS_BYTES };

const COORDINATE = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43,64}$/));
const JWK_REMARKS = {
  alg: v.exactOptional(textField(32)),
  use: v.exactOptional(textField(32)),
  kid: v.exactOptional(textField(256)),
} as const;

/** Strict, so that a private member (`d`) is refused and never travels further. */
export const PUBLIC_JWK = v.variant("kty", [
  v.strictObject({
    kty: v.literal("EC"),
    crv: v.picklist(["P-256", "P-384"]),
    x: COORDINATE,
    y: COORDINATE,
    ...JWK_REMARKS,
  }),
  v.strictObject({ kty: v.literal("OKP"), crv: v.literal("Ed25519"), x: COORDINATE, ...JWK_REMARKS }),
]);

const WANTED_ITEM = v.union([
  v.strictObject({ secret: secretPathField(), version: v.exactOptional(countField(1)) }),
  v.strictObject({ token: v.strictObject({ aud: textField(MAX_AUDIENCE_BYTES) }) }),
]);

export const WANT = v.pipe(
  v.array(WANTED_ITEM),
  v.maxLength(MAX_ITEMS),
  v.check((want) => isEachOnce(want)),
);

export const CLAIMS = v.strictObject({
  want: WANT,
  cnf: v.exactOptional(PUBLIC_JWK),
  partial: v.exactOptional(v.literal(true)),
  posture: v.exactOptional(POSTURE),
  purpose: v.exactOptional(textField(1024)),
});

/** Reads the carried bytes of the claims. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeClaims(bytes: Uint8Array): Claims {
  return decode(CLAIMS, bytes, CLAIMS_READING);
}

/** The bytes to carry and to hash. */
export function encodeClaims(claims: Claims): Uint8Array {
  return utf8(encode({ ...claims }));
}

/** Claims of a release: they want something. @throws {@link Fault} `request/malformed`. */
export function requireItems(claims: Claims): Claims {
  if (claims.want.length > 0) return claims;
  throw new Fault("request/malformed", "expected at least one wanted item in `claims.want`, received none");
}

/** Claims of an attestation: they want nothing, and name the guest's key. @throws {@link Fault} `request/malformed`. */
export function requireConfirmationKey(claims: Claims): Claims & { readonly cnf: PublicJwk } {
  const { cnf } = claims;
  if (cnf === undefined) throw new Fault("request/malformed", "expected the guest's key in `claims.cnf`");
  if (claims.want.length > 0) throw new Fault("request/malformed", "expected `claims.want` to be empty");
  return { ...claims, cnf };
}

function isEachOnce(want: readonly WantedItem[]): boolean {
  return new Set(want.map((item) => JSON.stringify(item))).size === want.length;
}
