/** When is a resource path in normal form? WRIT section 5.2: compared as bytes, nothing decoded, nothing folded. */

export const MAX_PATH_BYTES = 512;
const MAX_SEGMENTS = 16;
const SEGMENT = /^[A-Za-z0-9._~@:+=-]{1,128}$/;

/** Whether a text is a resource path in normal form. The alphabet is ASCII, so characters are bytes. */
export function isResourcePath(text: string): boolean {
  if (text.length === 0 || text.length > MAX_PATH_BYTES) return false;
  const segments = text.split("/");
  return segments.length <= MAX_SEGMENTS && segments.every(isSegment);
}

/**
 * Whether a text can name a stored secret. `token`, `token/NAME` and `attest` cannot: they are the resources of tokens and of
 * `/v1/attest`, and policy must never mistake one for the other (PROTOCOL section 4).
 */
export function isSecretPath(text: string): boolean {
  return isResourcePath(text) && !/^(?:token(?:\/.*)?|attest)$/.test(text);
}

/** Whether a text can be the NAME of `token/NAME`. */
export function isAudienceName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text);
}

function isSegment(segment: string): boolean {
  return SEGMENT.test(segment) && segment !== "." && segment !== "..";
}
