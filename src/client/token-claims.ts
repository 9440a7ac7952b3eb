/** Whom is a token for, and for how long? Read by who asked for it; whether it is good is its relying party's to verify. */
import { parseBase64Url, parseUtf8 } from "../base/bytes.ts";
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";
import { isFault } from "../base/fault.ts";
import { isJsonObject } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";

const LIMITS = { maxBytes: 64 * 1024, maxDepth: 16, code: "channel/bad-release" } as const;

/** `undefined` for what is no compact JWS with a payload in JSON and exactly one audience. */
export function audienceOf(token: Uint8Array): string | undefined {
  const aud = payloadOf(token)["aud"];
  return typeof aud === "string" ? aud : undefined;
}

/** Seconds from its issue to its end; `undefined` where it does not say. */
export function lifetimeOf(token: Uint8Array): number | undefined {
  const { iat, exp } = payloadOf(token);
  return typeof iat === "number" && typeof exp === "number" && exp > iat ? exp - iat : undefined;
}

function payloadOf(token: Uint8Array): JsonObject {
  const [, payload, ...rest] = (parseUtf8(token) ?? "").split(".");
  const bytes = payload === undefined || rest.length !== 1 ? undefined : parseBase64Url(payload);
  const claims = bytes === undefined ? undefined : claimsOf(bytes);
  return isJsonObject(claims) ? claims : {};
}

function claimsOf(bytes: Uint8Array): JsonValue | undefined {
  try {
    return parseStrictJson(bytes, LIMITS);
  } catch (thrown) {
    if (isFault(thrown)) return undefined;
    throw thrown;
  }
}
