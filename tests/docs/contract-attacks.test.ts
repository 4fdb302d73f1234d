/** docs/reference/contract-attacks.md names tests: each exists. */

import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url).pathname;
const page = readFileSync(`${ROOT}docs/reference/contract-attacks.md`, "utf8");
const sources = globSync("contracts/test/**/*.sol", { cwd: ROOT })
  .map((file) => readFileSync(`${ROOT}${file}`, "utf8"))
  .join("\n");
const named = [...page.matchAll(/`((?:test|testFuzz|invariant)_\w+)`/g)].map(([, name]) => String(name));

test("the page names tests", () => {
  expect(named.length).toBeGreaterThan(50);
});

test.for([...new Set(named)])("%s is a Forge test", (name) => {
  expect(sources).toContain(`function ${name}(`);
});
