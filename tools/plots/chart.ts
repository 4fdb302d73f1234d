/** What every chart has: an SVG that reads on light and dark pages alike, with nothing in it that a browser would have to fetch. */

import { escapeXml } from "./escape-xml.ts";

export const CHART_WIDTH = 760;

/** Ink and paper as on the page (web/style.css). */
const STYLE = `text{font:13px system-ui,sans-serif;fill:#1d1d1b}.title{font-size:15px;font-weight:600}.source,.tick{font-size:11px;fill:#5d5d58}
.tick,.n{font-variant-numeric:tabular-nums}.bar{fill:#1d1d1b}.peer{fill:none;stroke:#5d5d58;stroke-width:1.5}
.grid{stroke:#d8d6cf;stroke-width:1}.line,.ring{fill:none;stroke:#1d1d1b;stroke-width:2}
@media(prefers-color-scheme:dark){text{fill:#e8e6df}.source,.tick{fill:#a3a199}.bar{fill:#e8e6df}.peer{stroke:#a3a199}.grid{stroke:#45443f}.line,.ring{stroke:#e8e6df}}`;

export interface Frame {
  readonly heading: string;
  /** What it shows in words, for who cannot see it. */
  readonly said: string;
  /** Where the figures come from: command, date, commit. */
  readonly source: string;
  readonly height: number;
  /** SVG elements, one a line. */
  readonly drawn: readonly string[];
}

export function chart({ heading, said, source, height, drawn }: Frame): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${CHART_WIDTH} ${height}" role="img" aria-label="${escapeXml(said)}">`,
    `<style>${STYLE}</style>`,
    `<text class="title" x="0" y="18">${escapeXml(heading)}</text>`,
    ...drawn,
    `<text class="source" x="0" y="${height - 8}">${escapeXml(source)}</text>`,
    "</svg>",
    "",
  ].join("\n");
}
