import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { protocolVectors } from "../support/protocol-vectors.ts";

const folder = new URL("../vectors/protocol/", import.meta.url);
const vectors = protocolVectors();

/** Written by tools/write-simulator-collateral.ts and tools/write-tdx-evidence.ts, and checked beside what they serve. */
const WRITTEN_ELSEWHERE = ["simulator-quote.json", "tdx-evidence.json"];

test("every file has its vectors and every vector its file", () => {
  expect(readdirSync(folder).sort()).toEqual(
    [...Object.keys(vectors).map((name) => `${name}.json`), ...WRITTEN_ELSEWHERE].sort(),
  );
});

test.for(Object.keys(vectors))("%s.json holds what this code computes", (name) => {
  // As text: a byte that changes here must be changed there on purpose, with `npm run vectors:write`.
  expect(readFileSync(new URL(`${name}.json`, folder), "utf8")).toBe(
    `${JSON.stringify(vectors[name], null, 2)}\n`,
  );
});
