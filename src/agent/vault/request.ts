/** Which request came to the Vault surface? Its path in segments that can name a secret, and a body that is strict JSON. */
import type { JsonObject } from "../../base/canonical-json.ts";
import { isJsonObject } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { isResourcePath } from "../../wire/resource-path.ts";
import { otherForm } from "./value.ts";

export interface VaultRequest {
  /** `LIST` is Vault's own. */
  readonly method: "GET" | "HEAD" | "LIST" | "POST" | "PUT" | "DELETE";
  /** What stands after `/v1/`, decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Uint8Array;
}

export const MAX_REQUEST_BYTES = 256 * 1024;
const MAX_TARGET = 2048;
const LIMITS = { maxBytes: MAX_REQUEST_BYTES, maxDepth: 16, code: "vault/other-form" } as const;

/**
 * Takes a request target apart. Escapes are read once, as Vault does; what then is no path in normal form (dots, empty segments, an
 * escaped slash, other letters than a resource has) is none: `undefined`.
 */
export function parseTarget(
  target: string,
): { readonly path: string; readonly query: URLSearchParams } | undefined {
  if (target.length > MAX_TARGET || !target.startsWith("/v1/") || /%2f|%5c|%00/i.test(target))
    return undefined;
  const [raw = "", search = ""] = target.slice("/v1/".length).split("?", 2);
  const path = decoded(raw.replace(/\/$/, ""));
  if (path === undefined || !isResourcePath(path)) return undefined;
  return { path, query: new URLSearchParams(search) };
}

function decoded(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}

/** @throws {@link Fault} `vault/other-form`. */
export function bodyOf({ body }: VaultRequest): JsonObject {
  const value = parseStrictJson(body, LIMITS);
  if (isJsonObject(value)) return value;
  throw otherForm("a JSON object");
}
