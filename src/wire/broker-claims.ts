/** How is written what a broker's evidence vouches for? The claims of role 2, whose exact bytes the hardware signs by their hash. */
import * as v from "valibot";
import { utf8 } from "../base/bytes.ts";
import { instant } from "../base/time.ts";
import { decode, encode, type Reading } from "./codec.ts";
import { bytesField, bytesText, clusterField, digestField, textField } from "./fields.ts";
import { MAX_AUDIENCE_BYTES, MAX_CLAIMS_BYTES } from "./limits.ts";
import type { BrokerClaims } from "./messages.ts";

/** Read by a guest: what does not say this is no evidence of a broker. */
const CLAIMS_READING: Reading = { maxBytes: MAX_CLAIMS_BYTES, maxDepth: 2, code: "broker/bad-evidence" };
const MAX_SECONDS = 253_402_300_799; // 9999-12-31

const seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_SECONDS));

const BROKER_CLAIMS = v.strictObject({
  signing_key_spki: bytesField(1, 1024),
  cluster: clusterField(),
  audience: textField(MAX_AUDIENCE_BYTES),
  policy_root: digestField(),
  iat: seconds,
  exp: seconds,
});

/** Reads the carried bytes. @throws {@link Fault} `broker/bad-evidence`, `request/too-large`. */
export function decodeBrokerClaims(bytes: Uint8Array): BrokerClaims {
  const claims = decode(BROKER_CLAIMS, bytes, CLAIMS_READING);
  return {
    signingKey: claims.signing_key_spki,
    cluster: claims.cluster,
    audience: claims.audience,
    policyRoot: claims.policy_root,
    issuedAt: instant(claims.iat),
    expiresAt: instant(claims.exp),
  };
}

/** The bytes to carry and to hash. */
export function encodeBrokerClaims(claims: BrokerClaims): Uint8Array {
  return utf8(
    encode({
      signing_key_spki: bytesText(claims.signingKey),
      cluster: claims.cluster,
      audience: claims.audience,
      policy_root: claims.policyRoot,
      iat: claims.issuedAt,
      exp: claims.expiresAt,
    }),
  );
}
