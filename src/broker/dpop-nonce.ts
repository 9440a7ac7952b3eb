/** Did this broker ask for a proof lately? A time and a MAC over it, so that no proof can be made long ahead (RFC 9449 section 9). */
import {
  base64UrlOf,
  concatBytes,
  equalBytes,
  lengthPrefixed,
  parseBase64Url,
  u8,
  u32be,
  utf8,
} from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import { Reader } from "../base/reader.ts";
import type { Instant } from "../base/time.ts";
import type { NonceKey, NonceKeys } from "../channel/nonce.ts";

const LABEL = "ostiary/dpop-nonce/v1";
const LIFETIME_SECONDS = 300;
const TAG_SIZE = 16;
const SIZE = 1 + 4 + TAG_SIZE;

/** A nonce for proofs of the next five minutes. Nothing is stored: it may serve many proofs, each `jti` once. */
export function issueDpopNonce(now: Instant, keys: NonceKeys, primitives: Primitives): string {
  const head = concatBytes(u8(keys.current.kid), u32be(now + LIFETIME_SECONDS));
  return base64UrlOf(concatBytes(head, tagOf(head, keys.current, { keys, primitives })));
}

/** Whether this broker issued the nonce, and its time is not over. */
export function isDpopNonce(text: string, now: Instant, parts: Parts): boolean {
  const bytes = parseBase64Url(text);
  if (bytes === undefined || bytes.length !== SIZE) return false;
  const reader = new Reader(bytes, "token/bad-proof");
  const kid = reader.u8();
  const expiresAt = reader.u32be();
  const key = parts.keys.live.find((live) => live.kid === kid);
  if (key === undefined || expiresAt <= now || expiresAt > now + LIFETIME_SECONDS) return false;
  return equalBytes(bytes.slice(1 + 4), tagOf(bytes.slice(0, 1 + 4), key, parts));
}

interface Parts {
  readonly keys: NonceKeys;
  readonly primitives: Primitives;
}

/** The label keeps these apart from the nonces of challenges, which the same key makes. */
function tagOf(head: Uint8Array, key: NonceKey, { keys, primitives }: Parts): Uint8Array {
  const input = concatBytes(
    lengthPrefixed(utf8(LABEL)),
    lengthPrefixed(utf8(keys.audience)),
    lengthPrefixed(utf8(keys.tenant)),
    head,
  );
  return primitives.hmac("sha256", key.macKey, input).slice(0, TAG_SIZE);
}
