import { readdirSync, readFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { expect, test } from "vitest";
import { renderConformance } from "../../tools/write-conformance.ts";

const FOLDER = new URL("../../docs/reference/conformance/", import.meta.url);

test("the pages of conformance are those that rules and tests make, and no others are there", async () => {
  const pages = renderConformance();
  expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(pages).sort());
  for (const [name, text] of Object.entries(pages)) {
    const path = new URL(name, FOLDER);
    const options = { ...(await resolveConfig(path)), parser: "markdown" } as const;
    expect(await format(text, options), `run node tools/write-conformance.ts: ${name}`).toBe(
      readFileSync(path, "utf8"),
    );
  }
});
