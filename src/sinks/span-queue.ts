/** Which requests are told in spans, and what waits to be sent? A sample, at most so many a second, in a queue that ends. */
import { utf8 } from "../base/bytes.ts";
import { otlpRequest, type Span } from "./otlp.ts";
import { type SpanParts, spansOf, type ToldRequest } from "./request-spans.ts";

export interface SpanQueueParts extends SpanParts {
  /** Of all requests, from 0 to 1, so many are told. */
  readonly ratio: number;
  readonly perSecond: number;
  readonly milliseconds: () => number;
  readonly resource: Readonly<Record<string, string>>;
  /** Posts one request of OTLP; throws where the collector has it not. */
  readonly send: (body: Uint8Array) => Promise<void>;
  readonly count: (outcome: SpanOutcome, spans: number) => void;
}

export type SpanOutcome = "sent" | "failed" | "dropped";

export interface SpanQueue {
  /** Never throws, never waits. */
  readonly tell: (request: ToldRequest) => void;
  /** Sends what waits; one request under way at a time. Never throws. */
  readonly flush: () => Promise<void>;
  readonly waiting: () => number;
}

/** Spans that wait, and spans of one request. */
const MAX_WAITING = 4096;
const MAX_SENT = 1024;
/** Whoever proves nothing fills no more than this of a second. */
const STRANGERS_PER_SECOND = 1;
/** Steps up to which anybody comes with a nonce and a report that he made up. */
const STRANGERS_STEPS: ReadonlySet<string> = new Set(["nonce", "parse", "endorse", "verify"]);

export function createSpanQueue(parts: SpanQueueParts): SpanQueue {
  let waiting: Span[] = [];
  let isSending = false;
  const takes = createTurnstile(parts.milliseconds);
  return {
    tell: (request) => {
      if (!isSampled(parts)) return;
      const isStranger = STRANGERS_STEPS.has(request.steps.at(-1)?.step ?? "nonce");
      const isTaken = takes(
        isStranger ? "strangers" : "guests",
        isStranger ? STRANGERS_PER_SECOND : parts.perSecond,
      );
      const spans = request.steps.length + 1;
      if (!isTaken || waiting.length + spans > MAX_WAITING) parts.count("dropped", spans);
      else waiting.push(...spansOf(request, parts));
    },
    flush: async () => {
      if (isSending || waiting.length === 0) return;
      isSending = true;
      const batch = waiting.slice(0, MAX_SENT);
      waiting = waiting.slice(batch.length);
      try {
        await parts.send(utf8(JSON.stringify(otlpRequest(batch, parts.resource))));
        parts.count("sent", batch.length);
      } catch {
        parts.count("failed", batch.length); // spans explain; what must not be lost is in the log
      } finally {
        isSending = false;
      }
    },
    waiting: () => waiting.length,
  };
}

/** By our own dice: no id that a guest sends decides. */
function isSampled({ ratio, random }: SpanQueueParts): boolean {
  if (ratio >= 1) return true;
  const [a = 0, b = 0, c = 0, d = 0] = random(4);
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0 < ratio * 2 ** 32;
}

/** Lets so many of each kind through in a second. */
function createTurnstile(milliseconds: () => number) {
  let second = -1;
  const seen = { guests: 0, strangers: 0 };
  return (kind: keyof typeof seen, most: number): boolean => {
    const now = Math.floor(milliseconds() / 1000);
    if (now !== second) {
      second = now;
      seen.guests = 0;
      seen.strangers = 0;
    }
    seen[kind] += 1;
    return seen[kind] <= most;
  };
}
