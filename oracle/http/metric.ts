/** The form of a metric: Prometheus text format 0.0.4. */

type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** What Prometheus puts behind the name of a histogram's parts. */
  readonly suffix?: "_bucket" | "_sum" | "_count";
}

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter" | "histogram";
  readonly samples: readonly Sample[];
}

export function renderMetric({ name, help, type, samples }: Metric): string {
  const lines = samples.map(({ labels, value, suffix = "" }) => {
    const text = Object.entries(labels).map(([label, content]) => `${label}="${content}"`);
    return `${name}${suffix}${text.length === 0 ? "" : `{${text.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}
