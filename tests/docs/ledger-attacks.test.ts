/** docs/reference/ledger-attacks.md names tests: each exists. */

import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url).pathname;
const page = readFileSync(`${ROOT}docs/reference/ledger-attacks.md`, "utf8");
const files = [
  ...globSync("tests/{epochs,coprocessor,enclave}/**/*.ts", { cwd: ROOT }),
  ...globSync("contracts/test/ledger/*.sol", { cwd: ROOT }),
];
const named = [...page.matchAll(/`([\w-]+(?:\.test)?\.ts|\w+\.t\.sol) › (.+?)`(?=[`,| ]+(?:`|\|))/g)].map(
  ([, file, name]) => [String(file), String(name)] as const,
);

test("the page names tests", () => {
  expect(named.length).toBeGreaterThan(60);
  // None is overlooked by its form.
  expect(page.split(" › ").length - 1).toBe(named.length);
});

test.for(named)("%s has a test of %s", ([file, name]) => {
  const found = files.filter((path) => basename(path) === file);
  const declared = file.endsWith(".sol") ? `function ${name}(` : `"${name}"`;
  const holds = found.some((path) => readFileSync(`${ROOT}${path}`, "utf8").includes(declared));
  expect(holds, declared).toBe(true);
});
