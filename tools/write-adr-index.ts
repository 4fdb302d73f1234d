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

/** `9, 26–29`: numbers that parallel work had set aside and did not need. */
function describeUnused(decisions: readonly Decision[]): string {
  const used = new Set(decisions.map(({ number }) => number));
  const last = Math.max(...used);
  const runs: string[] = [];
  for (let number = 1; number <= last; number += 1) {
    if (used.has(number)) continue;
    let end = number;
    while (end < last && !used.has(end + 1)) end += 1;
    runs.push(end === number ? String(number) : `${number}–${end}`);
    number = end;
  }
  return runs.join(", ");
}

export function renderAdrIndex(): string {
  const decisions = readDecisions();
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
    `Numbers are set aside for work that goes on in parallel; never used so far: ${describeUnused(decisions)}.`,
    "",
  ].join("\n");
}

if (import.meta.main) writeFileSync(INDEX, renderAdrIndex());
