/** What does a collector hear of a release? Its steps with their times, strictly in OTLP's JSON, and nothing that anybody could use. */
import { appendFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { base64UrlOf, hexOf } from "../../src/base/bytes.ts";
import { attest } from "../../src/client/attest.ts";
import { createGuestClient } from "../../src/client/guest.ts";
import { systemRandom } from "../../src/runtime/node/clock.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import { type DemoBroker, demoBroker } from "../agent/demo-broker.ts";

const PATH = "prod/traces/key";
const GUESTS = "4bf92f3577b34da6a3ce929d0e0e4736";
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);

const id = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`)));
const nanos = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{18}$/),
  v.transform((digits: string) => BigInt(digits)),
);
const text = v.strictObject({ stringValue: v.string() });
const whole = v.strictObject({ intValue: v.pipe(v.string(), v.regex(/^\d+$/)) });
const attributes = v.array(v.strictObject({ key: v.string(), value: v.union([text, whole]) }));
/** `ExportTraceServiceRequest`, no member that is not sent here. */
const REQUEST = v.strictObject({
  resourceSpans: v.array(
    v.strictObject({
      resource: v.strictObject({ attributes }),
      scopeSpans: v.array(
        v.strictObject({
          scope: v.strictObject({ name: v.string() }),
          spans: v.array(
            v.strictObject({
              traceId: id(32),
              spanId: id(16),
              parentSpanId: v.optional(id(16)),
              flags: v.number(),
              name: v.string(),
              kind: v.picklist([1, 2]),
              startTimeUnixNano: nanos,
              endTimeUnixNano: nanos,
              attributes,
              links: v.optional(
                v.array(v.strictObject({ traceId: id(32), spanId: id(16), flags: v.number(), attributes })),
              ),
              status: v.strictObject({ code: v.picklist([0, 2]) }),
            }),
          ),
        }),
      ),
    }),
  ),
});
type Span = v.InferOutput<typeof REQUEST>["resourceSpans"][0]["scopeSpans"][0]["spans"][0];

let broker: DemoBroker;
let collector: Server;
const bodies: string[] = [];

beforeAll(async () => {
  collector = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += String(piece);
    expect(request.headers["content-type"]).toBe("application/json");
    bodies.push(body);
    response.end("{}");
  });
  await new Promise<void>((done) => void collector.listen(0, "127.0.0.1", () => done()));
  const address = collector.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const traces = `\n[traces]\nendpoint = "http://127.0.0.1:${port}/v1/traces"\nguest_parent = "link"\n`;
  broker = await demoBroker({ [PATH]: SECRET }, (data) => appendFileSync(join(data, "ostiary.toml"), traces));
}, 60_000);

afterAll(async () => {
  await broker.remove();
  collector.close();
});

const spans = (): readonly Span[] =>
  bodies.flatMap((body) => v.parse(REQUEST, JSON.parse(body)).resourceSpans[0]?.scopeSpans[0]?.spans ?? []);

describe("a broker with a collector", () => {
  it("tells each step of a release, linked to the guest's trace, without a nonce, a key, an address or a path", async () => {
    const withTrace: typeof fetch = (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set("traceparent", `00-${GUESTS}-00f067aa0ba902b7-01`);
      return fetch(input, { ...init, headers });
    };
    const client = createGuestClient({ url: broker.url, fetch: withTrace });
    const provider = createSimulatorProvider(broker.machine);
    const { audience, signingKey } = broker;
    const { nonce } = await client.challenge(3);
    const plan = { claims: { want: [{ secret: PATH }] }, nonce, carrier: { binding: 3 } } as const;
    const parts = { provider, primitives: nodePrimitives, random: systemRandom };
    const { request } = await attest(plan, { audience, signingKey, suite: 1 }, parts);
    const { decision } = await client.release(request);
    while (!spans().some(({ name }) => name === "sign")) await sleep(100);
    const [root = expect.fail(), ...steps] = spans();
    expect(steps.map(({ name }) => name)).toEqual([
      ...["nonce", "parse", "endorse", "verify", "bind", "appraise", "commit", "unwrap", "seal", "sign"],
    ]);
    expect(root.links?.[0]?.traceId).toBe(GUESTS);
    expect(root.traceId).not.toBe(GUESTS);
    expect(root.attributes).toContainEqual({ key: "ostiary.request_id", value: { stringValue: decision } });
    for (const { startTimeUnixNano, endTimeUnixNano, parentSpanId } of steps) {
      expect(startTimeUnixNano >= root.startTimeUnixNano && endTimeUnixNano <= root.endTimeUnixNano).toBe(
        true,
      );
      expect(parentSpanId).toBe(root.spanId);
    }
    const said = bodies.join("\n");
    for (const bytes of [nonce, SECRET, request.wrapPub, signingKey]) {
      for (const form of [hexOf(bytes), base64UrlOf(bytes), Buffer.from(bytes).toString("base64")])
        expect(said).not.toContain(form);
    }
    for (const other of [PATH, "127.0.0.1", "demo-measurement", "02".repeat(48)])
      expect(said).not.toContain(other);
  }, 60_000);

  it("counts what it sent, and each step's time", async () => {
    const text = await (await fetch(`${broker.url}/metrics`)).text();
    expect(text).toMatch(/^ostiary_spans_total\{outcome="sent"\} 11$/m);
    expect(text).toMatch(/^ostiary_step_seconds_count\{step="verify"\} 1$/m);
  });
});
