/** Writes docs/adr/README.md from the titles of the decisions: `node tools/write-adr-index.ts`. A test compares. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "..", "docs", "adr");
const INDEX = join(FOLDER, "README.md");

interface Decision {
  readonly number: number;
  readonly title: string;
  readonly file: string;
}

/** @throws {TypeError} naming a file whose first line is not `# NNNN. Title` with its own number */
function readDecisions(): readonly Decision[] {
  return readdirSync(FOLDER)
    .filter((file) => /^\d{4}-/.test(file))
    .sort()
    .map((file) => {
      const number = file.slice(0, 4);
      const [, written, title] = /^# (\d{4})\. (\S.*)\n/.exec(readFileSync(join(FOLDER, file), "utf8")) ?? [];
      if (written !== number || title === undefined)
        throw new TypeError(`docs/adr/${file}: its first line has to be "# ${number}. Title"`);
      return { number: Number(number), title, file };
    });
}

/** A number that is missing is looked for in vain, and one that is there twice is taken for the other. */
function checkNumbers(decisions: readonly Decision[]): void {
  for (const [index, { number, file }] of decisions.entries()) {
    if (number === index + 1) continue;
    throw new TypeError(
      `docs/adr/${file}: decisions are numbered without holes, and ${index + 1} comes here`,
    );
  }
}

export function renderAdrIndex(): string {
  const decisions = readDecisions();
  checkNumbers(decisions);
  const rows = decisions.map(
    ({ number, title, file }) => `- ${String(number).padStart(4, "0")} [${title}](${file})`,
  );
  return [
    "# Decisions",
    "",
    "What a successor would question, and why it is so: half a page each, named `NNNN-title.md`, its first line `# NNNN. Title`.",
    "A decision that no longer holds is changed or taken out with the code. This list is written by",
    "`node tools/write-adr-index.ts`.",
    "",
    ...rows,
    "",
  ].join("\n");
}

if (import.meta.main) writeFileSync(INDEX, renderAdrIndex());
