/** Merkle-Patricia proofs: what @ethereumjs/mpt proves is accepted, as that (`npm run fuzz:agents` compares more; `npm run fuzz -- --kind chain` changes them). */

import { expect, test } from "vitest";
import { compareTries } from "../../support/trie-campaign.ts";

test("proofs of random tries say what @ethereumjs/mpt says, of what is there and of what is not", async () => {
  const { checks, differences } = await compareTries(40, 7);
  expect(checks).toBeGreaterThan(400);
  expect(differences).toEqual([]);
});
