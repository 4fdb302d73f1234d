/** Rule: every command of a page is typed by `npm run test:walk`, or stands in its table with a reason. */

import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { commandsOf, promisedStatus } from "../walk/commands.ts";
import { NOT_TYPED } from "../walk/not-typed.ts";
import { PARTS } from "../walk/parts.ts";

const pages = ["README.md", ...globSync("docs/{how-to,tutorials}/*.md").sort()];
const walked: readonly string[] = PARTS.map(({ page }) => page);
const read = (page: string): string => readFileSync(page, "utf8");

test("reads commands: without their comments, joined where a line continues", () => {
  const page =
    "```sh\nadyton verify a.bin   # exit 4\nnpm ci && \\\n  npm run demo\n```\n\n```ts\nnode();\n```\n";
  expect(commandsOf(page)).toEqual(["adyton verify a.bin", "npm ci && npm run demo"]);
  expect(promisedStatus(page, "adyton verify a.bin")).toBe(4);
});

test.for(NOT_TYPED)("$page still has: $command", ({ page, command }) => {
  expect(commandsOf(read(page))).toContain(command);
});

test.for(pages.filter((page) => !walked.includes(page)))(
  "%s is not walked: each of its commands has a reason",
  (page) => {
    const excused = NOT_TYPED.filter((row) => row.page === page).map(({ command }) => command);
    expect(commandsOf(read(page)).filter((command) => !excused.includes(command))).toEqual([]);
  },
);

test("each part walks a page that is there", () => {
  expect(walked.filter((page) => !pages.includes(page))).toEqual([]);
});
