/** What a command printed, line by line as it came, as an SVG that plays by itself where the reader's system lets things move. */

import { escapeXml } from "./escape-xml.ts";

export interface RecordedLine {
  /** Milliseconds since the command began. */
  readonly at: number;
  readonly text: string;
}

/** Seconds of the recording that a second of the command takes, and the longest pause that is kept. */
const PACE = 0.5;
const LONGEST_PAUSE_MS = 1_500;
const LINE = 18;
const COLUMNS = 100;
const MARGIN = 16;

const STYLE = `text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#e8e6df;white-space:pre}
.typed{fill:#fff;font-weight:600}rect{fill:#1d1d1b}
@media(prefers-reduced-motion:no-preference){.line{opacity:0;animation:show 1ms forwards}@keyframes show{to{opacity:1}}}`;

export function terminalRecording(command: string, lines: readonly RecordedLine[]): string {
  const shown = lines.flatMap(({ at, text }) => fold(text).map((part) => ({ at, text: part })));
  const height = LINE * (shown.length + 1) + 2 * MARGIN;
  const width = Math.round(COLUMNS * 7.9) + 2 * MARGIN;
  let clock = 600;
  let before = 0;
  const rows = shown.map(({ at, text }, index) => {
    clock += PACE * Math.min(at - before, LONGEST_PAUSE_MS);
    before = at;
    const y = MARGIN + LINE * (index + 2) - 5;
    return `<text class="line" style="animation-delay:${Math.round(clock)}ms" x="${MARGIN}" y="${y}">${escapeXml(text)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(`Recording of ${command}`)}">`,
    `<style>${STYLE}</style>`,
    `<rect width="${width}" height="${height}" rx="6"/>`,
    `<text class="typed" x="${MARGIN}" y="${MARGIN + LINE - 5}">${escapeXml(`$ ${command}`)}</text>`,
    ...rows,
    "</svg>",
    "",
  ].join("\n");
}

/** Between words, and further lines as far in as the first. */
function fold(text: string): readonly string[] {
  const inset = (/^ */.exec(text)?.[0] ?? "").slice(0, COLUMNS / 2);
  const parts: string[] = [];
  let rest = Array.from(text.trimEnd());
  while (rest.length > COLUMNS) {
    const space = rest.lastIndexOf(" ", COLUMNS);
    const end = space > inset.length ? space : COLUMNS;
    parts.push(rest.slice(0, end).join(""));
    rest = Array.from(inset + rest.slice(end).join("").trimStart());
  }
  return [...parts, rest.join("")];
}
