/** A chart of lines over two logarithmic axes. */

import { chart, CHART_WIDTH } from "./chart.ts";
import { escapeXml } from "./escape-xml.ts";

export interface Line {
  readonly label: string;
  /** Above 0, from left to right. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Where it breaks, in words for who cannot see it. */
  readonly note?: string;
  /** The point at which it breaks: drawn as a ring. */
  readonly markedX?: number | undefined;
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Where the figures come from: command, date, commit. */
  readonly source: string;
  readonly lines: readonly Line[];
}

const LEFT = 64;
const RIGHT = 16;
const TOP = 44;
const PLOT = 300;
const KEY_ROW = 20;
const FOOT = 34;
const AXIS = 40;

/** Told apart by their dashes, not by colours. */
const DASHES = ["", "9 4", "3 4", "12 4 3 4", "1 5", "16 6"] as const;

export function lineChart({ title, xLabel, yLabel, source, lines }: LineChart): string {
  const x = logScale(
    lines.flatMap(({ points }) => points.map((point) => point.x)),
    [LEFT, CHART_WIDTH - RIGHT],
  );
  const y = logScale(
    lines.flatMap(({ points }) => points.map((point) => point.y)),
    [TOP + PLOT, TOP],
  );
  const height = TOP + PLOT + AXIS + KEY_ROW * lines.length + FOOT;
  const said = lines.map(({ label, note }) => (note === undefined ? label : `${label}: ${note}`)).join("; ");
  return chart({
    heading: title,
    said: `${title}. ${said}`,
    ...{ source, height },
    drawn: [
      `<text class="tick" x="0" y="34">${escapeXml(yLabel)}</text>`,
      ...x.ticks.map(
        ({ at, text }) =>
          `<path class="grid" d="M${at} ${TOP}V${TOP + PLOT}"/><text class="tick" x="${at}" y="${TOP + PLOT + 15}" text-anchor="middle">${text}</text>`,
      ),
      ...y.ticks.map(
        ({ at, text }) =>
          `<path class="grid" d="M${LEFT} ${at}H${CHART_WIDTH - RIGHT}"/><text class="tick" x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${text}</text>`,
      ),
      `<text class="tick" x="${CHART_WIDTH - RIGHT}" y="${TOP + PLOT + 31}" text-anchor="end">${escapeXml(xLabel)}</text>`,
      ...lines.flatMap((line, index) => drawLine(line, { index, x, y })),
    ],
  });
}

interface Axes {
  readonly index: number;
  readonly x: Scale;
  readonly y: Scale;
}

function drawLine({ label, points, note, markedX }: Line, { index, x, y }: Axes): string[] {
  const dash = DASHES[index % DASHES.length] ?? "";
  const dashed = dash === "" ? "" : ` stroke-dasharray="${dash}"`;
  const path = points.map((point, at) => `${at === 0 ? "M" : "L"}${x.at(point.x)} ${y.at(point.y)}`).join("");
  const marked = points.find((point) => point.x === markedX);
  const row = TOP + PLOT + AXIS + KEY_ROW * index + 10;
  const words = note === undefined ? label : `${label}: ${note}`;
  return [
    `<path class="line"${dashed} d="${path}"/>`,
    ...(marked === undefined
      ? []
      : [`<circle class="ring" cx="${x.at(marked.x)}" cy="${y.at(marked.y)}" r="5"/>`]),
    `<path class="line"${dashed} d="M${LEFT} ${row}h36"/><text x="${LEFT + 46}" y="${row + 4}">${escapeXml(words)}</text>`,
  ];
}

interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

/** Powers of ten around all `values`, over the pixels from the first to the second. */
function logScale(values: readonly number[], [first, last]: readonly [number, number]): Scale {
  const logs = values.map((value) => Math.log10(value));
  const low = Math.floor(Math.min(...logs));
  const high = Math.max(low + 1, Math.ceil(Math.max(...logs)));
  const at = (value: number): number =>
    Math.round((first + ((Math.log10(value) - low) / (high - low)) * (last - first)) * 10) / 10;
  const powers = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  return { at, ticks: powers.map((value) => ({ at: at(value), text: value.toLocaleString("en") })) };
}
