/** Lines over the last two hours, drawn by uPlot: from zero, named at their ends, dashed as well as coloured; the figures also stand in words. */

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Minute } from "./api.ts";

export interface Line {
  readonly name: string;
  readonly of: (minute: Minute) => number | null;
  readonly isDashed?: boolean;
}

export interface PlotProps {
  readonly title: string;
  /** The figures in words. */
  readonly says: string;
  readonly foot: string;
  readonly minutes: readonly Minute[];
  readonly lines: readonly Line[];
}

const HEIGHT = 190;
/** Pixels to the right of the lines, for their names. */
const NAMES = 62;
const FONT = '12px "Plex Mono", ui-monospace, monospace';

export function Plot({ title, says, foot, minutes, lines }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = toData(minutes, lines);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const drawn = new uPlot(optionsOf(element, lines), data, element);
    plot.current = drawn;
    const resized = new ResizeObserver(() => {
      drawn.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    resized.observe(element);
    const redraw = (): void => {
      drawn.redraw(false, true);
    };
    // What was drawn before the fonts came was drawn in others.
    void document.fonts.ready.then(redraw);
    const theme = matchMedia("(prefers-color-scheme: dark)");
    theme.addEventListener("change", redraw);
    const chosen = new MutationObserver(redraw);
    chosen.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      resized.disconnect();
      theme.removeEventListener("change", redraw);
      chosen.disconnect();
      drawn.destroy();
    };
  }, []);
  useEffect(() => {
    plot.current?.setData(data);
  }, [minutes]);
  return (
    <section>
      <figure class="plot">
        <figcaption>
          <h2 class="small-title">{title}</h2>
          <span>{says}</span>
        </figcaption>
        <div ref={place} role="img" aria-label={`${title}: ${says}`} />
        <p class="small faint">{foot}</p>
      </figure>
    </section>
  );
}

function toData(minutes: readonly Minute[], lines: readonly Line[]): uPlot.AlignedData {
  return [minutes.map(({ at }) => at), ...lines.map(({ of }) => minutes.map(of))];
}

/** A token of the stylesheet as the canvas takes it: a theme's half of it. */
function colour(element: HTMLElement, token: string): string {
  const before = element.style.color;
  element.style.color = `var(--${token})`;
  const found = getComputedStyle(element).color;
  element.style.color = before;
  return found;
}

function optionsOf(element: HTMLElement, lines: readonly Line[]): uPlot.Options {
  const axis = {
    stroke: () => colour(element, "ink-3"),
    grid: { stroke: () => colour(element, "rule"), width: 1 },
    ticks: { show: false },
    font: FONT,
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [12, NAMES, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC"),
    scales: { y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      { ...axis, values: (_plot, ticks) => ticks.map(clock), grid: { show: false } },
      { ...axis, size: 48 },
    ],
    series: [
      {},
      ...lines.map(({ isDashed = false }) => ({
        stroke: () => colour(element, isDashed ? "ink-3" : "act"),
        width: 1.75,
        spanGaps: true,
        points: { show: false },
        ...(isDashed && { dash: [5, 3] }),
      })),
    ],
    hooks: {
      draw: [
        (drawn) => {
          nameLines(drawn, element, lines);
        },
      ],
    },
  };
}

function clock(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(11, 16);
}

/** Each name at the height where its line ends, below the one before where both end together. */
function nameLines(drawn: uPlot, element: HTMLElement, lines: readonly Line[]): void {
  const { ctx, data, bbox } = drawn;
  const line = 14 * devicePixelRatio;
  const ends = lines.flatMap(({ name }, index) => {
    const values: readonly (number | null | undefined)[] = Array.from(data[index + 1] ?? []);
    const value = values.findLast((one) => one != null);
    return value == null ? [] : [{ name, y: drawn.valToPos(value, "y", true) }];
  });
  ctx.save();
  ctx.font = `${12 * devicePixelRatio}px "Plex Mono", ui-monospace, monospace`;
  ctx.fillStyle = colour(element, "ink");
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  let free = Number.POSITIVE_INFINITY;
  for (const { name, y } of ends.toSorted((a, b) => b.y - a.y)) {
    const at = Math.min(y, free - line);
    ctx.fillText(name, bbox.left + bbox.width + 6 * devicePixelRatio, at);
    free = at;
  }
  ctx.restore();
}
