/** Whom is a token for? Its one `aud`, read by who asked for it; whether it is good is its relying party's to verify. */
import { parseBase64Url, parseUtf8 } from "../base/bytes.ts";
import type { JsonValue } from "../base/canonical-json.ts";
import { isFault } from "../base/fault.ts";
import { isJsonObject } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";

const LIMITS = { maxBytes: 64 * 1024, maxDepth: 16, code: "channel/bad-release" } as const;

/** `undefined` for what is no compact JWS with a payload in JSON and exactly one audience. */
export function audienceOf(token: Uint8Array): string | undefined {
  const [, payload, ...rest] = (parseUtf8(token) ?? "").split(".");
  const bytes = payload === undefined || rest.length !== 1 ? undefined : parseBase64Url(payload);
  const claims = bytes === undefined ? undefined : claimsOf(bytes);
  const aud = isJsonObject(claims) ? claims["aud"] : undefined;
  return typeof aud === "string" ? aud : undefined;
}

function claimsOf(bytes: Uint8Array): JsonValue | undefined {
  try {
    return parseStrictJson(bytes, LIMITS);
  } catch (thrown) {
    if (isFault(thrown)) return undefined;
    throw thrown;
  }
}
