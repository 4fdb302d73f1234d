import { describe, expect, test } from "vitest";
import { fuzz } from "./fuzz.ts";
import { INTEL_TARGETS } from "./intel-targets.ts";

/** A small budget on every run, another seed than `npm run fuzz`; there it is 100,000 for each kind. */
const RUNS = 200;
const SEED = 20_260_102;

describe(`mutated evidence (seed ${SEED}) gives errors of the taxonomy, or what it meant`, () => {
  test.for(INTEL_TARGETS)("$kind", async (target) => {
    const { findings } = await fuzz(target, { seed: SEED, runs: RUNS });
    expect(findings).toEqual([]);
  });
});
