import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { coprocessorVectors } from "../support/coprocessor-vectors.ts";

const vectors = coprocessorVectors();

test.for(Object.keys(vectors))("%s.json holds what this code computes", (name) => {
  // As text: a byte that changes here must be changed there on purpose, with `npm run vectors:write`.
  expect(readFileSync(new URL(`../vectors/coprocessor/${name}.json`, import.meta.url), "utf8")).toBe(
    `${JSON.stringify(vectors[name], null, 2)}\n`,
  );
});
