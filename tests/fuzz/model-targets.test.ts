import { describe, expect, test } from "vitest";
import { fuzz } from "./fuzz.ts";
import { JSON_NUMBER_TARGETS } from "./json-number-targets.ts";
import { MODEL_STREAM_TARGETS } from "./model-stream-targets.ts";
import { PAGE_TARGETS } from "./page-targets.ts";
import { SCHEMA_TARGETS } from "./schema-targets.ts";

/** A small budget on every run, another seed than `npm run fuzz`; there it is 100,000 for each kind. */
const RUNS = 1_000;
const SEED = 20_261_129;

describe(`what models, requesters and sites write (seed ${SEED}) gets the right verdict, or a refusal`, () => {
  test.for([...MODEL_STREAM_TARGETS, ...SCHEMA_TARGETS, ...JSON_NUMBER_TARGETS, ...PAGE_TARGETS])(
    "$kind",
    async (target) => {
      const { findings } = await fuzz(target, { seed: SEED, runs: RUNS });
      expect(findings).toEqual([]);
    },
  );

  test.for(MODEL_STREAM_TARGETS)(
    "$kind: some inputs are the same answer still, and some are none",
    async (target) => {
      const { outcomes } = await fuzz(target, { seed: SEED, runs: RUNS });
      const { accepted = 0, ...refused } = outcomes;
      expect(accepted).toBeGreaterThan(RUNS / 20);
      expect(Object.keys(refused)).toEqual(
        expect.arrayContaining(["MODEL_RESPONSE_MALFORMED", "MODEL_RESPONSE_TRUNCATED"]),
      );
    },
  );
});
