import { beforeEach, expect, test } from "vitest";
import { dueAnswers, leaveSettlement, postponeSettlement } from "../../../oracle/store/settlements.ts";
import type { Store } from "../../../oracle/store/store.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import type { Request } from "../../../protocol/request.ts";
import { aRequest, CHAIN_ID, REQUESTED_AT, storeAnswer, storeRequest } from "../support/requests.ts";
import { describeStores, useStore } from "../support/stores.ts";

const BASE_FEE = 10n ** 10n;
const TIME = REQUESTED_AT + 60;

describeStores("the answers that are due", (create) => {
  let store: Store;
  let nonce = 0;

  useStore(create, (opened) => {
    store = opened;
  });

  beforeEach(async () => {
    await store.db.deleteFrom("requests").execute();
  });

  async function answered(
    change: Partial<Request> = {},
    answer: Parameters<typeof storeAnswer>[3] = {},
  ): Promise<Hex> {
    nonce += 1;
    const requestId = await storeRequest(store, aRequest({ nonce, ...change }));
    await storeAnswer(store, CHAIN_ID, requestId, answer);
    return requestId;
  }

  async function due(limit: number, baseFee = BASE_FEE, paysUnrepaid = true): Promise<Hex[]> {
    const query = { chainId: CHAIN_ID, time: TIME, baseFee, paysUnrepaid, limit };
    const answers = await dueAnswers(store, query);
    return answers.map(({ requestId }) => requestId);
  }

  test("come in the order of their requests, as many as are wanted", async () => {
    const [first, second] = [await answered(), await answered(), await answered()];
    expect(await due(2)).toEqual([first, second]);
  });

  test("are not held up by older ones that do not repay the gas of today", async () => {
    const cheap = await answered({ gasPriceCap: BASE_FEE - 1n });
    await answered({ gasPriceCap: 0n });
    const exact = await answered({ gasPriceCap: BASE_FEE });
    const most = await answered({ gasPriceCap: 2n ** 64n - 1n });
    expect(await due(2)).toEqual([exact, most]);
    // When gas is cheaper again.
    expect(await due(2, BASE_FEE - 1n)).toEqual([cheap, exact]);
    // Compared as numbers, and beyond what a bigint of the database holds.
    expect(await due(2, 2n ** 64n - 1n)).toEqual([most]);
    expect(await due(2, 2n ** 70n)).toEqual([]);
  });

  test("are not held up by older ones whose time has not come", async () => {
    await answered({}, { notBefore: TIME + 1 });
    const ripe = await answered({}, { notBefore: TIME });
    expect(await due(1)).toEqual([ripe]);
  });

  test("rest after a refusal, and not for longer than anything rests: a clock had jumped then", async () => {
    const [resting, jumped, left] = [await answered(), await answered(), await answered()];
    const postpone = (requestId: Hex, time: number): Promise<void> =>
      postponeSettlement(store, { chainId: CHAIN_ID, requestId, time, maxSeconds: 300, error: "refused" });
    await postpone(resting, TIME);
    await postpone(jumped, TIME + 365 * 86_400);
    await leaveSettlement(store, { chainId: CHAIN_ID, requestIds: [left], error: "not ours" });
    expect(await due(9)).toEqual([jumped]);
  });

  test("wait while gas is dearer than this node pays for, where nobody repays it", async () => {
    const repaid = await answered();
    const refused = await answered({}, { status: AnswerStatus.invalidRequest });
    const failed = await answered({}, { status: AnswerStatus.upstreamFailed });
    const late = await answered({}, { status: AnswerStatus.clockUnknown });
    expect(await due(9)).toEqual([repaid, refused, failed, late]);
    expect(await due(9, BASE_FEE, false)).toEqual([repaid, refused]);
  });
});
