/** The advice of docs/how-to/answer-an-alert.md, carried inside of the page: whoever needs it may be offline. */

import document from "../../docs/how-to/answer-an-alert.md?raw";

export interface Part {
  readonly text: string;
  readonly isCode: boolean;
}

/** @returns the alert's paragraphs */
export function adviceOn(alert: string): readonly (readonly Part[])[] {
  const section = document.split(/^## /m).find((text) => text.startsWith(`${alert}\n`)) ?? "";
  return section
    .slice(alert.length)
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replaceAll(/\s+/g, " ").trim())
    .filter((paragraph) => paragraph !== "")
    .map(toParts);
}

/** Code in backticks; of links their words. */
function toParts(paragraph: string): readonly Part[] {
  return paragraph
    .replaceAll(/\[([^\]]+)\]\([^)]+\)/g, "$1")
    .split("`")
    .map((text, index) => ({ text, isCode: index % 2 === 1 }))
    .filter(({ text }) => text !== "");
}
