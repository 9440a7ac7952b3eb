/** `/metrics`: what was counted, for Prometheus. */
import { exposition, figuresText } from "../exposition.ts";
import type { Route } from "../route.ts";

export const metricsRoute: Route = {
  method: "GET",
  path: "/metrics",
  summary: "Counters, histograms and gauges as Prometheus text",
  audience: "anyone",
  serve: async (_incoming, { edges }) => ({
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    body:
      exposition(await (edges.countsOfAll?.() ?? edges.metrics.counts())) +
      figuresText((await edges.standing?.())?.figures ?? []),
  }),
};
