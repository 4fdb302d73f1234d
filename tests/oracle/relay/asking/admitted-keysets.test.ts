import { beforeEach, expect, test } from "vitest";
import { AdmittedKeysets } from "../../../../oracle/relay/asking/admitted-keysets.ts";
import type { Store } from "../../../../oracle/store/store.ts";
import type { Hex } from "../../../../protocol/bytes.ts";
import { REQUESTED_AT, word } from "../../support/requests.ts";
import { createPgliteStore, useStore } from "../../support/stores.ts";

const POLICY = word(2);
const MAX_AGE_MS = 2_000;

let store: Store;
let chainId = 0;
let now: number;
let admitted: AdmittedKeysets;

useStore(createPgliteStore, (opened) => {
  store = opened;
});

beforeEach(() => {
  chainId += 1;
  now = REQUESTED_AT * 1_000;
  admitted = new AdmittedKeysets(store, () => now);
});

/** As the journal writes a block with one admission in it. */
async function block(
  number: number,
  keysetId: Hex,
  event: "admitted" | "deleted" = "admitted",
): Promise<void> {
  await store.db
    .insertInto("blocks")
    .values({ chain_id: chainId, number, hash: word(number) })
    .execute();
  await store.db
    .insertInto("admissions")
    .values({
      chain_id: chainId,
      keyset_id: event === "admitted" ? keysetId : word(0),
      event,
      seat: keysetId,
      policy_id: POLICY,
      expires_at: REQUESTED_AT + 3_600,
      platform: word(0xf1),
      block_number: number,
      block_hash: word(number),
      tx_hash: word(number),
      log_index: 0,
    })
    .execute();
}

const at = async (number: number): Promise<Hex[]> =>
  (await admitted.at(chainId, POLICY, number)).map(({ keysetId }) => keysetId);

test("one whose seat another keyset of its machine took is out, until it is admitted again", async () => {
  await block(1, word(0xe1));
  await block(2, word(0xe2));
  await block(3, word(0xe1), "deleted");
  expect(await at(3)).toEqual([word(0xe2)]);
  await block(4, word(0xe1));
  expect(await admitted.at(chainId, POLICY, 4)).toMatchObject([
    { keysetId: word(0xe1), since: 4 },
    { keysetId: word(0xe2), since: 2 },
  ]);
});

test("holds every admission up to the block that is asked for, at once", async () => {
  await block(1, word(0xe1));
  expect(await at(1)).toEqual([word(0xe1)]);
  await block(2, word(0xe2));
  // An older block's answer is still in memory; a younger one is read.
  expect(await at(1)).toEqual([word(0xe1)]);
  expect(await at(2)).toEqual([word(0xe1), word(0xe2)]);
});

test("notices within two seconds what came later, or what a reorg took away", async () => {
  await block(1, word(0xe1));
  expect(await at(1)).toHaveLength(1);
  await store.db.deleteFrom("admissions").where("chain_id", "=", chainId).execute();
  now += MAX_AGE_MS - 1;
  expect(await at(1)).toHaveLength(1);
  now += 1;
  expect(await at(1)).toEqual([]);
});

test("is read once for all who ask at the same time", async () => {
  await block(1, word(0xe1));
  const all = await Promise.all(Array.from({ length: 50 }, () => admitted.at(chainId, POLICY, 1)));
  expect(new Set(all).size).toBe(1);
});

test("knows nobody of a chain that was not read, and of a policy that nobody was admitted under", async () => {
  expect(await at(0)).toEqual([]);
  await block(1, word(0xe1));
  expect(await admitted.at(chainId, word(3), 1)).toEqual([]);
});
