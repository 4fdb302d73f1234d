/** Documents are true: what they link to exists, and the commands that they name are there. */

import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const documents = ["README.md", ...globSync("docs/**/*.md", { cwd: ROOT })].sort();
const scripts = new Set(
  Object.keys((JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object }).scripts),
);

/** Link targets inside the repository: not URLs, not anchors of the same page. */
function localLinks(text: string): readonly string[] {
  // Code is no prose: `new Call[](1)` links nowhere.
  const prose = text.replaceAll(/```[\s\S]*?```|`[^`\n]+`/g, "code");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!.split("#")[0]!)
    .filter((target) => target !== "" && !/^[a-z]+:/.test(target));
}

/** `npm run NAME` as documents write it, flags left out. */
function namedScripts(text: string): readonly string[] {
  return [...text.matchAll(/npm run (?:-s )?([a-z][a-z:-]*)/g)].map(([, name]) => name!);
}

describe.each(documents)("%s", (document) => {
  const text = readFileSync(join(ROOT, document), "utf8");

  test("links only to what exists", () => {
    const missing = localLinks(text).filter((target) => !existsSync(join(ROOT, dirname(document), target)));
    expect(missing).toEqual([]);
  });

  test("names only scripts that package.json has", () => {
    expect(namedScripts(text).filter((name) => !scripts.has(name))).toEqual([]);
  });
});

test("every decision is numbered once", () => {
  const numbers = globSync("docs/adr/*.md", { cwd: ROOT }).map((file) =>
    relative("docs/adr", file).slice(0, 4),
  );
  expect(new Set(numbers).size).toBe(numbers.length);
});
