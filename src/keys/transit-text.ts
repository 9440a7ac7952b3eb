/** How does what a transit key made say which version of the key made it? `ostiary:v3:`, then its bytes in base64url. */
import { base64UrlOf, parseBase64Url } from "../base/bytes.ts";

/** What a version of a key made: a ciphertext, a signature or a MAC. */
export interface TransitText {
  readonly version: number;
  readonly bytes: Uint8Array;
}

const FORM = /^ostiary:v([1-9]\d{0,8}):([\w-]+)$/;

/** The text of what a version made. */
export function transitText({ version, bytes }: TransitText): string {
  return `ostiary:v${version}:${base64UrlOf(bytes)}`;
}

/** Reads {@link transitText}; `undefined` for anything else. Nothing in it is proven yet, its version least of all. */
export function parseTransitText(text: string): TransitText | undefined {
  const [, version, encoded = ""] = FORM.exec(text) ?? [];
  const bytes = parseBase64Url(encoded);
  return version === undefined || bytes === undefined ? undefined : { version: Number(version), bytes };
}
