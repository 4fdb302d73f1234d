import { beforeEach, expect, test } from "vitest";
import { dueQuorums } from "../../../oracle/store/quorums.ts";
import type { Store } from "../../../oracle/store/store.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import type { Request } from "../../../protocol/request.ts";
import type { StoredAnswer } from "../support/requests.ts";
import { aRequest, CHAIN_ID, REQUESTED_AT, storeAnswer, storeRequest, word } from "../support/requests.ts";
import { describeStores, useStore } from "../support/stores.ts";

const BASE_FEE = 10n ** 10n;
const TIME = REQUESTED_AT + 60;
const GOOD: StoredAnswer = { status: AnswerStatus.ok };
const LATE: StoredAnswer = { status: AnswerStatus.upstreamFailed, notBefore: TIME + 1 };
const INVALID: StoredAnswer = { status: AnswerStatus.invalidOutput };

describeStores("the quorums that are due", (create) => {
  let store: Store;
  let nonce = 0n;

  useStore(create, (opened) => {
    store = opened;
  });

  beforeEach(async () => {
    await store.db.deleteFrom("requests").execute();
  });

  /** A request for two answers that has these, each of another enclave. */
  async function answered(answers: readonly StoredAnswer[], change: Partial<Request> = {}): Promise<Hex> {
    nonce += 1n;
    const requestId = await storeRequest(store, aRequest({ nonce, threshold: 2, ...change }));
    for (const [index, answer] of answers.entries()) {
      await storeAnswer(store, CHAIN_ID, requestId, { keysetId: word(0xe1 + index), ...answer });
    }
    return requestId;
  }

  async function due(limit: number, time = TIME, baseFee = BASE_FEE): Promise<Hex[]> {
    const quorums = await dueQuorums(store, { chainId: CHAIN_ID, time, baseFee, limit });
    return quorums.map(({ requestId }) => requestId);
  }

  test("are not held up by older ones that do not repay the gas of today", async () => {
    const cheap = await answered([GOOD, GOOD], { gasPriceCap: BASE_FEE - 1n });
    const exact = await answered([GOOD, GOOD], { gasPriceCap: BASE_FEE });
    expect(await due(1)).toEqual([exact]);
    expect(await due(1, TIME, BASE_FEE - 1n)).toEqual([cheap]);
  });

  test("are not held up by older ones whose time has not come", async () => {
    const late = await answered([GOOD, LATE]);
    const ripe = await answered([GOOD, GOOD]);
    expect(await due(1)).toEqual([ripe]);
    expect(await due(1, TIME + 1)).toEqual([late]);
  });

  test("wait for the answers that are sent, and for no other", async () => {
    const surplus = await answered([LATE, GOOD, GOOD]);
    const needed = await answered([INVALID, LATE, GOOD]);
    expect(await due(2)).toEqual([surplus]);
    expect(await due(2, TIME + 1)).toEqual([surplus, needed]);
  });
});
