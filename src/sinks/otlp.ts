/** What does a collector of OpenTelemetry read? Spans in OTLP's JSON (opentelemetry-proto 1.x, "OTLP/HTTP", JSON Protobuf encoding). */
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";

/** Ids are lower-case hex: 32 digits name a trace, 16 a span. Times are nanoseconds since 1970. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly isServer: boolean;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly isError: boolean;
  readonly links?: readonly SpanContext[];
}

export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
}

const INTERNAL = 1;
const SERVER = 2;
const [UNSET, ERROR] = [0, 2];
/** `SpanFlags` of trace.proto: W3C's "sampled", and whether the parent, or what is linked, is another program's. */
const [OWN, REMOTE] = [0x101, 0x301];

/** One `ExportTraceServiceRequest`. */
export function otlpRequest(spans: readonly Span[], resource: Readonly<Record<string, string>>): JsonObject {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope: { name: "ostiary" }, spans: spans.map(spanOf) }],
      },
    ],
  };
}

/** Enums are numbers and 64-bit integers are strings, as the JSON encoding of OTLP has it. */
function spanOf(span: Span): JsonObject {
  const { traceId, spanId, parentSpanId, name, start, end, links = [] } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    flags: span.isServer && parentSpanId !== undefined ? REMOTE : OWN,
    name,
    kind: span.isServer ? SERVER : INTERNAL,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(end),
    attributes: attributesOf(span.attributes),
    ...(links.length === 0
      ? {}
      : { links: links.map((link) => ({ ...link, flags: REMOTE, attributes: [] })) }),
    status: { code: span.isError ? ERROR : UNSET },
  };
}

function attributesOf(record: Readonly<Record<string, string | number>>): readonly JsonValue[] {
  return Object.entries(record).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? { stringValue: value } : { intValue: String(value) },
  }));
}
