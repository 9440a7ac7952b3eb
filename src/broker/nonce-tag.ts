/** How does this broker know again what it gave out and stored nowhere? By a MAC, whose label keeps one kind apart from every other. */
import { concatBytes, lengthPrefixed, utf8 } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import type { NonceKey, NonceKeys } from "../channel/nonce.ts";

export const NONCE_TAG_SIZE = 16;

export interface NonceTagParts {
  readonly keys: NonceKeys;
  readonly primitives: Primitives;
}

/** Of a head under one key of an epoch: for this audience and tenant. */
export function nonceTag(
  { label, head }: { readonly label: string; readonly head: Uint8Array },
  key: NonceKey,
  { keys, primitives }: NonceTagParts,
): Uint8Array {
  const input = concatBytes(
    lengthPrefixed(utf8(label)),
    lengthPrefixed(utf8(keys.audience)),
    lengthPrefixed(utf8(keys.tenant)),
    head,
  );
  return primitives.hmac("sha256", key.macKey, input).slice(0, NONCE_TAG_SIZE);
}
