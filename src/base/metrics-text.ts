/** How does Prometheus read a metric? Its text format, version 0.0.4: what it is, and one line for each series. */

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface MetricHead {
  /** In full, as Prometheus shows it. */
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
}

/** One metric with its series. */
export function metricText(head: MetricHead, samples: readonly Sample[]): string {
  const { name } = head;
  return (
    headText(head) + samples.map(({ labels, value }) => `${name}${labelText(labels)} ${value}\n`).join("")
  );
}

export function headText({ name, kind, help }: MetricHead): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
}

/** Labels as they stand in a line; nothing for none. */
export function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.slice(0, 128).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
