/** Are spans what a collector reads, hold no more than they may, and stay within their bounds whatever guests send? */
import { type HrTime, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { otlpRequest, type Span } from "../../src/sinks/otlp.ts";
import {
  parseTraceparent,
  type SpanParts,
  spansOf,
  type ToldRequest,
} from "../../src/sinks/request-spans.ts";
import { createSpanQueue, type SpanOutcome, type SpanQueueParts } from "../../src/sinks/span-queue.ts";
import { random } from "../http/broker-at-hand.ts";

const GUESTS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const RELEASE: ToldRequest = {
  id: "01K0000000000000000000000A",
  route: "/v1/release",
  method: "POST",
  status: 200,
  code: undefined,
  from: 1000,
  to: 1004.5,
  steps: [
    { step: "nonce", from: 1000.25, to: 1001 },
    { step: "verify", from: 1001, to: 1002 },
    { step: "sign", from: 1002, to: 1004.5 },
  ],
  traceparent: GUESTS,
};
const PARTS: SpanParts = {
  random,
  nanosecondsOf: (milliseconds) => 1_795_000_000_000_000_000n + BigInt(milliseconds * 1e6),
  guestParent: "ignore",
};

describe("spans of a request", () => {
  it("are one for the whole and one for each step, in it", () => {
    const [root = expect.fail(), ...steps] = spansOf(RELEASE, PARTS);
    expect([root.name, root.isServer, root.end - root.start]).toEqual(["POST /v1/release", true, 4_500_000n]);
    expect(steps.map(({ name }) => name)).toEqual(["nonce", "verify", "sign"]);
    for (const step of steps) {
      expect([step.traceId, step.parentSpanId]).toEqual([root.traceId, root.spanId]);
      expect(step.start >= root.start && step.end <= root.end).toBe(true);
    }
    expect(new Set([root, ...steps].map(({ spanId }) => spanId)).size).toBe(4);
  });

  it("say where a refused one stopped, and are an error where it was the broker's", () => {
    const refused = spansOf({ ...RELEASE, status: 403, code: "policy/denied" }, PARTS);
    expect(refused.map(({ isError }) => isError)).toEqual([false, false, false, true]);
    expect(refused[0]?.attributes["error.type"]).toBe("policy/denied");
    expect(spansOf({ ...RELEASE, status: 503, code: "store/unavailable" }, PARTS)[0]?.isError).toBe(true);
  });

  it("take of a guest's trace what configuration takes, and nothing else", () => {
    const guest = { traceId: GUESTS.slice(3, 35), spanId: GUESTS.slice(36, 52) };
    const rootOf = (guestParent: SpanParts["guestParent"]) => spansOf(RELEASE, { ...PARTS, guestParent })[0];
    expect(
      JSON.stringify(rootOf("ignore"), (_, value) => (typeof value === "bigint" ? 0 : value)),
    ).not.toContain("4bf9");
    expect(rootOf("link")).toMatchObject({ links: [guest] });
    expect(rootOf("link")?.traceId).not.toBe(guest.traceId);
    expect(rootOf("parent")).toMatchObject({ traceId: guest.traceId, parentSpanId: guest.spanId });
  });

  it("believe no header that is not one of W3C's version 00", () => {
    const bad = [
      undefined,
      "",
      `${GUESTS}-`,
      ` ${GUESTS}`,
      GUESTS.toUpperCase(),
      GUESTS.replace(/^00/, "01"),
      GUESTS.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0".repeat(32)),
      GUESTS.replace("00f067aa0ba902b7", "0".repeat(16)),
      `${GUESTS}\n${GUESTS}`,
    ];
    for (const header of bad) expect(parseTraceparent(header)).toBeUndefined();
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (header) => {
        const read = parseTraceparent(header);
        return read === undefined || header.startsWith(`00-${read.traceId}-${read.spanId}-`);
      }),
    );
  });

  it("hold nothing but the route, the answer and an id of ours, whatever the header says", () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 200 }),
        fc.constantFrom("ignore", "link", "parent"),
        (header, guestParent) => {
          const spans = spansOf({ ...RELEASE, traceparent: header }, { ...PARTS, guestParent });
          for (const { attributes, name } of spans) {
            expect(["POST /v1/release", "nonce", "verify", "sign"]).toContain(name);
            expect(Object.keys(attributes).every((key) => /^(http|ostiary|error)[.]/.test(key))).toBe(true);
          }
        },
      ),
    );
  });
});

describe("spans in OTLP's JSON", () => {
  it("are what OpenTelemetry's own serializer writes of the same spans", () => {
    const link = parseTraceparent(GUESTS);
    const ours = [
      ...spansOf({ ...RELEASE, status: 503, code: "store/unavailable" }, PARTS),
      ...spansOf(RELEASE, { ...PARTS, guestParent: "link" }),
      ...spansOf(RELEASE, { ...PARTS, guestParent: "parent" }),
    ];
    expect(ours.some(({ links }) => links?.[0]?.traceId === link?.traceId)).toBe(true);
    const resource = { "service.name": "ostiary", "service.version": "0.1.0" };
    expect(otlpRequest(ours, resource)).toEqual(theirs(ours, resource));
  });
});

/** The same spans by the official SDK, without what a reader takes for absent: zero counts of what was dropped, empty lists. */
function theirs(spans: readonly Span[], resource: Readonly<Record<string, string>>): unknown {
  const next = { traceId: "", spanId: "" };
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    resource: resourceFromAttributes(resource),
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    spanProcessors: [new SimpleSpanProcessor({ exporter } as never)],
  });
  const tracer = provider.getTracer("ostiary");
  const hr = (at: bigint): HrTime => [Number(at / 1_000_000_000n), Number(at % 1_000_000_000n)];
  for (const span of spans) {
    const isRoot = span.parentSpanId === undefined;
    Object.assign(next, { traceId: span.traceId, spanId: span.spanId });
    const parent = {
      traceId: span.traceId,
      spanId: span.parentSpanId ?? "",
      traceFlags: 1,
      isRemote: span.isServer,
    };
    const options = {
      kind: span.isServer ? SpanKind.SERVER : SpanKind.INTERNAL,
      startTime: hr(span.start),
      attributes: span.attributes,
      links: (span.links ?? []).map((context) => ({
        context: { ...context, traceFlags: 1, isRemote: true },
      })),
    };
    const told = tracer.startSpan(
      span.name,
      options,
      isRoot ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
    );
    if (span.isError) told.setStatus({ code: SpanStatusCode.ERROR });
    told.end(hr(span.end));
  }
  const bytes = JsonTraceSerializer.serializeRequest(exporter.getFinishedSpans());
  const isEmpty = (name: string, value: unknown): boolean =>
    (name.startsWith("dropped") && value === 0) || (/^(events|links)$/.test(name) && String(value) === "");
  const keep = (name: string, value: unknown) =>
    isEmpty(name, value) ? undefined : name === "intValue" ? String(value) : value; // as proto3's JSON has 64 bits
  return JSON.parse(new TextDecoder().decode(bytes), keep);
}

interface Told {
  readonly outcome: SpanOutcome;
  readonly spans: number;
}

function queueOf(more: Partial<SpanQueueParts> = {}) {
  const told: Told[] = [];
  const sent: Uint8Array[] = [];
  const clock = { now: 0 };
  const queue = createSpanQueue({
    ...PARTS,
    ratio: 1,
    perSecond: 20,
    milliseconds: () => clock.now,
    resource: {},
    send: async (body) => void sent.push(body),
    count: (outcome, spans) => void told.push({ outcome, spans }),
    ...more,
  });
  const sum = (wanted: SpanOutcome) =>
    told.filter(({ outcome }) => outcome === wanted).reduce((all, { spans }) => all + spans, 0);
  return { queue, sent, clock, sum };
}

describe("the queue of spans", () => {
  it("takes so many requests of a second, and counts the others", () => {
    const { queue, clock, sum } = queueOf();
    for (let i = 0; i < 100; i += 1) queue.tell(RELEASE);
    expect([queue.waiting(), sum("dropped")]).toEqual([80, 320]);
    clock.now = 1000;
    queue.tell(RELEASE);
    expect(queue.waiting()).toBe(84);
  });

  it("leaves the room of guests to guests, however many strangers come", () => {
    const { queue } = queueOf();
    for (const step of ["nonce", "parse", "endorse", "verify"]) {
      for (let i = 0; i < 100; i += 1) queue.tell({ ...RELEASE, steps: [{ step, from: 0, to: 1 }] });
    }
    expect(queue.waiting()).toBe(2);
    for (let i = 0; i < 20; i += 1) queue.tell(RELEASE);
    expect(queue.waiting()).toBe(2 + 20 * 4);
  });

  it("ends, where the collector hangs: what comes then is counted, and no request waits", async () => {
    const hung = Promise.withResolvers<void>();
    let calls = 0;
    const { queue, clock, sum } = queueOf({
      perSecond: 1000,
      send: () => {
        calls += 1;
        return hung.promise;
      },
    });
    queue.tell(RELEASE);
    const flushed = queue.flush();
    for (let second = 0; second < 20; second += 1) {
      clock.now = second * 1000;
      for (let i = 0; i < 200; i += 1) queue.tell(RELEASE);
      void queue.flush();
    }
    expect([queue.waiting(), calls]).toEqual([4096, 1]);
    expect(sum("dropped")).toBe(20 * 200 * 4 - 4096);
    hung.resolve();
    await flushed;
    expect(sum("sent")).toBe(4);
  });

  it("drops what a collector refuses, and goes on", async () => {
    const { queue, sum } = queueOf({
      send: async () => {
        throw new Error("503");
      },
    });
    queue.tell(RELEASE);
    await queue.flush();
    queue.tell(RELEASE);
    await queue.flush();
    expect([queue.waiting(), sum("failed")]).toEqual([0, 8]);
  });

  it("samples by its own dice: no header makes a request be told", () => {
    const dice = (first: number) => (size: number) => new Uint8Array(size).fill(first);
    const told = (ratio: number, first: number): number => {
      const { queue } = queueOf({ ratio, random: dice(first), guestParent: "parent" });
      queue.tell(RELEASE);
      return queue.waiting();
    };
    expect([told(0, 0), told(0.5, 0x7f), told(0.5, 0x80), told(1, 0xff)]).toEqual([0, 4, 0, 4]);
  });
});
