/** When a node gives its part of a quorum that it shares with other operators, and when it does not. */

import { beforeEach, expect, test } from "vitest";
import type { EnclaveSession } from "../../../../oracle/enclaves/enclave-session.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { assign } from "../../../../oracle/relay/asking/assignment.ts";
import { SharedAsking, type SharedTurns } from "../../../../oracle/relay/asking/shared-asking.ts";
import { stateBlockOf } from "../../../../oracle/relay/asking/state-block.ts";
import { type AnswerRecord, readOpenRequests } from "../../../../oracle/store/answers.ts";
import { keepPeerLeaf } from "../../../../oracle/store/peer-leaves.ts";
import { readAnsweredKeysets } from "../../../../oracle/store/quorums.ts";
import type { Store } from "../../../../oracle/store/store.ts";
import { AnswerStatus } from "../../../../protocol/answer.ts";
import type { Hex } from "../../../../protocol/bytes.ts";
import { UpstreamError } from "../../../../protocol/errors.ts";
import type { Request } from "../../../../protocol/request.ts";
import {
  aRequest,
  CHAIN_ID,
  REQUEST_BLOCK,
  REQUEST_BLOCK_HASH,
  REQUESTED_AT,
  storeAnswer,
  storeRequest,
  word,
} from "../../support/requests.ts";
import { describeStores, useStore } from "../../support/stores.ts";

const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
const WINDOW_MS = 10_000;
const FROM_MS = REQUESTED_AT * 1_000;
const LOOK_SECONDS = 3;

/** Told apart by its first bytes: a quorum keeps no more of it. */
const platformOf = (id: number): Hex => `0x${(1_000 + id).toString(16).padStart(22, "0").padEnd(64, "0")}`;

type Behaviour = "answers" | "refuses" | "is down";

describeStores("a node that shares a quorum of two", (create) => {
  let store: Store;
  let nonce = 0;
  let now: number;
  let request: Request;
  let requestId: Hex;
  /** The four admitted platforms, in the request's order. */
  let order: number[];
  let asked: number[];
  let woken: number[];
  let behave: (id: number) => Behaviour;

  useStore(create, (opened) => {
    store = opened;
  });

  beforeEach(async () => {
    now = FROM_MS;
    [asked, woken, behave] = [[], [], () => "answers"];
    nonce += 1;
    request = aRequest({ threshold: 2, aggregation: 1, nonce });
    requestId = await storeRequest(store, request);
    order = assignment().order.map((platform) => [1, 2, 3, 4].find((id) => platformOf(id) === platform) ?? 0);
  });

  const assignment = (): SharedTurns["assignment"] =>
    assign(
      requestId,
      REQUEST_BLOCK,
      [1, 2, 3, 4].map((id) => ({ keysetId: word(id), platform: platformOf(id), since: 1 })),
    );

  /** The enclave at a place of the request's order. */
  const at = (place: number): number => order[place] ?? 0;

  function turnsOf(own: readonly number[], threshold = 2): SharedTurns {
    const sessions = own.map((id) => ({ keysetId: word(id) }));
    const times = { from: FROM_MS, until: FROM_MS + 3_000_000, window: WINDOW_MS };
    return { chainId: CHAIN_ID, requestId, threshold, assignment: assignment(), sessions, ...times };
  }

  const createShared = (spares: number): SharedAsking =>
    new SharedAsking({
      ...{ store, spares, log, now: () => now },
      onRecorded: (chainId) => woken.push(chainId),
      asker: {
        ask: ({ keysetId }) => {
          asked.push(Number(keysetId));
          return answer(keysetId);
        },
      },
    });

  function answer(keysetId: Hex): Promise<AnswerRecord> {
    const behaviour = behave(Number(keysetId));
    if (behaviour === "is down")
      return Promise.reject(new UpstreamError({ code: "ENCLAVE_UNAVAILABLE", message: "as the test wants" }));
    const common = { chainId: CHAIN_ID, requestId };
    if (behaviour === "refuses")
      return Promise.resolve({ kind: "refused", ...common, code: "INPUT_INVALID", refusedAt: now });
    return Promise.resolve({
      kind: "answered",
      ...{ ...common, keysetId, output: "0x", notBefore: 0, recordedAt: now },
      ...{ signature: `0x${"11".repeat(65)}`, leafSignature: `0x${"12".repeat(65)}` },
      answer: {
        ...{ requestId, status: AnswerStatus.ok, outputHash: word(7), transcriptRoot: word(8) },
        ...{ stateBlockHash: REQUEST_BLOCK_HASH, keysetId, answeredAt: BigInt(REQUESTED_AT) },
      },
      stateBlock: { number: BigInt(REQUEST_BLOCK), hash: REQUEST_BLOCK_HASH },
      receipt: { own: "{}", attestation: "{}" },
    });
  }

  const untilTurn = (own: readonly number[], spares = 0): Promise<number> =>
    createShared(spares).untilTurn(turnsOf(own));

  async function collect(own: readonly number[], spares = 0): ReturnType<SharedAsking["collect"]> {
    const [open] = await readOpenRequests(store, [{ chainId: CHAIN_ID, requestId }]);
    if (open === undefined) throw new Error("the request is not open");
    const members = own.map((id) => ({
      session: { keysetId: word(id) } as EnclaveSession,
      membership: { platform: platformOf(id), vendor: 1, distinctVendors: false },
    }));
    const question = { open, request, stateBlock: stateBlockOf(open), fallbackWindowSeconds: 120 };
    const call = { question, members, assignment: assignment(), patienceMs: WINDOW_MS };
    return createShared(spares).collect(call, turnsOf(own), new AbortController().signal);
  }

  const tellOf = (id: number): Promise<boolean> =>
    keepPeerLeaf(store, {
      ...{ chainId: CHAIN_ID, requestId, keysetId: word(id), signer: `0x${"01".repeat(20)}`, vendor: 1 },
      ...{ platform: platformOf(id), leaf: word(100 + id), leafSignature: `0x${"12".repeat(65)}` },
      ...{ opening: null, receivedAt: now },
    });

  async function recordStep(
    event: "committed" | "opened" | "cleared",
    ids: readonly number[],
    position: number,
  ): Promise<void> {
    await store.db
      .insertInto("quorum_events")
      .values({
        ...{ chain_id: CHAIN_ID, request_id: requestId, event, block_number: 10 + position },
        ...{ block_hash: word(10 + position), tx_hash: word(nonce * 100 + position), log_index: position },
        leaves: JSON.stringify(event === "cleared" ? [] : ids.map((id) => word(100 + id))),
        platforms: JSON.stringify(event === "committed" ? ids.map(platformOf) : []),
        window_ends_at: event === "committed" ? REQUESTED_AT + 30 : 0,
      })
      .execute();
  }

  test("answers at once where it is among the first that are wanted, and each further place a turn later", async () => {
    // A wait is looked at again after three seconds at most, so that the time is moved to the turn itself.
    expect(await untilTurn([at(0)])).toBe(0);
    expect(await untilTurn([at(1)])).toBe(0);
    for (const place of [2, 3]) {
      now = FROM_MS + (place - 1) * WINDOW_MS - 1;
      expect(await untilTurn([at(place)])).toBe(1);
      now += 1;
      expect(await untilTurn([at(place)])).toBe(0);
    }
  });

  test("counts spares among the first", async () => {
    expect(await untilTurn([at(2)], 1)).toBe(0);
    expect(await untilTurn([at(3)], 1)).toBe(LOOK_SECONDS);
  });

  test("asks those of its enclaves whose turn it is, each once, and says that there is something to send", async () => {
    const own = [at(0), at(3)];
    expect(await collect(own)).toEqual({ kind: "later", seconds: LOOK_SECONDS });
    expect(asked).toEqual([at(0)]);
    expect(woken).toEqual([CHAIN_ID]);
    expect(await readAnsweredKeysets(store, CHAIN_ID, requestId)).toMatchObject([{ keysetId: word(at(0)) }]);
    await collect(own);
    expect(asked).toEqual([at(0)]);
  });

  test("pays for no answer beyond the threshold once enough are given, whoever gave them", async () => {
    await tellOf(at(0));
    await storeAnswer(store, CHAIN_ID, requestId, { keysetId: word(at(1)) });
    now = FROM_MS + 10 * WINDOW_MS;
    expect(await untilTurn([at(2), at(3)])).toBe(LOOK_SECONDS);
    await collect([at(2), at(3)]);
    expect(asked).toEqual([]);
  });

  test("takes the place of whoever said nothing when its turn has come", async () => {
    await tellOf(at(0));
    now = FROM_MS + WINDOW_MS;
    await collect([at(2)]);
    expect(asked).toEqual([at(2)]);
  });

  test("asks no second enclave of a platform that has given a leaf", async () => {
    await tellOf(at(0));
    expect(await untilTurn([at(0)])).toBe(LOOK_SECONDS);
    now = FROM_MS + 10 * WINDOW_MS;
    await collect([at(0)]);
    expect(asked).toEqual([]);
  });

  test("asks again from the end of a set that was cleared, without those who committed and withheld", async () => {
    const withheld = at(1);
    await recordStep("committed", [at(0), withheld], 1);
    await recordStep("opened", [at(0)], 2);
    await recordStep("cleared", [], 3);
    const clearedMs = (REQUESTED_AT + 30 + 60) * 1_000;
    now = clearedMs;
    expect(await untilTurn([withheld])).toBe(LOOK_SECONDS);
    // The places behind move up: who withheld is in nobody's way.
    expect(await untilTurn([at(2)])).toBe(0);
    now = clearedMs + WINDOW_MS - 1;
    expect(await untilTurn([at(3)])).toBe(1);
    now += 1;
    await collect([withheld, at(2), at(3)]);
    expect(asked.sort()).toEqual([at(2), at(3)].sort());
  });

  test("looks again later when an enclave cannot be reached, and has nothing to send", async () => {
    behave = () => "is down";
    expect(await collect([at(0)])).toEqual({ kind: "later", seconds: LOOK_SECONDS });
    expect(woken).toEqual([]);
    behave = () => "answers";
    await collect([at(0)]);
    expect(asked).toEqual([at(0), at(0)]);
  });

  test("ends its part in a refusal when an enclave refuses the request for good", async () => {
    behave = () => "refuses";
    expect(await collect([at(0)])).toMatchObject({
      kind: "done",
      result: { kind: "refused", code: "INPUT_INVALID" },
    });
  });
});
