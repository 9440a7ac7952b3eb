/** What does a provider answer? JSON, over TLS, whole, within a time and a size, and from where it was asked for. */
import type { JsonObject } from "../base/canonical-json.ts";
import { Fault, isFault } from "../base/fault.ts";
import { isJsonObject } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { Instant } from "../base/time.ts";
import { boundedBody } from "../client/bounded-body.ts";

export interface AskParts {
  readonly fetch: typeof fetch;
  readonly now: () => Instant;
  readonly timeoutMs: number;
}

/** As issuers are: over TLS, but on this machine. A provider may put its keys elsewhere, and a query behind them. */
const ADDRESS = /^(https:\/\/[^\s?#@/]+|http:\/\/127\.0\.0\.1(:\d{1,5})?)([/?][^\s#]*)?$/;
const MAX_ADDRESS = 1024;
const LIMITS = { maxBytes: 256 * 1024, maxDepth: 8, code: "login/unavailable" } as const;

/** @throws {@link Fault} `login/unavailable` alone. */
export async function askJson(url: string, { fetch, timeoutMs }: AskParts): Promise<JsonObject> {
  if (url.length > MAX_ADDRESS || !ADDRESS.test(url))
    throw unavailable(`expected an address over TLS, received \`${url.slice(0, 100)}\``);
  try {
    const response = await fetch(url, {
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(timeoutMs),
      redirect: "error",
    });
    return await objectIn(response, url);
  } catch (thrown) {
    if (isFault(thrown, "login/unavailable")) throw thrown;
    throw unavailable(`expected an answer from \`${url}\` within ${timeoutMs} ms`, thrown);
  }
}

async function objectIn(response: Response, url: string): Promise<JsonObject> {
  if (response.status !== 200) {
    await response.body?.cancel();
    throw unavailable(`expected status 200 from \`${url}\`, received ${response.status}`);
  }
  const bytes = await boundedBody(response.body, LIMITS.maxBytes);
  if (bytes === undefined) throw unavailable(`expected at most ${LIMITS.maxBytes} bytes from \`${url}\``);
  const value = parseStrictJson(bytes, LIMITS);
  if (isJsonObject(value)) return value;
  throw unavailable(`expected a JSON object from \`${url}\``);
}

export function unavailable(message: string, cause?: unknown): Fault {
  return new Fault("login/unavailable", message, {}, cause);
}
