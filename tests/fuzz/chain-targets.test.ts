import { describe, expect, test } from "vitest";
import { fromUtf8 } from "../../protocol/bytes.ts";
import { CHAIN_TARGETS } from "./chain-targets.ts";
import { fuzz } from "./fuzz.ts";

/** A small budget on every run, another seed than `npm run fuzz`; there it is 100,000 for each kind. */
const RUNS = 1_000;
const SEED = 20_261_130;

describe(`what a server of a chain shows (seed ${SEED})`, () => {
  test.for(CHAIN_TARGETS)("no change of $kind is accepted", async (target) => {
    const { findings, outcomes } = await fuzz(target, { seed: SEED, runs: RUNS });
    expect(findings).toEqual([]);
    expect(outcomes["accepted"]).toBeUndefined();
  });

  test.for(CHAIN_TARGETS)("of $kind, what is there and what is not are both proven", async (target) => {
    const told = await Promise.all((await target.seeds()).map(async (seed) => await target.run(seed)));
    const proven = told.map((meaning) => JSON.stringify((meaning as { readonly proven: unknown }).proven));
    // A value and none; a word and a zero; a log and no log.
    expect(proven.filter(isOfSomething).length).toBeGreaterThan(0);
    expect(proven.filter((text) => !isOfSomething(text)).length).toBeGreaterThan(0);
  });

  test("a block that has a log says so, and its bloom is part of what is proven", async () => {
    const target = CHAIN_TARGETS.at(-1)!;
    const [seed] = await target.seeds();
    expect(fromUtf8(seed!)).toContain('"logsBloom"');
    expect(await target.run(seed!)).toMatchObject({ proven: { mayHave: true } });
  });
});

function isOfSomething(text: string): boolean {
  if (text.startsWith('"0x')) return true;
  return /"logs":\[\{|"storage":\["0x0*[1-9a-f]/.test(text);
}
