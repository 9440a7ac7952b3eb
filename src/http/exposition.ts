/** How does Prometheus read what was counted? Its text format, version 0.0.4; what several processes counted is added up first. */
import { headText, metricText } from "../base/metrics-text.ts";
import { FIGURES, type Figure } from "../broker/standing.ts";
import { type CounterRow, type Counts, type HistogramCounts, type HistogramRow, METRICS } from "./metrics.ts";

/** Every metric, counted or not: names with the prefix `ostiary_`, counters with the suffix `_total`. */
export function exposition(counts: Counts): string {
  return Object.entries(METRICS)
    .map(([name, row]) => rendered(name, row, counts))
    .join("");
}

/** Every gauge, looked at or not. */
export function figuresText(figures: readonly Figure[]): string {
  return Object.entries(FIGURES)
    .map(([name, help]) =>
      metricText(
        { name: `ostiary_${name}`, kind: "gauge", help },
        figures.filter((figure) => figure.name === name),
      ),
    )
    .join("");
}

/** What several processes counted together. */
export function sumOfCounts(parts: readonly Counts[]): Counts {
  return {
    counters: merged(
      parts.map(({ counters }) => counters),
      (a, b) => merged([a, b], plus),
    ),
    histograms: merged(
      parts.map(({ histograms }) => histograms),
      (a, b) => ({ counts: a.counts.map((count, i) => count + (b.counts[i] ?? 0)), sum: a.sum + b.sum }),
    ),
  };
}

function plus(a: number, b: number): number {
  return a + b;
}

/** What only one of them has stays as it is. */
function merged<T>(
  records: readonly Readonly<Record<string, T>>[],
  join: (a: T, b: T) => T,
): Record<string, T> {
  const whole = new Map<string, T>();
  for (const [name, value] of records.flatMap((record) => Object.entries(record))) {
    const known = whole.get(name);
    whole.set(name, known === undefined ? value : join(known, value));
  }
  return Object.fromEntries(whole);
}

function rendered(name: string, row: CounterRow | HistogramRow, counts: Counts): string {
  const own = row.isBorrowed === true ? name : `ostiary_${name}`;
  if (row.isBorrowed === true && !isCounted(name, counts)) return "";
  const full = row.kind === "counter" ? `${own}_total` : own;
  const head = headText({ name: full, kind: row.kind, help: row.help });
  if (row.kind === "histogram") return head + histogramsOf({ name, full }, row.bounds, counts).join("");
  const series = Object.entries(counts.counters[name] ?? {});
  return head + series.map(([labels, value]) => `${full}${labels} ${value}\n`).join("");
}

/** A product that is not stood in for here shows nothing of it. */
function isCounted(name: string, { counters, histograms }: Counts): boolean {
  return counters[name] !== undefined || histograms[name] !== undefined;
}

/** One for each set of labels; where nothing was observed, the one without. */
function histogramsOf(
  { name, full }: { readonly name: string; readonly full: string },
  bounds: readonly number[],
  { histograms }: Counts,
): readonly string[] {
  const keys = Object.keys(histograms).filter((key) => key === name || key.startsWith(`${name}{`));
  return (keys.length === 0 ? [name] : keys).map((key) =>
    histogramLines(full, key.slice(name.length + 1, -1), { bounds, histogram: histograms[key] }),
  );
}

/** @param labels - As they stand between the braces. */
function histogramLines(
  full: string,
  labels: string,
  {
    bounds,
    histogram,
  }: { readonly bounds: readonly number[]; readonly histogram: HistogramCounts | undefined },
): string {
  const { counts = [], sum = 0 } = histogram ?? {};
  const [before, alone] = labels === "" ? ["", ""] : [`${labels},`, `{${labels}}`];
  let below = 0;
  const lines = bounds.map((bound, i) => {
    below += counts[i] ?? 0;
    return `${full}_bucket{${before}le="${bound}"} ${below}\n`;
  });
  const total = below + (counts[bounds.length] ?? 0);
  return `${lines.join("")}${full}_bucket{${before}le="+Inf"} ${total}\n${full}_sum${alone} ${sum}\n${full}_count${alone} ${total}\n`;
}
