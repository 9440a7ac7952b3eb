/** How is an event posted to somebody? As signed JSON over TLS; what answers anything but 2xx is asked again. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault, systemCodeOf } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import type { AuditEvent } from "../wire/audit-event.ts";

export interface WebhookParts {
  readonly url: string;
  /** What both sides know; whoever has it can make events up. */
  readonly key: Uint8Array;
  /** Authorities in PEM in the place of the system's. */
  readonly authorities?: string;
  readonly hmac: Primitives["hmac"];
  readonly now: () => Instant;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** @throws {@link Fault} `sink/unreachable`. */
export async function postEvents(events: readonly AuditEvent[], parts: WebhookParts): Promise<void> {
  const body = utf8(JSON.stringify({ schema: "ostiary.events/1", events }));
  const status = await statusOf(body, parts);
  if (status >= 200 && status < 300) return;
  throw new Fault("sink/unreachable", `expected the webhook to answer 2xx, it answers ${status}`, { status });
}

/** HMAC-SHA256 over the time, a dot and the body, so that neither goes with another. */
function signatureOf(
  body: Uint8Array,
  { key, hmac, at }: { readonly key: Uint8Array; readonly hmac: Primitives["hmac"]; readonly at: Instant },
): string {
  const before = utf8(`${at}.`);
  const signed = new Uint8Array(before.length + body.length);
  signed.set(before);
  signed.set(body, before.length);
  return `t=${at},v1=${hexOf(hmac("sha256", key, signed))}`;
}

/** A redirect is an answer like any other, and no 2xx: what was signed for one place goes to no other. */
function statusOf(body: Uint8Array, parts: WebhookParts): Promise<number> {
  const { url, key, hmac, authorities, timeoutMs } = parts;
  const headers = {
    "content-type": "application/json",
    "content-length": String(body.length),
    "ostiary-signature": signatureOf(body, { key, hmac, at: parts.now() }),
  };
  const signal = AbortSignal.any([parts.signal, AbortSignal.timeout(timeoutMs)]);
  const options = { method: "POST", headers, signal, agent: false } as const;
  return new Promise((resolve, reject) => {
    const sent = url.startsWith("https:")
      ? httpsRequest(url, { ...options, ...(authorities === undefined ? {} : { ca: authorities }) })
      : httpRequest(url, options);
    sent.once("response", (response) => {
      response.on("error", () => undefined);
      response.destroy(); // what it says beyond its status is nobody's business
      resolve(response.statusCode ?? 0);
    });
    sent.on("error", (thrown) => {
      const reason = signal.aborted ? "too slow" : systemCodeOf(thrown);
      reject(new Fault("sink/unreachable", `the webhook cannot be reached (${reason})`, { reason }, thrown));
    });
    sent.end(body);
  });
}
