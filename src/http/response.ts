/** Which headers has every answer? Nothing is kept unless it can never change, nothing is guessed, nothing is framed. */
import { encodeProblem } from "../wire/problem.ts";
import type { Refused } from "./problem.ts";
import type { Outgoing } from "./route.ts";

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
} as const;

export function responseOf(outgoing: Outgoing): Response {
  const {
    status = 200,
    contentType = "application/json",
    cacheControl,
    contentSecurityPolicy,
    body,
  } = outgoing;
  const kept = cacheControl === undefined ? {} : { "cache-control": cacheControl };
  const page =
    contentSecurityPolicy === undefined ? {} : { "content-security-policy": contentSecurityPolicy };
  const headers = { ...HEADERS, ...kept, ...page, "content-type": contentType };
  return new Response(typeof body === "string" ? body : new Uint8Array(body), { status, headers });
}

export function responseOfRefusal({ problem, headers }: Refused): Response {
  return new Response(encodeProblem(problem), {
    status: problem.status,
    headers: { ...HEADERS, ...headers, "content-type": "application/problem+json" },
  });
}
