import { sql } from "kysely";
import { beforeEach, expect, test } from "vitest";
import type { Hex } from "../../../../protocol/bytes.ts";
import type { Store, StoreTransaction } from "../../../../oracle/store/store.ts";
import {
  isWorthless,
  pendingTransactions,
  signedBytes,
  transactionCall,
} from "../../../../oracle/store/transactions/in-flight.ts";
import { insertAttempt, insertTransactions, markSent } from "../../../../oracle/store/transactions/insert.ts";
import { unknownNonces } from "../../../../oracle/store/transactions/nonces.ts";
import {
  finalizeTransactions,
  markSettlingTransactions,
  type RecordedOutcomes,
  recordOutcomes,
  type TransactionOutcome,
} from "../../../../oracle/store/transactions/outcomes.ts";
import { reopenTransactions } from "../../../../oracle/store/transactions/reorg.ts";
import type { NewTransaction } from "../../../../oracle/store/transactions/transaction.ts";
import { describeStores, useStore } from "../../support/stores.ts";

const CHAIN = 7;
/** Seconds. */
const DEADLINE = 9;
const NOW = 1_790_000_000_000;
const word = (name: number): Hex => `0x${name.toString(16).padStart(64, "0")}`;
/** PostgreSQL takes 65,535 parameters in a statement. */
const MANY = 66_000;
const SIGNER: Hex = `0x${"51".repeat(20)}`;

function transaction(nonce: number, requestIds: readonly Hex[]): NewTransaction {
  return {
    chainId: CHAIN,
    signer: SIGNER,
    nonce,
    kind: "fulfill",
    to: SIGNER,
    data: "0xda7a",
    gasLimit: 300_000,
    feeCap: 50n,
    requestIds,
    hash: word(1_000 + nonce),
    raw: `0x02${nonce.toString(16).padStart(4, "0")}`,
    maxFee: 30n,
    priorityFee: 1n,
  };
}

describeStores("the store's transactions", (create) => {
  let store: Store;

  useStore(create, (opened) => {
    store = opened;
  });

  beforeEach(async () => {
    for (const table of [
      "blocks",
      "settlements",
      "transaction_items",
      "attempts",
      "transactions",
      "requests",
    ] as const)
      await store.db.deleteFrom(table).execute();
    await insertRequests([1, 2, 3].map(word));
  });

  const commit = <T>(work: (trx: StoreTransaction) => Promise<T>): Promise<T> =>
    store.db.transaction().execute(work);

  const insertRequests = async (ids: readonly Hex[]): Promise<void> => {
    await store.db
      .insertInto("requests")
      .values(
        ids.map((id) => ({
          ...{ chain_id: CHAIN, request_id: id, block_number: 1, block_hash: word(9), block_time: 1 },
          ...{ tx_hash: word(9), log_index: 0, consumer: SIGNER, request: "{}", payload: "0x" },
          ...{ payload_uri: "", deadline: DEADLINE, fee: "0", released: true, phase: "asked" as const },
          ...{ last_error: null, seen_at: NOW },
        })),
      )
      .execute();
  };

  const settle = async (requestId: Hex, txHash: Hex, block: number): Promise<void> => {
    await store.db
      .insertInto("settlements")
      .values({
        ...{ chain_id: CHAIN, request_id: requestId, kind: "fulfilled", status: 1, keyset_id: word(5) },
        ...{ callback_succeeded: true, block_number: block, block_hash: word(block), tx_hash: txHash },
        log_index: 0,
      })
      .execute();
  };

  const readBlock = async (number: number): Promise<void> => {
    await store.db
      .insertInto("blocks")
      .values({ chain_id: CHAIN, number, hash: word(number) })
      .execute();
  };

  const phases = async (): Promise<Record<string, string>> => {
    const rows = await store.db.selectFrom("requests").select(["request_id", "phase"]).execute();
    return Object.fromEntries(rows.map(({ request_id, phase }) => [String(Number(request_id)), phase]));
  };

  async function markSettling(): Promise<number[]> {
    const pending = await pendingTransactions(store, CHAIN);
    return commit((trx) => markSettlingTransactions(trx, CHAIN, pending));
  }

  test("what was committed is in flight, with its bytes and its call at hand", async () => {
    const sent = await commit((trx) =>
      insertTransactions(trx, [transaction(4, [word(1)]), transaction(5, [word(2)])], NOW),
    );
    const pending = await pendingTransactions(store, CHAIN);
    expect(sent).toEqual(pending);
    expect(pending.map(({ nonce }) => nonce)).toEqual([4, 5]);
    expect(await signedBytes(store, [word(1_005), word(1_004)])).toEqual(["0x020005", "0x020004"]);
    expect(await signedBytes(store, [])).toEqual([]);
    expect(await transactionCall(store, pending[0]?.id ?? 0)).toEqual({
      to: SIGNER,
      data: "0xda7a",
      gasLimit: 300_000,
    });
    expect(await phases()).toEqual({ 1: "sent", 2: "sent", 3: "asked" });
  });

  test("a settlement tells which transaction was mined, also under a replacement's hash", async () => {
    const [first, second] = await commit((trx) =>
      insertTransactions(trx, [transaction(4, [word(1)]), transaction(5, [word(2)])], NOW),
    );
    const replacement = { hash: word(2_005), raw: "0x03", maxFee: 40n, priorityFee: 2n } as const;
    await commit((trx) => insertAttempt(trx, second?.id ?? 0, replacement, NOW + 1));
    await settle(word(2), replacement.hash, 8);
    // Settled by somebody else's transaction: no word on ours.
    await settle(word(1), word(77), 8);
    expect(await markSettling()).toEqual([second?.id]);
    expect((await pendingTransactions(store, CHAIN)).map(({ id }) => id)).toEqual([first?.id]);
    await commit((trx) => finalizeTransactions(trx, CHAIN, 8));
    expect(await markSettling()).toEqual([]);
  });

  test("one that settled several requests is marked once", async () => {
    const [sent] = await commit((trx) =>
      insertTransactions(trx, [transaction(4, [word(1), word(2), word(3)])], NOW),
    );
    await settle(word(1), word(1_004), 8);
    await settle(word(2), word(1_004), 8);
    expect(await markSettling()).toEqual([sent?.id]);
    await commit((trx) => finalizeTransactions(trx, CHAIN, 8));
    // The third was left out by the contract: free to be settled again.
    expect((await phases())[3]).toBe("asked");
  });

  test.each<
    [string, boolean, { kind?: NewTransaction["kind"]; ids?: number[]; settled?: number[]; time?: number }]
  >([
    ["before its request's deadline", false, {}],
    ["at the deadline", false, { time: DEADLINE }],
    ["past the deadline", true, { time: DEADLINE + 1 }],
    ["while one request of several is open", false, { kind: "fulfillBatch", ids: [1, 2], settled: [1] }],
    ["when the last of several is settled", true, { kind: "fulfillBatch", ids: [1, 2], settled: [1, 2] }],
    ["while its request is one that a reorg dropped", false, { ids: [4], time: DEADLINE + 1 }],
    ["as a refund past the deadline", false, { kind: "refund", time: DEADLINE + 1 }],
    ["as a refund of what is settled", true, { kind: "refund", settled: [1], time: DEADLINE + 1 }],
    ["without requests", false, { kind: "admit", ids: [], time: DEADLINE + 1 }],
  ])("tells whether one is worthless: %s: %s", async (_, expected, given) => {
    const { kind = "fulfill", ids = [1], settled = [], time = DEADLINE - 1 } = given;
    const [sent] = await commit((trx) =>
      insertTransactions(trx, [{ ...transaction(4, ids.map(word)), kind }], NOW),
    );
    // By somebody else.
    for (const id of settled) await settle(word(id), word(77), 8);
    expect(await isWorthless(store, sent!, time)).toBe(expected);
  });

  test("a reorg puts it in flight again", async () => {
    const [sent] = await commit((trx) => insertTransactions(trx, [transaction(4, [word(1)])], NOW));
    await settle(word(1), word(1_004), 8);
    await markSettling();
    await store.db.deleteFrom("settlements").execute();
    await commit((trx) => reopenTransactions(trx, CHAIN, 7));
    expect((await pendingTransactions(store, CHAIN)).map(({ id }) => id)).toEqual([sent?.id]);
  });

  test("of two that were to settle the same request, a reorg leaves it to the newer", async () => {
    const [batch] = await commit((trx) => insertTransactions(trx, [transaction(4, [word(1), word(2)])], NOW));
    await settle(word(1), word(1_004), 8);
    await markSettling();
    await commit((trx) => finalizeTransactions(trx, CHAIN, 8));
    const [single] = await commit((trx) => insertTransactions(trx, [transaction(5, [word(2)])], NOW));
    await settle(word(2), word(1_005), 9);
    await markSettling();
    await commit((trx) => finalizeTransactions(trx, CHAIN, 9));
    await store.db.deleteFrom("settlements").execute();
    await commit((trx) => reopenTransactions(trx, CHAIN, 7));
    const items = await store.db
      .selectFrom("transaction_items")
      .select(["transaction_id", "request_id"])
      .where("live", "=", true)
      .orderBy("request_id")
      .execute();
    expect(items).toEqual([
      { transaction_id: batch?.id, request_id: word(1) },
      { transaction_id: single?.id, request_id: word(2) },
    ]);
    expect(await phases()).toEqual({ 1: "sent", 2: "sent", 3: "asked" });
  });

  test("a reorg puts more of them in flight again than a statement has parameters", async () => {
    await sql`
      with sent as (
        insert into transactions (chain_id, signer, nonce, kind, to_address, data, gas_limit, state, block_number, created_at, sent_at)
        select ${CHAIN}::bigint, ${SIGNER}, n, 'fulfill', '0x', '0x', 0, 'final', 8, 0, ${NOW}::bigint
        from generate_series(1, ${MANY}::int) n
        returning id, nonce),
      offered as (
        insert into attempts (hash, transaction_id, raw, max_fee, priority_fee, created_at)
        select 'hash' || nonce, id, '0x02', '0', '0', 0 from sent)
      insert into transaction_items (transaction_id, chain_id, request_id, live)
      select id, ${CHAIN}::bigint, 'id' || nonce, false from sent`.execute(store.db);
    await commit((trx) => reopenTransactions(trx, CHAIN, 7));
    const pending = await pendingTransactions(store, CHAIN);
    expect(pending).toHaveLength(MANY);
    const hashes = pending.flatMap(({ attempts }) => attempts.map(({ hash }) => hash));
    expect(await signedBytes(store, hashes)).toHaveLength(MANY);
    await commit((trx) =>
      markSent(
        trx,
        pending.map(({ id }) => id),
        NOW,
      ),
    );
    expect((await pendingTransactions(store, CHAIN)).every(({ sentAt }) => sentAt === NOW)).toBe(true);
  });

  test("an outcome counts in a block that the journal has read as it is", async () => {
    const sent = await commit((trx) =>
      insertTransactions(
        trx,
        [4, 5, 6, 7].map((nonce) => transaction(nonce, nonce === 7 ? [word(1)] : [])),
        NOW,
      ),
    );
    const at = (number: number, hash = word(number)): Pick<TransactionOutcome, "block"> => ({
      block: { number, hash },
    });
    const [notKept, read, orphaned, unread] = [at(6), at(8), at(8, word(80)), at(9)].map(
      (block, index): TransactionOutcome => ({ id: sent[index]?.id ?? 0, state: "failed", ...block }),
    );
    const all = [notKept, read, orphaned, unread] as TransactionOutcome[];
    const record = (): Promise<RecordedOutcomes> => commit((trx) => recordOutcomes(trx, CHAIN, all));
    expect(await record()).toEqual({ recorded: [], awaited: 6 });
    await readBlock(8);
    expect(await record()).toEqual({ recorded: [notKept, read], awaited: 9 });
    expect((await pendingTransactions(store, CHAIN)).map(({ nonce }) => nonce)).toEqual([6, 7]);
    expect(await phases()).toMatchObject({ 1: "sent" });
    await readBlock(9);
    expect(await record()).toMatchObject({ awaited: undefined });
    expect(await phases()).toMatchObject({ 1: "asked" });
  });

  test("one that was lost was mined in no block", async () => {
    const [sent] = await commit((trx) => insertTransactions(trx, [transaction(4, [word(1)])], NOW));
    await commit((trx) => recordOutcomes(trx, CHAIN, [{ id: sent?.id ?? 0, state: "lost" }]));
    expect(await phases()).toMatchObject({ 1: "asked" });
  });

  test("what it has sent nothing under is unknown, and so is what was lost", async () => {
    const [, lost] = await commit((trx) =>
      insertTransactions(
        trx,
        [4, 6, 9].map((nonce) => transaction(nonce, [])),
        NOW,
      ),
    );
    await commit((trx) => recordOutcomes(trx, CHAIN, [{ id: lost?.id ?? 0, state: "lost" }]));
    const unknown = (below: number, limit = 16): Promise<number[]> =>
      unknownNonces(store, CHAIN, SIGNER, { from: 3, below, limit });
    expect(await unknown(9)).toEqual([3, 5, 6, 7, 8]);
    expect(await unknown(9, 2)).toEqual([3, 5]);
    expect(await unknown(3)).toEqual([]);
  });

  test("one that failed frees its requests", async () => {
    await readBlock(8);
    const [sent] = await commit((trx) => insertTransactions(trx, [transaction(4, [word(1)])], NOW));
    await commit((trx) =>
      recordOutcomes(trx, CHAIN, [
        { id: sent?.id ?? 0, state: "failed", block: { number: 8, hash: word(8) } },
      ]),
    );
    expect(await phases()).toMatchObject({ 1: "asked" });
    expect(await pendingTransactions(store, CHAIN)).toEqual([]);
  });
});
