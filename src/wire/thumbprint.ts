/** By which name is a public key known that tokens are bound to? Its RFC 7638 thumbprint. */
import { base64UrlOf } from "../base/bytes.ts";
import { canonicalJsonBytes } from "../base/canonical-json.ts";
import type { Primitives } from "../base/primitives.ts";
import type { PublicJwk } from "./messages.ts";

/** The RFC 7638 SHA-256 thumbprint of a public signing key: the required members only, in the order of their names. */
export function thumbprintOf(jwk: PublicJwk, primitives: Pick<Primitives, "digest">): string {
  const { kty, crv, x } = jwk;
  const required = jwk.kty === "EC" ? { crv, kty, x, y: jwk.y } : { crv, kty, x };
  return base64UrlOf(primitives.digest("sha256", canonicalJsonBytes(required)));
}
