import { describe, expect, test } from "vitest";
import { fuzz } from "./fuzz.ts";
import { RECEIPT_TARGETS } from "./receipt-targets.ts";

/** A small budget on every run, another seed than `npm run fuzz`; there it is 100,000 for each kind. */
const RUNS = 300;
const SEED = 20_260_103;

describe(`mutated receipts (seed ${SEED}) give errors of the taxonomy, or what they meant`, () => {
  test.for(RECEIPT_TARGETS)("$kind", async (target) => {
    const { findings } = await fuzz(target, { seed: SEED, runs: RUNS });
    expect(findings).toEqual([]);
  });
});
