/** `/.well-known/openid-configuration`, `/.well-known/jwks.json`: where relying parties find what they verify tokens with. */

import { jwkOf } from "../../broker/tokens.ts";
import type { World } from "../../broker/world.ts";
import { encode } from "../../wire/codec.ts";
import type { Route } from "../route.ts";

/** OpenID Connect Discovery 1.0 section 3. Nobody logs in here: what has no endpoint is left out. */
export const discoveryRoute: Route = {
  method: "GET",
  path: "/.well-known/openid-configuration",
  summary: "OpenID Connect discovery: issuer, keys, algorithms",
  audience: "anyone",
  serve: async (_incoming, { world }) => ({ body: encode(metadataOf(world)) }),
};

export const jwksRoute: Route = {
  method: "GET",
  path: "/.well-known/jwks.json",
  summary: "The keys that sign tokens, as a JWK set: the current one, those before it, the one to come",
  audience: "anyone",
  serve: async (_incoming, { world }) => {
    const { published } = await world.tokenKeys.keys();
    const keys = published.map(({ signer }) => {
      return { ...jwkOf(signer.spki), kid: signer.kid, alg: "ES256", use: "sig" };
    });
    return { body: encode({ keys }) };
  },
};

const CLAIMS = [
  "iss",
  "sub",
  "aud",
  "iat",
  "nbf",
  "exp",
  "jti",
  "cnf",
  "eat_nonce",
  "eat_profile",
  "submods",
];

function metadataOf({ settings: { issuer } }: World) {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
    claims_supported: CLAIMS,
    introspection_endpoint: `${issuer}/v1/introspect`,
    dpop_signing_alg_values_supported: ["ES256", "ES384", "EdDSA", "Ed25519"],
  };
}
