/** Which headers has every answer? Nothing is kept, nothing is guessed, nothing is framed. */
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

export function responseOf({ status = 200, contentType = "application/json", body }: Outgoing): Response {
  return new Response(body, { status, headers: { ...HEADERS, "content-type": contentType } });
}

export function responseOfRefusal({ problem, headers }: Refused): Response {
  return new Response(encodeProblem(problem), {
    status: problem.status,
    headers: { ...HEADERS, ...headers, "content-type": "application/problem+json" },
  });
}
