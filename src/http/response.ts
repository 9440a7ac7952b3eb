/** Which headers has every answer? Nothing is kept unless it can never change, nothing is guessed, nothing is framed. */
import { kbsErrorOf } from "../wire/kbs/error.ts";
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
  const { status = 200, contentType = "application/json", cacheControl, headers: more, body } = outgoing;
  const kept = cacheControl === undefined ? {} : { "cache-control": cacheControl };
  const headers = { ...HEADERS, ...more, ...kept, "content-type": contentType };
  return new Response(typeof body === "string" ? body : new Uint8Array(body), { status, headers });
}

export function responseOfRefusal({ problem, headers }: Refused): Response {
  return new Response(encodeProblem(problem), {
    status: problem.status,
    headers: { ...HEADERS, ...headers, "content-type": "application/problem+json" },
  });
}

/** The same as guests of the KBS protocol read it: their client takes no other form. */
export function responseOfKbsRefusal({ code, problem, headers }: Refused): Response {
  const { status, body } = kbsErrorOf(code, problem);
  return new Response(body, {
    status,
    headers: { ...HEADERS, ...headers, "content-type": "application/json" },
  });
}
