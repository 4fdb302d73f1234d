import { beforeEach, expect, test } from "vitest";
import { refreshPhases } from "../../../oracle/store/phases.ts";
import { dueQuorums } from "../../../oracle/store/quorums.ts";
import type { Store } from "../../../oracle/store/store.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import type { Request } from "../../../protocol/request.ts";
import {
  aRequest,
  CHAIN_ID,
  REQUESTED_AT,
  storeAnswer,
  type StoredAnswer,
  storeRequest,
  word,
} from "../support/requests.ts";
import { describeStores, useStore } from "../support/stores.ts";

const BASE_FEE = 10n ** 10n;
const TIME = REQUESTED_AT + 60;
const GOOD: StoredAnswer = { status: AnswerStatus.ok };
const LATE: StoredAnswer = { status: AnswerStatus.upstreamFailed, notBefore: TIME + 1 };
const INVALID: StoredAnswer = { status: AnswerStatus.invalidOutput };

describeStores("the quorums that are due", (create) => {
  let store: Store;
  let nonce = 0;

  useStore(create, (opened) => {
    store = opened;
  });

  beforeEach(async () => {
    await store.db.deleteFrom("requests").execute();
  });

  /** A request for two answers that has these, each of another enclave. */
  async function answered(answers: readonly StoredAnswer[], change: Partial<Request> = {}): Promise<Hex> {
    nonce += 1;
    const requestId = await storeRequest(store, aRequest({ nonce, threshold: 2, aggregation: 1, ...change }));
    for (const [index, answer] of answers.entries())
      await storeAnswer(store, CHAIN_ID, requestId, { keysetId: word(0xe1 + index), ...answer });
    return requestId;
  }

  async function due(limit: number, time = TIME, baseFee = BASE_FEE): Promise<Hex[]> {
    const quorums = await dueQuorums(store, { chainId: CHAIN_ID, time, baseFee, limit, isShared: false });
    return quorums.map(({ requestId }) => requestId);
  }

  test("are not held up by older ones that do not repay the gas of today", async () => {
    const cheap = await answered([GOOD, GOOD], { gasPriceCap: BASE_FEE - 1n });
    const exact = await answered([GOOD, GOOD], { gasPriceCap: BASE_FEE });
    expect(await due(1)).toEqual([exact]);
    expect(await due(1, TIME, BASE_FEE - 1n)).toEqual([cheap]);
  });

  async function committed(requestId: Hex, windowEndsAt: number): Promise<void> {
    const position = { block_number: 12, block_hash: word(12), tx_hash: requestId, log_index: 0 };
    await store.db
      .insertInto("quorum_events")
      .values({
        ...{ chain_id: CHAIN_ID, request_id: requestId, event: "committed", leaves: `["${word(5)}"]` },
        ...{ window_ends_at: windowEndsAt, ...position },
      })
      .execute();
  }

  test("are not held up by older ones whose window is open", async () => {
    const open = await answered([GOOD, GOOD]);
    await committed(open, TIME);
    const ripe = await answered([GOOD, GOOD]);
    expect(await due(1)).toEqual([ripe]);
    expect(await due(1, TIME + 1)).toEqual([open]);
  });

  test("come with what the chain says of their leaves, and their answers by status", async () => {
    const requestId = await answered([LATE, INVALID, GOOD]);
    await committed(requestId, TIME - 1);
    const query = { chainId: CHAIN_ID, time: TIME, baseFee: BASE_FEE, limit: 1, isShared: false };
    const [quorum] = await dueQuorums(store, query);
    expect(quorum?.steps).toMatchObject([{ event: "committed", leaves: [word(5)], windowEndsAt: TIME - 1 }]);
    expect(quorum?.members).toMatchObject([
      { keysetId: word(0xe3), notBefore: 0 },
      { keysetId: word(0xe1), notBefore: TIME + 1 },
      { keysetId: word(0xe2), notBefore: 0 },
    ]);
  });

  test("need answers that are bound to the chain's own blocks", async () => {
    const older = { number: 9n, hash: word(9) };
    await answered([GOOD, { ...GOOD, stateBlock: older }]);
    const other = { number: 11n, hash: word(11) };
    const requestId = await answered([GOOD, { ...GOOD, stateBlock: other }]);
    expect(await due(2)).toEqual([requestId]);
    await store.db
      .insertInto("blocks")
      .values({ chain_id: CHAIN_ID, number: 11, hash: word(0xbad) })
      .execute();
    await store.db.transaction().execute((trx) => refreshPhases(trx, CHAIN_ID, [requestId]));
    expect(await due(2)).toEqual([]);
  });
});
