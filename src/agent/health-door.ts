/** Who asks the daemon how it is? Whoever may come to its socket: `/health` for people and probes, `/metrics` for Prometheus. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { canonicalJson } from "../base/canonical-json.ts";
import { metricText, type Sample } from "../base/metrics-text.ts";
import type { Health, HealthReport } from "./health.ts";
import { type InheritedSockets, type LocalPlace, listenLocally } from "./local-socket.ts";
import type { Door } from "./secret-source.ts";

export interface HealthDoorParts {
  readonly health: Health;
  readonly inherited: InheritedSockets;
  /** What the memory holds, where there is one. */
  readonly cacheSize: () => { readonly entries: number; readonly bytes: number };
}

/** A question has one line and a few headers: whoever takes longer for it is let go. */
const ASK_MS = 5000;
const MAX_HEADER_BYTES = 4096;

/** It asks no broker, and says nothing that a policy keeps: no path, no version, no bytes. */
export function createHealthDoor(place: LocalPlace, parts: HealthDoorParts): Door {
  return {
    name: "health",
    open: async () => {
      const limits = { headersTimeout: ASK_MS, requestTimeout: ASK_MS, connectionsCheckingInterval: 1000 };
      const server = createServer({ ...limits, maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 1 });
      server.on("request", (request, response) => answer(request, response, parts));
      return listenLocally(server, place, { inherited: parts.inherited, rights: { mode: 0o660 } });
    },
  };
}

function answer({ method, url }: IncomingMessage, response: ServerResponse, parts: HealthDoorParts): void {
  const report = parts.health.report();
  const send = (status: number, type: string, body: string): void => {
    response.writeHead(status, { "content-type": type, "cache-control": "no-store", connection: "close" });
    response.end(method === "HEAD" ? undefined : body);
  };
  if (method !== "GET" && method !== "HEAD") send(405, "text/plain", "expected GET\n");
  else if (url === "/health")
    send(report.status === "ok" ? 200 : 503, "application/json", healthText(report));
  else if (url === "/metrics") send(200, "text/plain; version=0.0.4", metricsOf(report, parts.cacheSize()));
  else send(404, "text/plain", "expected /health or /metrics\n");
}

function healthText({ status, waiting, doors, files, reports, renewals }: HealthReport): string {
  const told = waiting === undefined ? {} : { waiting: { ...waiting } };
  return `${canonicalJson({ status, ...told, doors: { ...doors }, files: { ...files }, reports, renewals: { ...renewals } })}\n`;
}

function metricsOf(
  report: HealthReport,
  cache: { readonly entries: number; readonly bytes: number },
): string {
  const { status, doors, files, reads, waits, waiting, reports, renewals, secondsSinceRelease } = report;
  const one = (value: number): readonly Sample[] => [{ labels: {}, value }];
  const each = (label: string, record: Readonly<Record<string, number>>): readonly Sample[] =>
    Object.entries(record).map(([name, value]) => ({ labels: { [label]: name }, value }));
  const coded = (counts: ReadonlyMap<string, number>): readonly Sample[] =>
    [...counts].map(([name, value]) => {
      const [outcome = "", code] = name.split(" ");
      return { labels: code === undefined ? { outcome } : { outcome, code }, value };
    });
  const gauge = (name: string, help: string, samples: readonly Sample[]): string =>
    metricText({ name: `ostiary_agent_${name}`, kind: "gauge", help }, samples);
  const counter = (name: string, help: string, samples: readonly Sample[]): string =>
    metricText({ name: `ostiary_agent_${name}_total`, kind: "counter", help }, samples);
  return [
    gauge("ready", "Whether every door is open", one(status === "starting" ? 0 : 1)),
    gauge("waiting_seconds", "For how long the last failure stands, 0 for none", one(waiting?.seconds ?? 0)),
    gauge(
      "release_age_seconds",
      "Since the last release",
      secondsSinceRelease === undefined ? [] : one(secondsSinceRelease),
    ),
    gauge("doors", "Doors that are open, by kind", each("door", doors)),
    gauge("files", "Files by state", each("state", files)),
    gauge("cache_entries", "Secrets in memory", one(cache.entries)),
    gauge("cache_bytes", "Bytes of secrets in memory", one(cache.bytes)),
    counter("reports", "Reports that the hardware was asked for", one(reports)),
    counter("renewals", "What was got without a report, by kind", each("what", renewals)),
    counter("reads", "Reads by outcome, and by code where they failed", coded(reads)),
    counter(
      "waits",
      "Waits for a broker by code",
      [...waits].map(([code, value]) => ({ labels: { code }, value })),
    ),
  ].join("");
}
