/** How is a token made? A JWS of its own key, and the thumbprint of the key it is bound to. */
import { base64UrlOf, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonObject } from "../base/canonical-json.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import type { PublicJwk } from "../wire/messages.ts";

/** Signs claims as a compact JWS, ES256, `typ` `eat+jwt` (RFC 7515, RFC 7518 section 3.4). */
export async function signToken(claims: JsonObject, signer: Signer): Promise<string> {
  const header = { alg: "ES256", kid: signer.kid, typ: "eat+jwt" };
  const input = `${partOf(header)}.${partOf(claims)}`;
  return `${input}.${base64UrlOf(await signer.sign(utf8(input)))}`;
}

/** The RFC 7638 SHA-256 thumbprint of a public signing key: the required members only, in the order of their names. */
export function thumbprintOf(jwk: PublicJwk, primitives: Primitives): string {
  const { kty, crv, x } = jwk;
  const required = jwk.kty === "EC" ? { crv, kty, x, y: jwk.y } : { crv, kty, x };
  return base64UrlOf(primitives.digest("sha256", canonicalJsonBytes(required)));
}

function partOf(value: JsonObject): string {
  return base64UrlOf(canonicalJsonBytes(value));
}
