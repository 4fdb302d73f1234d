import { describe, expect, test } from "vitest";
import { DOCUMENT_TARGETS } from "./document-targets.ts";
import { fuzz } from "./fuzz.ts";

/** A small budget on every run, another seed than `npm run fuzz`; there it is 100,000 for each kind. */
const RUNS = 200;
const SEED = 20_260_102;

describe(`mutated documents (seed ${SEED}) give errors of the taxonomy, or what they meant`, () => {
  test.for(DOCUMENT_TARGETS)("$kind", async (target) => {
    const { findings } = await fuzz(target, { seed: SEED, runs: RUNS });
    expect(findings).toEqual([]);
  });
});
