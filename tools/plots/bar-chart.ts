/** A bar chart. */

import { chart, CHART_WIDTH } from "./chart.ts";
import { escapeXml } from "./escape-xml.ts";

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Somebody else's figure: drawn hollow. */
  readonly isPeer?: boolean;
}

export interface BarChart {
  readonly title: string;
  readonly unit: string;
  /** Where the figures come from: command, date, commit. */
  readonly source: string;
  readonly bars: readonly Bar[];
}

const LABELS = 290;
const FIGURES = 90;
const ROW = 30;
const HEAD = 46;
const FOOT = 34;

export function barChart({ title, unit, source, bars }: BarChart): string {
  const height = HEAD + ROW * bars.length + FOOT;
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const room = CHART_WIDTH - LABELS - FIGURES;
  const rows = bars.map(({ label, value, isPeer }, index) => {
    const top = HEAD + ROW * index;
    const width = Math.max(1, Math.round((value / most) * room));
    const inset = isPeer === true ? 0.75 : 0;
    return [
      `<text x="${LABELS - 12}" y="${top + 17}" text-anchor="end">${escapeXml(label)}</text>`,
      `<rect class="${isPeer === true ? "peer" : "bar"}" x="${LABELS + inset}" y="${top + 5 + inset}" width="${width - 2 * inset}" height="${16 - 2 * inset}"/>`,
      `<text class="n" x="${LABELS + width + 8}" y="${top + 17}">${value.toLocaleString("en")}</text>`,
    ].join("");
  });
  const figures = bars.map(({ label, value }) => `${label}: ${value.toLocaleString("en")} ${unit}`);
  return chart({
    heading: `${title}, ${unit}`,
    said: `${title}. ${figures.join("; ")}`,
    ...{ source, height, drawn: rows },
  });
}
