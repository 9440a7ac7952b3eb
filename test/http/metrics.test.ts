/** Do metrics stay few, whatever strangers send, and is each of them documented and each that a graph names there? */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FAULT_CODES } from "../../src/base/fault-codes.ts";
import { FIGURES } from "../../src/broker/standing.ts";
import { STEPS } from "../../src/broker/steps.ts";
import { exposition, figuresText } from "../../src/http/exposition.ts";
import { createMetrics, METRICS } from "../../src/http/metrics.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { brokerAtHand } from "./broker-at-hand.ts";

const root = join(import.meta.dirname, "../..");
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
const CLOSED: Readonly<Record<string, readonly string[]>> = {
  route: [...ROUTES.map(({ path }) => path), "unmatched"],
  method: METHODS,
  status: Array.from({ length: 400 }, (_, i) => String(200 + i)),
  code: [...Object.keys(FAULT_CODES), "none"],
  outcome: ["allow", "deny"],
  step: STEPS,
};

/** Every label of a text, and whether its value is one of the closed sets. */
function strays(text: string): readonly string[] {
  return [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
    .filter(([, name = "", value = ""]) => name !== "le" && CLOSED[name]?.includes(value) !== true)
    .map(([pair]) => pair);
}

const path = fc.oneof(
  fc.constantFrom(...ROUTES.map((route) => route.path)),
  fc.webPath(),
  fc.string({ maxLength: 60 }).map((text) => `/${encodeURIComponent(text)}`),
);
const method = fc.oneof(
  fc.constantFrom(...METHODS),
  fc.stringMatching(/^[A-Z]{1,20}$/).filter((word) => !/^(CONNECT|TRACE|TRACK)$/.test(word)),
);
const body = fc.oneof(fc.json(), fc.string());

describe("metrics", () => {
  it("have labels from closed sets alone, whatever strangers ask", async () => {
    const { app } = brokerAtHand();
    await fc.assert(
      fc.asyncProperty(path, method, body, fc.webQueryParameters(), async (where, how, what, query) => {
        const hasBody = !/^(GET|HEAD)$/.test(how);
        const headers = {
          "content-type": "application/json",
          traceparent: query,
          authorization: `DPoP ${query}`,
        };
        await app.request(`${where}?${query}`, { method: how, headers, ...(hasBody ? { body: what } : {}) });
      }),
    );
    const text = await (await app.request("/metrics")).text();
    expect(strays(text)).toEqual([]);
    expect(text.split("\n").length).toBeLessThan(2000);
  });

  it("grow no further than their bound, should a label ever not be from a closed set", () => {
    const metrics = createMetrics();
    for (let i = 0; i < 10_000; i += 1) {
      metrics.count("refusals", { code: `c${i}` });
      metrics.observe("step_seconds", 1, { step: `s${i}` });
    }
    const { counters, histograms } = metrics.counts();
    expect(Object.keys(counters["refusals"] ?? {}).length).toBeLessThanOrEqual(257);
    expect(Object.keys(histograms).length).toBeLessThanOrEqual(257);
  });

  it("of steps are one histogram for each, with the step before the bound", () => {
    const metrics = createMetrics();
    metrics.observe("step_seconds", 0.002, { step: "verify" });
    const text = exposition(metrics.counts());
    expect(text).toContain('ostiary_step_seconds_bucket{step="verify",le="0.0025"} 1\n');
    expect(text).toContain('ostiary_step_seconds_sum{step="verify"} 0.002\n');
    expect(text).not.toContain("ostiary_step_seconds_count ");
  });
});

/** Under the names of another product: shown once counted. */
const BORROWED = Object.entries(METRICS).flatMap(([name, row]) =>
  "isBorrowed" in row
    ? [{ name, shown: row.kind === "counter" ? `${name}_total` : name, kind: row.kind }]
    : [],
);

const NAMES = [
  ...Object.entries(METRICS).flatMap(([name, row]) => {
    if ("isBorrowed" in row) return [];
    return [row.kind === "counter" ? `ostiary_${name}_total` : `ostiary_${name}`];
  }),
  ...Object.keys(FIGURES).map((name) => `ostiary_${name}`),
];

/** Names of metrics in expressions; a histogram has three. */
function namesIn(text: string): readonly string[] {
  const named = [...text.matchAll(/\bostiary_\w+/g)].map(([name]) =>
    name.replace(/_(bucket|sum|count)$/, ""),
  );
  return [...new Set(named)].sort();
}

describe("what is exposed", () => {
  it("is all that rules and dashboard name", () => {
    const dashboard = readFileSync(join(root, "deploy/grafana/ostiary-broker.json"), "utf8");
    const rules = readFileSync(join(root, "deploy/prometheus/ostiary.rules.yml"), "utf8");
    for (const text of [dashboard, rules]) {
      expect(namesIn(text).filter((name) => !NAMES.includes(name))).toEqual([]);
      expect(namesIn(text).length).toBeGreaterThan(5);
    }
    expect(JSON.parse(dashboard)).toMatchObject({ uid: "ostiary-broker", panels: expect.any(Array) });
  });

  it("is documented, each and no other", () => {
    const table = readFileSync(join(root, "docs/observability.md"), "utf8");
    const rows = [...table.matchAll(/^\| `((?:ostiary|kbs)_\w+)`/gm)].map(([, name]) => name);
    expect(rows.toSorted()).toEqual([...NAMES, ...BORROWED.map(({ shown }) => shown)].toSorted());
  });

  it("names every metric in the text, looked at or not", () => {
    const text = exposition(createMetrics().counts()) + figuresText([]);
    for (const name of NAMES) expect(text).toContain(`# TYPE ${name} `);
  });

  it("has names of another product where something was counted by them, and no trace of it before", () => {
    const metrics = createMetrics();
    expect(exposition(metrics.counts())).not.toMatch(/^# TYPE kbs_/m);
    for (const { name, kind } of BORROWED) {
      if (kind === "counter") metrics.count(name, {});
      else metrics.observe(name, 0.01);
    }
    const text = exposition(metrics.counts());
    for (const { shown, kind } of BORROWED) expect(text).toContain(`# TYPE ${shown} ${kind}\n`);
    expect(text).toContain("kbs_auth_requests_total 1\n");
    expect(text).toContain('kbs_http_request_duration_seconds_bucket{le="0.01"} 1\n');
  });
});
