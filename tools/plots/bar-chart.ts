/** A bar chart as an SVG that reads on light and dark pages alike, with nothing in it that a browser would have to fetch. */

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

const WIDTH = 760;
const LABELS = 290;
const FIGURES = 90;
const ROW = 30;
const HEAD = 46;
const FOOT = 34;

const STYLE = `text{font:13px system-ui,sans-serif;fill:#1d1d1b}.title{font-size:15px;font-weight:600}.source{font-size:11px;fill:#5d5d58}
.bar{fill:#1d1d1b}.peer{fill:none;stroke:#5d5d58;stroke-width:1.5}.n{font-variant-numeric:tabular-nums}
@media(prefers-color-scheme:dark){text{fill:#e8e6df}.source{fill:#a3a199}.bar{fill:#e8e6df}.peer{stroke:#a3a199}}`;

export function barChart({ title, unit, source, bars }: BarChart): string {
  const height = HEAD + ROW * bars.length + FOOT;
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const room = WIDTH - LABELS - FIGURES;
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
  const said = bars.map(({ label, value }) => `${label}: ${value.toLocaleString("en")} ${unit}`).join("; ");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeXml(`${title}. ${said}`)}">`,
    `<style>${STYLE}</style>`,
    `<text class="title" x="0" y="18">${escapeXml(`${title}, ${unit}`)}</text>`,
    ...rows,
    `<text class="source" x="0" y="${height - 8}">${escapeXml(source)}</text>`,
    "</svg>",
    "",
  ].join("\n");
}
