/** What `adyton/coprocessor` offers is a promise: a name that comes or goes is a change of docs/reference/api-baseline.json too. */

import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import * as coprocessor from "../../coprocessor/index.ts";

test("the names of adyton/coprocessor are those of the baseline", async () => {
  const url = new URL("../../docs/reference/api-baseline.json", import.meta.url);
  const baseline = JSON.parse(await readFile(url, "utf8")) as Record<string, readonly string[]>;
  expect(Object.keys(coprocessor).sort()).toEqual(baseline["adyton/coprocessor"]);
});
