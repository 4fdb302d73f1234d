import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { functionsScriptFiles } from "../../../tools/write-functions-script.ts";

const files = Object.entries(await functionsScriptFiles());

test.for(files)("%s holds the script as it is now", ([path, text]) => {
  // As text: `npm run functions:write` makes a changed script travel.
  expect(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")).toBe(text);
});
