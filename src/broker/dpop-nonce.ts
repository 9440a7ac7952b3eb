/** Did this broker ask for a proof lately? A time and a MAC over it, so that no proof can be made long ahead (RFC 9449 section 9). */
import { base64UrlOf, concatBytes, equalBytes, parseBase64Url, u8, u32be } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import { Reader } from "../base/reader.ts";
import type { Instant } from "../base/time.ts";
import type { NonceKeys } from "../channel/nonce.ts";
import { NONCE_TAG_SIZE, type NonceTagParts, nonceTag } from "./nonce-tag.ts";

const LABEL = "ostiary/dpop-nonce/v1";
const LIFETIME_SECONDS = 300;
const SIZE = 1 + 4 + NONCE_TAG_SIZE;

/** A nonce for proofs of the next five minutes. Nothing is stored: it may serve many proofs, each `jti` once. */
export function issueDpopNonce(now: Instant, keys: NonceKeys, primitives: Primitives): string {
  const head = concatBytes(u8(keys.current.kid), u32be(now + LIFETIME_SECONDS));
  return base64UrlOf(concatBytes(head, nonceTag({ label: LABEL, head }, keys.current, { keys, primitives })));
}

/** Whether this broker issued the nonce, and its time is not over. */
export function isDpopNonce(text: string, now: Instant, parts: NonceTagParts): boolean {
  const bytes = parseBase64Url(text);
  if (bytes === undefined || bytes.length !== SIZE) return false;
  const reader = new Reader(bytes, "token/bad-proof");
  const kid = reader.u8();
  const expiresAt = reader.u32be();
  const key = parts.keys.live.find((live) => live.kid === kid);
  if (key === undefined || expiresAt <= now || expiresAt > now + LIFETIME_SECONDS) return false;
  return equalBytes(bytes.slice(1 + 4), nonceTag({ label: LABEL, head: bytes.slice(0, 1 + 4) }, key, parts));
}
