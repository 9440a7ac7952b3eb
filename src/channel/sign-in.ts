/** What ties an ID token to one session? A nonce over the broker, its challenge and the key that the session will sign with. */
import { base64UrlOf, concatBytes, lengthPrefixed, utf8 } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";

const LABEL = "ostiary/sign-in/v1";

export interface SignInFields {
  readonly audience: string;
  /** As the broker made it. */
  readonly challenge: Uint8Array;
  /** Of the session: DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
}

/**
 * `nonce` of the request for authentication (OpenID Connect Core section 3.1.2.1). Whoever takes an ID token on its way has a token for a key
 * of somebody else, and another broker has one that was asked for by another name.
 */
export function signInNonce(
  { audience, challenge, spki }: SignInFields,
  digest: Primitives["digest"],
): string {
  const input = concatBytes(
    lengthPrefixed(utf8(LABEL)),
    lengthPrefixed(utf8(audience)),
    lengthPrefixed(challenge),
    lengthPrefixed(spki),
  );
  return base64UrlOf(digest("sha256", input));
}
