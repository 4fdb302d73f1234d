/** Merkle-Patricia proofs: what @ethereumjs/mpt proves is accepted, as that (`npm run fuzz:agents` compares more; `npm run fuzz -- --kind chain` changes them). */

import { expect, test } from "vitest";
import { mutateProofs } from "../../support/proof-campaign.ts";
import { compareTries } from "../../support/trie-campaign.ts";

test("proofs of random tries say what @ethereumjs/mpt says, of what is there and of what is not", async () => {
  const { checks, differences } = await compareTries(40, 7);
  expect(checks).toBeGreaterThan(400);
  expect(differences).toEqual([]);
});

test("no changed proof of an account, a word or receipts is taken, of what is there and of what is not", async () => {
  const { changes, findings } = await mutateProofs(150, 7);
  expect([Object.keys(changes).length, findings]).toEqual([5, []]);
});
