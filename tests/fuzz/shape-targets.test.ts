import { describe, expect, test } from "vitest";
import { fuzz } from "./fuzz.ts";
import { SHAPE_TARGETS } from "./shape-targets.ts";

/** A small budget on every run, another seed than `npm run fuzz`; there it is 100,000 for each kind. */
const RUNS = 200;
const SEED = 20_261_201;

describe(`documents of odd shapes (seed ${SEED}) give errors of the taxonomy, or a verdict`, () => {
  test.for(SHAPE_TARGETS)("$kind", async (target) => {
    const { findings } = await fuzz(target, { seed: SEED, runs: RUNS });
    expect(findings).toEqual([]);
  });
});
