/** What is counted, and how does Prometheus read it? A small registry with a fixed list of metrics and a bound on series. */

type Labels = Readonly<Record<string, string>>;

interface CounterRow {
  readonly kind: "counter";
  readonly help: string;
}

interface HistogramRow {
  readonly kind: "histogram";
  readonly help: string;
  /** Upper bounds, ascending. */
  readonly bounds: readonly number[];
}

/** Names as callers say them; Prometheus reads them with the prefix `ostiary_`, counters with the suffix `_total`. */
const METRICS = {
  requests: { kind: "counter", help: "HTTP requests by route, method and status" },
  decisions: { kind: "counter", help: "Decisions in the ledger by outcome and code" },
  refusals: { kind: "counter", help: "Refusals before a decision by fault code" },
  endorsement_fetches: { kind: "counter", help: "Requests to AMD's key server or its mirror by outcome" },
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
  transit_seconds: {
    kind: "histogram",
    help: "Seconds from the arrival of a use of a transit key to its answer",
    bounds: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
} as const satisfies Record<string, CounterRow | HistogramRow>;

export type MetricName = keyof typeof METRICS;

export interface Metrics {
  /** Counts one; a name that is not in the list is passed over. */
  readonly count: (name: string, labels: Labels) => void;
  /** Adds one observation to a histogram. */
  readonly observe: (name: string, value: number) => void;
  /** The Prometheus text exposition format, version 0.0.4. */
  readonly render: () => string;
}

/** Labels come from closed sets; should one ever not, this many series are kept and the rest share one. */
const MAX_SERIES = 256;
const OVERFLOW = '{overflow="true"}';

interface Histogram {
  readonly counts: number[];
  sum: number;
  total: number;
}

/** Makes an empty registry. */
export function createMetrics(): Metrics {
  const counters = new Map<string, Map<string, number>>();
  const histograms = new Map<string, Histogram>();
  return {
    count: (name, labels) => {
      if (kindOf(name) !== "counter") return;
      const series = counters.get(name) ?? new Map<string, number>();
      counters.set(name, series);
      const wanted = labelText(labels);
      const key = series.has(wanted) || series.size < MAX_SERIES ? wanted : OVERFLOW;
      series.set(key, (series.get(key) ?? 0) + 1);
    },
    observe: (name, value) => {
      const bounds = boundsOf(name);
      if (bounds === undefined || !Number.isFinite(value)) return;
      const histogram = histograms.get(name) ?? emptyHistogram(bounds);
      histograms.set(name, histogram);
      const at = bounds.findIndex((bound) => value <= bound);
      const slot = at === -1 ? bounds.length : at;
      histogram.counts[slot] = (histogram.counts[slot] ?? 0) + 1;
      histogram.sum += value;
      histogram.total += 1;
    },
    render: () =>
      Object.keys(METRICS)
        .map((name) => rendered(name, counters, histograms))
        .join(""),
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
  return { counts: new Array<number>(bounds.length + 1).fill(0), sum: 0, total: 0 };
}

function rendered(
  name: string,
  counters: ReadonlyMap<string, ReadonlyMap<string, number>>,
  histograms: ReadonlyMap<string, Histogram>,
): string {
  const row = rowOf(name);
  if (row === undefined) return "";
  const full = row.kind === "counter" ? `ostiary_${name}_total` : `ostiary_${name}`;
  const head = `# HELP ${full} ${row.help}\n# TYPE ${full} ${row.kind}\n`;
  if (row.kind === "histogram") {
    return head + histogramLines(full, row.bounds, histograms.get(name) ?? emptyHistogram(row.bounds));
  }
  const series = [...(counters.get(name) ?? [])];
  return head + series.map(([labels, value]) => `${full}${labels} ${value}\n`).join("");
}

function histogramLines(full: string, bounds: readonly number[], histogram: Histogram): string {
  let below = 0;
  const lines = bounds.map((bound, i) => {
    below += histogram.counts[i] ?? 0;
    return `${full}_bucket{le="${bound}"} ${below}\n`;
  });
  const { sum, total } = histogram;
  return `${lines.join("")}${full}_bucket{le="+Inf"} ${total}\n${full}_sum ${sum}\n${full}_count ${total}\n`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.slice(0, 128).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
