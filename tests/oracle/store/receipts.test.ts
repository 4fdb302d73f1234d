import { beforeAll, expect, test } from "vitest";
import { findReceipt, insertReceipts, toStoredReceipt } from "../../../oracle/store/receipts.ts";
import type { Store } from "../../../oracle/store/store.ts";
import { fromUtf8, type Hex } from "../../../protocol/bytes.ts";
import { encodeReceipt, isOnChain, type OnChainReceipt, parseReceipt } from "../../../protocol/receipt.ts";
import { createSampleReceipt } from "../../support/sample-receipt.ts";
import { describeStores, useStore } from "../support/stores.ts";

const CHAIN = 7;
const word = (name: number): Hex => `0x${name.toString(16).padStart(64, "0")}`;

describeStores("stored receipts", (create) => {
  let store: Store;
  let receipt: OnChainReceipt;

  useStore(create, (opened) => {
    store = opened;
  });

  beforeAll(async () => {
    const sample = parseReceipt(await createSampleReceipt({ where: "on chain" }));
    if (!isOnChain(sample)) throw new TypeError("the sample is of an on-chain answer");
    receipt = sample;
  });

  const insert = (requestId: Hex, keysetId: Hex, stored: OnChainReceipt): Promise<void> =>
    store.db
      .transaction()
      .execute((trx) =>
        insertReceipts(trx, [{ chainId: CHAIN, requestId, keysetId, receipt: toStoredReceipt(stored) }]),
      );

  test("come back as the file's exact bytes, and what they have in common is kept once", async () => {
    await insert(word(1), word(5), receipt);
    await insert(word(2), word(5), { ...receipt, output: "0x1234" });
    expect(await findReceipt(store, word(1))).toBe(fromUtf8(encodeReceipt(receipt)));
    expect(await findReceipt(store, word(2))).toBe(fromUtf8(encodeReceipt({ ...receipt, output: "0x1234" })));
    expect(await store.db.selectFrom("attestations").select("hash").execute()).toHaveLength(1);
    expect(await findReceipt(store, word(3))).toBeUndefined();
  });

  test("keep the endorsements of their own time", async () => {
    const later = { ...receipt, endorsements: {} };
    await insert(word(4), word(5), later);
    expect(await findReceipt(store, word(4))).toBe(fromUtf8(encodeReceipt(later)));
    expect(await findReceipt(store, word(1))).toBe(fromUtf8(encodeReceipt(receipt)));
  });

  test("of several answers, the one that settled the request is told", async () => {
    await insert(word(6), word(5), receipt);
    await insert(word(6), word(8), { ...receipt, output: "0xab" });
    await store.db
      .insertInto("settlements")
      .values({
        ...{ chain_id: CHAIN, request_id: word(6), kind: "fulfilled", status: 1, keyset_id: word(8) },
        ...{ callback_succeeded: true, block_number: 1, block_hash: word(1), tx_hash: word(2), log_index: 0 },
      })
      .execute();
    expect(await findReceipt(store, word(6))).toBe(fromUtf8(encodeReceipt({ ...receipt, output: "0xab" })));
  });

  test("stored whole by an earlier version are given as they are", async () => {
    const text = fromUtf8(encodeReceipt(receipt));
    const row = {
      chain_id: CHAIN,
      request_id: word(9),
      keyset_id: word(5),
      receipt: text,
      attestation_hash: null,
    };
    await store.db.insertInto("receipts").values(row).execute();
    expect(await findReceipt(store, word(9))).toBe(text);
  });
});
