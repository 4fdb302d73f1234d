import * as z from "zod";
import { beforeEach, expect, test } from "vitest";
import { createLogger } from "../../../oracle/log.ts";
import { PeerExchange } from "../../../oracle/peers/peer-exchange.ts";
import type { PeerShare, ShareResult } from "../../../oracle/peers/peer-share.ts";
import { recordAnswers } from "../../../oracle/store/answers.ts";
import type { Store } from "../../../oracle/store/store.ts";
import { Answer, answerStructHash, AnswerStatus } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { UpstreamError } from "../../../protocol/errors.ts";
import {
  aRequest,
  CHAIN_ID,
  REQUEST_BLOCK,
  REQUEST_BLOCK_HASH,
  REQUESTED_AT,
  storeRequest,
  word,
} from "../support/requests.ts";
import { describeStores, useStore } from "../support/stores.ts";

const KEYSET = {
  ...{ answerKey: `0x${"01".repeat(20)}`, payee: `0x${"02".repeat(20)}`, tlsKeyHash: word(1) },
  ...{ sealingKey: word(2), logKey: word(3), behaviourDigest: word(4), operatorDigest: word(5) },
  softwareVersionHash: word(6),
};
const ENDS = REQUESTED_AT + 30;

describeStores("what a node tells a peer of a quorum", (create) => {
  let store: Store;
  let requestId: Hex;
  let leaf: Hex;
  let chainTime: number;
  let clock = 0;
  let reply: (shares: readonly PeerShare[]) => readonly ShareResult[];
  const sent: PeerShare[] = [];

  useStore(create, (opened) => {
    store = opened;
  });

  beforeEach(async () => {
    for (const table of ["receipts", "answers", "quorum_events", "requests"] as const)
      await store.db.deleteFrom(table).execute();

    sent.length = 0;
    chainTime = REQUESTED_AT;
    reply = (shares) => shares.map(() => "kept");
    requestId = await storeRequest(store, aRequest({ threshold: 2, aggregation: 1 }));
    const answer: Answer = {
      ...{ requestId, status: AnswerStatus.ok, outputHash: word(7), transcriptRoot: word(8) },
      ...{ stateBlockHash: REQUEST_BLOCK_HASH, keysetId: word(0xe1), answeredAt: 1n },
    };
    leaf = answerStructHash(answer);
    const signature: Hex = `0x${"11".repeat(65)}`;
    await store.db.transaction().execute((trx) =>
      recordAnswers(trx, [
        {
          ...{ kind: "answered", chainId: CHAIN_ID, requestId, keysetId: word(0xe1), answer, signature },
          ...{ output: "0x07", leafSignature: signature, notBefore: 0, recordedAt: 0 },
          stateBlock: { number: BigInt(REQUEST_BLOCK), hash: REQUEST_BLOCK_HASH },
          receipt: { own: "{}", attestation: JSON.stringify({ keyset: KEYSET }) },
        },
      ]),
    );
  });

  /** Waits for so many messages, and for nothing else. */
  async function exchange(messages: number, run: (wake: () => void) => Promise<void> | void): Promise<void> {
    let heard = 0;
    let done = (): void => undefined;
    const all = new Promise<void>((resolve) => (done = resolve));
    const node = new PeerExchange({
      name: "north",
      client: {
        send: (shares) => {
          heard += 1;
          if (heard >= messages) setImmediate(done);
          sent.push(...shares);
          return Promise.resolve().then(() => reply(shares));
        },
      },
      store,
      chains: () => [{ chainId: CHAIN_ID, time: chainTime }],
      log: createLogger({ level: "error", write: () => undefined, now: () => 0 }),
      now: () => (clock += 10_000),
    });
    await run(() => {
      node.wake();
    });
    await all;
    await node.stop();
  }

  async function committed(): Promise<void> {
    const position = { block_number: 12, block_hash: word(12), tx_hash: requestId, log_index: 0 };
    await store.db
      .insertInto("quorum_events")
      .values({
        ...{ chain_id: CHAIN_ID, request_id: requestId, event: "committed", leaves: JSON.stringify([leaf]) },
        ...{ window_ends_at: ENDS, ...position },
      })
      .execute();
  }

  const shown = (): (string | null)[] =>
    sent.map(({ opening }) => opening && z.encode(Answer, opening.answer).keysetId);

  test("is the leaf at once, and the answer only when the chain says that the window has ended", async () => {
    await exchange(1, () => undefined);
    expect(sent).toMatchObject([{ leaf, opening: null, keyset: KEYSET }]);
    sent.length = 0;
    await committed();
    chainTime = ENDS;
    await exchange(1, () => undefined);
    expect(shown()).toEqual([null]);
    sent.length = 0;
    chainTime = ENDS + 1;
    await exchange(1, () => undefined);
    expect(shown()).toEqual([word(0xe1)]);
  });

  test("is never the answer to a request that nobody committed", async () => {
    chainTime = ENDS + 1;
    await exchange(1, () => undefined);
    expect(shown()).toEqual([null]);
  });

  test("is said again to a peer that was away, or did not know the request", async () => {
    const replies: (() => readonly ShareResult[])[] = [
      () => {
        throw new UpstreamError({ code: "PEER_UNAVAILABLE", message: "away" });
      },
      () => ["later"],
      () => ["kept"],
    ];
    reply = () => replies.shift()?.() ?? ["kept"];
    await exchange(3, () => undefined);
    expect(shown()).toEqual([null, null, null]);
  });
});
