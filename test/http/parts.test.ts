import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { exposition, sumOfCounts } from "../../src/http/exposition.ts";
import { createRateLimit, readBody, sharedRates, sourceNetworkOf } from "../../src/http/limits.ts";
import { createMetrics } from "../../src/http/metrics.ts";
import { refusedOf } from "../../src/http/problem.ts";
import { createUlids } from "../../src/http/request-id.ts";
import { codeOfPromise } from "../support/faults.ts";
import { random } from "./broker-at-hand.ts";

describe("names of requests", () => {
  it("are ULIDs, as the specification's own example", () => {
    const nextId = createUlids({ milliseconds: () => 1_469_918_176_385, random });
    expect(nextId()).toMatch(/^01ARYZ6S41[0-9A-HJKMNP-TV-Z]{16}$/);
  });

  it("carry eighty bits of chance, every one of them", () => {
    const of = (bytes: readonly number[]) =>
      createUlids({ milliseconds: () => 0, random: () => Uint8Array.from(bytes) })();
    expect(of([0, 0, 0, 0, 0, 0, 0, 0, 0, 0])).toBe("0".repeat(26));
    expect(of([255, 255, 255, 255, 255, 255, 255, 255, 255, 255])).toBe(`${"0".repeat(10)}${"Z".repeat(16)}`);
    const ids = Array.from({ length: 80 }, (_, bit) =>
      of(Array.from({ length: 10 }, (_, i) => (i === bit >> 3 ? 0x80 >> (bit & 7) : 0))),
    );
    expect(new Set(ids).size).toBe(80);
  });

  it("sort by time", () => {
    let now = 1;
    const nextId = createUlids({ milliseconds: () => now, random });
    const first = nextId();
    now = 2 ** 40;
    expect(first < nextId()).toBe(true);
  });
});

describe("a rate limit", () => {
  it("never lets more through than its rate allows, whatever the pattern", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400), { minLength: 1, maxLength: 200 }), (pauses) => {
        let now = 0;
        const limit = createRateLimit({ perSource: 10, perBroker: 1000 }, () => now);
        let allowed = 0;
        for (const pause of pauses) {
          now += pause;
          if (limit("a").isAllowed) allowed += 1;
        }
        expect(allowed).toBeLessThanOrEqual(10 + (now / 1000) * 10);
      }),
    );
  });

  it("is never passed by several processes together, though each lets somebody through", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 64 }),
        fc.array(fc.tuple(fc.nat(20), fc.nat(63)), { minLength: 200, maxLength: 400 }),
        (processes, requests) => {
          let now = 0;
          const rates = sharedRates({ perSource: 10, perBroker: 1000 }, processes);
          const limits = Array.from({ length: processes }, () => createRateLimit(rates, () => now));
          expect(limits.every((limit) => limit("first").isAllowed)).toBe(true);
          let allowed = 0;
          for (const [pause, at] of requests) {
            now += pause;
            if (limits[at % processes]?.("a").isAllowed === true) allowed += 1;
          }
          expect(allowed).toBeLessThanOrEqual(Math.max(10, processes) + (now / 1000) * 10);
        },
      ),
    );
  });

  it("holds for the whole broker, however many sources ask", () => {
    const limit = createRateLimit({ perSource: 10, perBroker: 100 }, () => 0);
    const allowed = Array.from({ length: 500 }, (_, i) => limit(`198.51.100.${i}`)).filter(
      ({ isAllowed }) => isAllowed,
    );
    expect(allowed).toHaveLength(100);
  });

  it("is not used up by requests that it refused", () => {
    let now = 0;
    const limit = createRateLimit({ perSource: 1, perBroker: 1000 }, () => now);
    expect(limit("a").isAllowed).toBe(true);
    for (let i = 0; i < 50; i += 1) expect(limit("a").isAllowed).toBe(false);
    now = 1000;
    expect(limit("a").isAllowed).toBe(true);
  });

  it("remembers a bounded number of sources, and the newest of them", () => {
    const limit = createRateLimit({ perSource: 1, perBroker: 1_000_000 }, () => 0);
    for (let i = 0; i < 30_000; i += 1) limit(`source-${i}`);
    expect(limit("source-29999").isAllowed).toBe(false);
    expect(limit("source-0").isAllowed).toBe(true);
  });

  const networks: readonly (readonly [string, string])[] = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::ffff", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:0db8:0:0:1::", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["unknown", "unknown"],
  ];
  it.each(networks)("takes %s for the network %s", (source, network) => {
    expect(sourceNetworkOf(source)).toBe(network);
  });
});

describe("metrics", () => {
  it("count, and count observations below each bound", () => {
    const metrics = createMetrics();
    metrics.count("decisions", { outcome: "allow", code: "none" });
    metrics.count("decisions", { outcome: "allow", code: "none" });
    for (const size of [1, 3, 64, 65]) metrics.observe("commit_group_size", size);
    const text = exposition(metrics.counts());
    expect(text).toContain('ostiary_decisions_total{outcome="allow",code="none"} 2\n');
    expect(text).toContain('ostiary_commit_group_size_bucket{le="1"} 1\n');
    expect(text).toContain('ostiary_commit_group_size_bucket{le="4"} 2\n');
    expect(text).toContain('ostiary_commit_group_size_bucket{le="64"} 3\n');
    expect(text).toContain('ostiary_commit_group_size_bucket{le="+Inf"} 4\n');
    expect(text).toContain("ostiary_commit_group_size_sum 133\n");
  });

  it("keep a bounded number of series, and count the rest in one", () => {
    const metrics = createMetrics();
    for (let i = 0; i < 5000; i += 1) metrics.count("refusals", { code: `code-${i}` });
    const text = exposition(metrics.counts());
    expect(text.split("\n").length).toBeLessThan(400);
    expect(text).toContain('ostiary_refusals_total{overflow="true"} 4744\n');
  });

  it("of several processes add up, as if one had counted all of it", () => {
    const [one, two, all] = [createMetrics(), createMetrics(), createMetrics()];
    for (const [at, code] of [one, two, two, one].map((at, i) => [at, `code-${i % 3}`] as const)) {
      for (const metrics of [at, all]) metrics.count("refusals", { code });
    }
    for (const [at, size] of [[one, 3] as const, [two, 64] as const, [two, 65] as const]) {
      for (const metrics of [at, all]) metrics.observe("commit_group_size", size);
    }
    const lines = (text: string): readonly string[] => text.split("\n").sort();
    const sum = sumOfCounts([one.counts(), two.counts(), createMetrics().counts()]);
    expect(lines(exposition(sum))).toEqual(lines(exposition(all.counts())));
  });

  it("pass over names and values that they do not know", () => {
    const metrics = createMetrics();
    const before = exposition(metrics.counts());
    metrics.count("unknown", {});
    metrics.count("release_seconds", {});
    metrics.observe("requests", 1);
    metrics.observe("release_seconds", Number.NaN);
    expect(exposition(metrics.counts())).toBe(before);
  });

  it("write label values that cannot break a line", () => {
    const metrics = createMetrics();
    metrics.count("requests", { route: 'a"b\\c\nd' });
    expect(exposition(metrics.counts())).toContain('ostiary_requests_total{route="a\\"b\\\\c\\nd"} 1\n');
  });
});

describe("reading a body", () => {
  const post = (
    body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
    headers: Record<string, string> = {},
  ) => new Request("https://broker.example/", { method: "POST", body, headers, duplex: "half" });

  it("gives exactly the bytes that came, up to the cap", async () => {
    const bytes = random(1000);
    expect(await readBody(post(bytes), 1000)).toEqual(bytes);
    expect(await readBody(post(bytes, { "content-length": "1000" }), 1000)).toEqual(bytes);
    expect(await readBody(new Request("https://broker.example/"), 1000)).toHaveLength(0);
  });

  it("refuses one byte beyond the cap, announced or not, truly or not", async () => {
    for (const headers of [
      {},
      { "content-length": "1001" },
      { "content-length": "3" },
      { "content-length": "-1" },
    ]) {
      expect(await codeOfPromise(readBody(post(random(1001), headers), 1000))).toBe("request/too-large");
    }
  });

  it("stops a stream at the cap and tells its source", async () => {
    let pieces = 0;
    let isCancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pieces += 1;
        if (pieces > 1000) throw new Error("read far beyond the cap");
        controller.enqueue(new Uint8Array(100));
      },
      cancel: () => {
        isCancelled = true;
      },
    });
    expect(await codeOfPromise(readBody(post(stream), 1000))).toBe("request/too-large");
    expect(pieces).toBeLessThan(15);
    expect(isCancelled).toBe(true);
  });
});

describe("what a guest learns of a no", () => {
  const asked = { id: "01JD0000000000000000000000", isAdmin: false, log: () => {} };

  it("is the one sentence that the policy publishes", () => {
    const fault = new Fault("policy/denied", "clause 3", {
      sentence: "this image is not approved",
      floor: 23,
    });
    const { problem } = refusedOf(fault, asked);
    expect(problem).toMatchObject({ status: 403, code: "denied", detail: "this image is not approved" });
    expect(JSON.stringify(problem)).not.toMatch(/clause|floor|23/);
  });

  it("is no sentence of any other fault", () => {
    const fault = new Fault("evidence/bad-signature", "signature", { sentence: "planted" });
    expect(JSON.stringify(refusedOf(fault, asked).problem)).not.toMatch(/planted|signature/);
  });

  it("is the same for every way in which evidence can be bad", () => {
    const codes = ["evidence/bad-signature", "endorsement/revoked", "channel/not-bound"] as const;
    const problems = codes.map((code) => JSON.stringify(refusedOf(new Fault(code, "x"), asked).problem));
    expect(new Set(problems).size).toBe(1);
  });
});
