/** Gas, results and where depth ends are the same to the unit, whatever machine counts them. */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { GasVectors } from "../../support/count-gas.ts";

const TESTS = join(import.meta.dirname, "../..");
const vectors = JSON.parse(readFileSync(join(TESTS, "vectors/agent/gas.json"), "utf8")) as GasVectors;

test("deep programs end by depth, endless ones by gas, and the others at all", () => {
  const outcomes = Object.values(vectors.programs).map(({ outcome }) => outcome);
  expect(new Set(outcomes)).toEqual(new Set(["returned", "threw", "tooDeep", "outOfGas"]));
});

test.for([
  [
    "another time zone and language",
    { TZ: "Asia/Kathmandu", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" },
    [],
    [],
  ],
  ["a smaller stack", { TZ: "America/St_Johns" }, ["--stack-size=700"], []],
  ["the baseline compiler alone", { LANG: "C" }, ["--liftoff-only"], []],
  ["every processor busy", {}, [], ["--busy", String(2 * availableParallelism())]],
] as const)(
  "a process with %s counts the vectors",
  { timeout: 240_000 },
  async ([, environment, flags, args]) => {
    const program = join(TESTS, "support/gas-vectors.ts");
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, program, ...args], {
      env: { ...environment },
    });
    expect(JSON.parse(stdout)).toEqual(vectors);
  },
);
