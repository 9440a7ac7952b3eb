/** Which spans is a request? One for the whole, one for each step; ids of our own, and of a guest's only what configuration takes. */
import { hexOf } from "../base/bytes.ts";
import type { Span, SpanContext } from "./otlp.ts";

/** A request with its times: `TimedRequest` of the HTTP room. */
export interface ToldRequest {
  readonly id: string;
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly code: string | undefined;
  readonly from: number;
  readonly to: number;
  readonly steps: readonly { readonly step: string; readonly from: number; readonly to: number }[];
  readonly traceparent: string | undefined;
}

export interface SpanParts {
  readonly random: (size: number) => Uint8Array;
  /** Nanoseconds since 1970 of a moment of the clock that requests are timed by. */
  readonly nanosecondsOf: (milliseconds: number) => bigint;
  readonly guestParent: "ignore" | "link" | "parent";
}

/** INVARIANT: attributes are from the table of routes, closed lists and our own ids. Nothing of a body, a key, a nonce or an address. */
export function spansOf(request: ToldRequest, parts: SpanParts): readonly Span[] {
  const { random, nanosecondsOf, guestParent } = parts;
  const guest = guestParent === "ignore" ? undefined : parseTraceparent(request.traceparent);
  const parent = guestParent === "parent" ? guest : undefined;
  const traceId = parent?.traceId ?? idOf(random(16));
  const root: Span = {
    traceId,
    spanId: idOf(random(8)),
    ...(parent === undefined ? {} : { parentSpanId: parent.spanId }),
    name: `${request.method} ${request.route}`,
    isServer: true,
    start: nanosecondsOf(request.from),
    end: nanosecondsOf(request.to),
    attributes: {
      "http.request.method": request.method,
      "http.route": request.route,
      "http.response.status_code": request.status,
      "ostiary.request_id": request.id,
      ...(request.code === undefined ? {} : { "error.type": request.code }),
    },
    isError: request.status >= 500,
    ...(guestParent === "link" && guest !== undefined ? { links: [guest] } : {}),
  };
  const last = request.steps.length - 1;
  const steps = request.steps.map(
    ({ step, from, to }, i): Span => ({
      traceId,
      spanId: idOf(random(8)),
      parentSpanId: root.spanId,
      name: step,
      isServer: false,
      start: nanosecondsOf(from),
      end: nanosecondsOf(to),
      attributes: {},
      isError: i === last && request.code !== undefined, // where it stopped
    }),
  );
  return [root, ...steps];
}

/** W3C Trace Context, version 00; anything else, and ids of zeros, are `undefined`. Its flags are not looked at: a guest samples nothing here. */
export function parseTraceparent(header: string | undefined): SpanContext | undefined {
  const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(header ?? "") ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  return /^0+$/.test(traceId) || /^0+$/.test(spanId) ? undefined : { traceId, spanId };
}

/** Never all zeros, which would be none. */
function idOf(bytes: Uint8Array): string {
  return bytes.every((byte) => byte === 0) ? idOf(new Uint8Array(bytes.length).fill(1)) : hexOf(bytes);
}
