import { describe, expect, test } from "vitest";
import { fuzz } from "./fuzz.ts";
import { VENDOR_TARGETS } from "./vendor-targets.ts";

/** A small budget on every run, another seed than `npm run fuzz`; there it is 100,000 for each kind. */
const RUNS = 300;
const SEED = 20_260_101;

describe(`mutated evidence (seed ${SEED}) gives errors of the taxonomy, or what it meant`, () => {
  test.for(VENDOR_TARGETS)("$kind", async (target) => {
    const { findings, outcomes } = await fuzz(target, { seed: SEED, runs: RUNS });
    expect(findings).toEqual([]);
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(RUNS);
  });
});

test("the same seed gives the same outcomes", async () => {
  const [first] = VENDOR_TARGETS.slice(-1);
  const figures = await Promise.all([1, 2].map(() => fuzz(first!, { seed: 7, runs: 200 })));
  expect(figures[0]!.outcomes).toEqual(figures[1]!.outcomes);
});

test("an acceptance with another meaning is a finding, and so is a bug", async () => {
  const seeds = () => Promise.resolve([Uint8Array.of(1, 2, 3, 4)]);
  const echo = await fuzz(
    { kind: "echo", seeds, run: (input) => Promise.resolve([...input]) },
    { seed: 1, runs: 20 },
  );
  expect(echo.findings.length).toBeGreaterThan(0);
  const run = (input: Uint8Array) =>
    input.length === 4 && input[0] === 1 ? Promise.resolve(0) : Promise.reject(new TypeError("bug"));
  const buggy = await fuzz({ kind: "buggy", seeds, run }, { seed: 1, runs: 50 });
  expect(buggy.outcomes["not ours"]).toBeGreaterThan(0);
});
