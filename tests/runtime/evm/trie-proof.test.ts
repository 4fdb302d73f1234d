/** Merkle-Patricia proofs: what @ethereumjs/mpt proves is accepted, as that, and nothing that was changed. `npm run fuzz:agents` does more. */

import { expect, test } from "vitest";
import { compareTries, mutateProofs } from "../../support/trie-campaign.ts";

test("proofs of random tries say what @ethereumjs/mpt says, of what is there and of what is not", async () => {
  const { checks, differences } = await compareTries(40, 7);
  expect(checks).toBeGreaterThan(400);
  expect(differences).toEqual([]);
});

test("no changed proof is accepted", async () => {
  const { tried, accepted } = await mutateProofs(2_000, 7);
  expect([tried, accepted]).toEqual([2_000, []]);
});
