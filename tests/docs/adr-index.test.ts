import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { renderAdrIndex } from "../../tools/write-adr-index.ts";

test("the index has every decision by its title: `node tools/write-adr-index.ts` writes it", () => {
  const index = readFileSync(join(import.meta.dirname, "../../docs/adr/README.md"), "utf8");
  expect(index).toBe(renderAdrIndex());
});
