/** What is counted? A small registry with a fixed list of metrics and a bound on series. */
import { type Labels, labelText } from "../base/metrics-text.ts";
import { KBS_METRICS } from "./kbs/metric-names.ts";

export interface CounterRow {
  readonly kind: "counter";
  readonly help: string;
  /** Under the name that another product gave it, for its dashboards; shown once something was counted. */
  readonly isBorrowed?: true;
}

export interface HistogramRow {
  readonly kind: "histogram";
  readonly help: string;
  /** Upper bounds, ascending. */
  readonly bounds: readonly number[];
  readonly isBorrowed?: true;
}

/** Names as callers say them; how Prometheus reads them is `exposition.ts`. */
export const METRICS = {
  requests: { kind: "counter", help: "HTTP requests by route, method and status" },
  decisions: { kind: "counter", help: "Decisions in the ledger by outcome and code" },
  refusals: { kind: "counter", help: "Refusals before a decision by fault code" },
  endorsement_fetches: { kind: "counter", help: "Requests to AMD's key server or its mirror by outcome" },
  ledger_publications: {
    kind: "counter",
    help: "Heads of the log that were put where others find them, by outcome",
  },
  ledger_heard: { kind: "counter", help: "Heads of logs that were heard of peers, by what they showed" },
  sink_deliveries: { kind: "counter", help: "Batches of events for a sink, by outcome" },
  spans: { kind: "counter", help: "Spans for the collector, by outcome" },
  sink_events: { kind: "counter", help: "Events that a sink took" },
  shadow: {
    kind: "counter",
    help: "Items shown to the bundle in shadow by result: alike, gained, lost, changed, code; and dropped, unkept, failed",
  },
  process_losses: {
    kind: "counter",
    help: "Processes of this broker that ended unasked and were begun again",
  },
  commit_group_size: {
    kind: "histogram",
    help: "Decisions that one flush made durable",
    bounds: [1, 2, 4, 8, 16, 32, 64],
  },
  release_seconds: {
    kind: "histogram",
    help: "Seconds from the arrival of a release request to its answer",
    bounds: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
  step_seconds: {
    kind: "histogram",
    help: "Seconds that a step of a release or an attestation took",
    bounds: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 10],
  },
  transit_seconds: {
    kind: "histogram",
    help: "Seconds from the arrival of a use of a transit key to its answer",
    bounds: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
  ...KBS_METRICS,
} as const satisfies Record<string, CounterRow | HistogramRow>;

export type MetricName = keyof typeof METRICS;

export interface Metrics {
  /** Counts one, or so many; a name that is not in the list is passed over. */
  readonly count: (name: string, labels: Labels, by?: number) => void;
  /** Adds one observation to a histogram, or to the one of these labels. */
  readonly observe: (name: string, value: number, labels?: Labels) => void;
  readonly counts: () => Counts;
}

/** What was counted until now, as plain data: that of several processes adds up. */
export interface Counts {
  /** By name and by labels as they stand in a line. */
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** By name, with the labels behind it where there are some. */
  readonly histograms: Readonly<Record<string, HistogramCounts>>;
}

export interface HistogramCounts {
  /** One for each bound, not added up, and one above them all. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Labels come from closed sets; should one ever not, this many series are kept and the rest share one. */
const MAX_SERIES = 256;
const OVERFLOW = '{overflow="true"}';

interface Histogram {
  readonly counts: number[];
  sum: number;
}

/** Makes an empty registry. */
export function createMetrics(): Metrics {
  const counters = new Map<string, Map<string, number>>();
  const histograms = new Map<string, Histogram>();
  return {
    count: (name, labels, by = 1) => {
      if (kindOf(name) !== "counter") return;
      const series = counters.get(name) ?? new Map<string, number>();
      counters.set(name, series);
      const wanted = labelText(labels);
      const key = series.has(wanted) || series.size < MAX_SERIES ? wanted : OVERFLOW;
      series.set(key, (series.get(key) ?? 0) + by);
    },
    observe: (name, value, labels) => {
      const bounds = boundsOf(name);
      if (bounds === undefined || !Number.isFinite(value)) return;
      const wanted = labels === undefined ? name : name + labelText(labels);
      const key = histograms.has(wanted) || histograms.size < MAX_SERIES ? wanted : name;
      const histogram = histograms.get(key) ?? emptyHistogram(bounds);
      histograms.set(key, histogram);
      const at = bounds.findIndex((bound) => value <= bound);
      const slot = at === -1 ? bounds.length : at;
      histogram.counts[slot] = (histogram.counts[slot] ?? 0) + 1;
      histogram.sum += value;
    },
    counts: () => ({
      counters: Object.fromEntries([...counters].map(([name, series]) => [name, Object.fromEntries(series)])),
      histograms: Object.fromEntries(
        [...histograms].map(([name, { counts, sum }]) => [name, { counts: [...counts], sum }]),
      ),
    }),
  };
}

const ROWS: ReadonlyMap<string, CounterRow | HistogramRow> = new Map(Object.entries(METRICS));

function rowOf(name: string): CounterRow | HistogramRow | undefined {
  return ROWS.get(name);
}

function kindOf(name: string): "counter" | "histogram" | undefined {
  return rowOf(name)?.kind;
}

function boundsOf(name: string): readonly number[] | undefined {
  const row = rowOf(name);
  return row?.kind === "histogram" ? row.bounds : undefined;
}

function emptyHistogram(bounds: readonly number[]): Histogram {
  return { counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 };
}
