/** How is an event posted to somebody? As signed JSON over TLS; what answers anything but 2xx is asked again. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import type { AuditEvent } from "../wire/audit-event.ts";
import { type PostParts, postJson } from "./post.ts";

export interface WebhookParts extends Omit<PostParts, "headers" | "whom"> {
  readonly url: string;
  /** What both sides know; whoever has it can make events up. */
  readonly key: Uint8Array;
  readonly hmac: Primitives["hmac"];
  readonly now: () => Instant;
}

/** @throws {@link Fault} `sink/unreachable`. */
export async function postEvents(events: readonly AuditEvent[], parts: WebhookParts): Promise<void> {
  const body = utf8(JSON.stringify({ schema: "ostiary.events/1", events }));
  const { url, key, hmac, now, ...rest } = parts;
  const headers = { "ostiary-signature": signatureOf(body, { key, hmac, at: now() }) };
  const status = await postJson(url, body, { ...rest, headers, whom: "the webhook" });
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
