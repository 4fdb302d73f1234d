import { secp256k1 } from "@noble/curves/secp256k1.js";
import { beforeEach, expect, test } from "vitest";
import { createLogger } from "../../../oracle/log.ts";
import type { PeerShare } from "../../../oracle/peers/peer-share.ts";
import { ShareDesk } from "../../../oracle/peers/share-desk.ts";
import { forgetPeerLeaves, readPeerLeaves, type HeldPeerLeaf } from "../../../oracle/store/peer-leaves.ts";
import type { Store } from "../../../oracle/store/store.ts";
import {
  addressOfPublicKey,
  answerStructHash,
  AnswerStatus,
  signDigest,
  type Answer,
} from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { onChainDomain } from "../../../protocol/domain.ts";
import { keysetId as keysetIdOf } from "../../../protocol/keyset.ts";
import { quorumLeafDigest } from "../../../protocol/quorum-leaf.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import {
  aRequest,
  CHAIN_ID,
  REQUEST_BLOCK,
  REQUEST_BLOCK_HASH,
  storeRequest,
  word,
} from "../support/requests.ts";
import { describeStores, useStore } from "../support/stores.ts";

const PAYEE: Hex = `0x${"77".repeat(20)}`;
const SECRET = new Uint8Array(32).fill(7);
const KEYSET = {
  answerKey: addressOfPublicKey(secp256k1.getPublicKey(SECRET, false)),
  ...{ tlsKeyHash: word(1), sealingKey: word(2), logKey: word(3), behaviourDigest: word(4) },
  ...{ operatorDigest: word(5), softwareVersionHash: word(6), payee: PAYEE },
};
const KEYSET_ID = keysetIdOf(KEYSET);
const OUTPUT: Hex = "0x0102";
const REQUEST = aRequest({ threshold: 2, aggregation: 1 });

describeStores("what a peer tells of a quorum", (create) => {
  let store: Store;
  let requestId: Hex;
  let isMember = true;
  const woken: number[] = [];

  useStore(create, (opened) => {
    store = opened;
  });

  beforeEach(async () => {
    isMember = true;
    woken.length = 0;
    await store.db.deleteFrom("peer_leaves").execute();
    await store.db.deleteFrom("requests").execute();
    requestId = await storeRequest(store, REQUEST);
  });

  const answerOf = (change: Partial<Answer> = {}): Answer => ({
    ...{
      requestId,
      status: AnswerStatus.ok,
      outputHash: keccak(Uint8Array.of(1, 2)),
      transcriptRoot: word(8),
    },
    ...{ stateBlockHash: REQUEST_BLOCK_HASH, keysetId: KEYSET_ID, answeredAt: 1n },
    ...change,
  });

  function shareOf(answer: Answer, opening: PeerShare["opening"] = null): PeerShare {
    const leaf = answerStructHash(answer);
    const domain = onChainDomain(REQUEST.chainId, REQUEST.coordinator);
    const digest = quorumLeafDigest(domain, { requestId: answer.requestId, leaf, keysetId: KEYSET_ID });
    const leafSignature = signDigest(digest, SECRET);
    return { chainId: CHAIN_ID, requestId: answer.requestId, keyset: KEYSET, leaf, leafSignature, opening };
  }

  function take(share: PeerShare): Promise<string | undefined> {
    const desk = new ShareDesk({
      store,
      membershipOf: () =>
        Promise.resolve(isMember ? { platform: word(9), vendor: 1, distinctVendors: false } : undefined),
      onKept: (chainId) => woken.push(chainId),
      log: createLogger({ level: "error", write: () => undefined, now: () => 0 }),
      now: () => 5,
    });
    return desk.take("north", [share]).then(([result]) => result);
  }

  async function held(): Promise<readonly HeldPeerLeaf[]> {
    return (await readPeerLeaves(store, CHAIN_ID, [requestId])).get(requestId) ?? [];
  }

  test("is kept when it is a member's leaf, and its answer when that is shown", async () => {
    const answer = answerOf();
    expect(await take(shareOf(answer))).toBe("kept");
    expect(await held()).toMatchObject([{ keysetId: KEYSET_ID, answer: null, platform: word(9) }]);
    const opening = { answer, output: OUTPUT, stateBlockNumber: REQUEST_BLOCK };
    expect(await take(shareOf(answer, opening))).toBe("kept");
    expect(await held()).toMatchObject([{ output: OUTPUT, stateBlockNumber: REQUEST_BLOCK }]);
    // Told once more by a node that started again: what was shown stays.
    expect(await take(shareOf(answer))).toBe("kept");
    expect(await held()).toMatchObject([{ output: OUTPUT }]);
    expect(woken).toEqual([CHAIN_ID, CHAIN_ID, CHAIN_ID]);
  });

  test("is forgotten when no request of its time can be open", async () => {
    const eightDaysMs = 8 * 86_400_000;
    await take(shareOf(answerOf()));
    await forgetPeerLeaves(store, eightDaysMs);
    expect(await held()).toHaveLength(1);
    await forgetPeerLeaves(store, eightDaysMs + 6);
    expect(await held()).toEqual([]);
  });

  test("waits for a request that was not read yet", async () => {
    expect(await take(shareOf(answerOf({ requestId: word(0xabc) })))).toBe("later");
  });

  test("is refused of a key that the registry does not take for this request", async () => {
    isMember = false;
    expect(await take(shareOf(answerOf()))).toBe("refused");
  });

  test("is refused when somebody else's key, or another request's leaf, is signed", async () => {
    const share = shareOf(answerOf());
    expect(await take({ ...share, keyset: { ...KEYSET, answerKey: `0x${"01".repeat(20)}` } })).toBe(
      "refused",
    );
    expect(await take({ ...share, leaf: word(1) })).toBe("refused");
    expect(await held()).toEqual([]);
  });

  test.for<[string, Partial<Answer>, Partial<NonNullable<PeerShare["opening"]>>]>([
    ["has another output", {}, { output: "0x0103" }],
    ["is of another block", { stateBlockHash: word(0xbad) }, {}],
    ["is of a block older than the request's", {}, { stateBlockNumber: REQUEST_BLOCK - 1 }],
    [
      "is longer than the request allows",
      { outputHash: keccak(new Uint8Array(1_025)) },
      { output: `0x${"00".repeat(1_025)}` },
    ],
    ["is another keyset's", { keysetId: word(1) }, {}],
  ])(
    "is refused when the answer %s: it would take the others' transaction with it",
    async ([, change, opening]) => {
      const answer = answerOf(change);
      const shown = { answer, output: OUTPUT, stateBlockNumber: REQUEST_BLOCK, ...opening };
      expect(await take(shareOf(answer, shown))).toBe("refused");
      expect(await held()).toEqual([]);
    },
  );

  test("is refused when the answer is not the one that its leaf hides", async () => {
    const opening = { answer: answerOf({ answeredAt: 2n }), output: OUTPUT, stateBlockNumber: REQUEST_BLOCK };
    expect(await take(shareOf(answerOf(), opening))).toBe("refused");
  });

  test("stays what it was when a keyset signs a second leaf", async () => {
    await take(shareOf(answerOf()));
    expect(await take(shareOf(answerOf({ answeredAt: 2n })))).toBe("refused");
    expect(await held()).toMatchObject([{ leaf: answerStructHash(answerOf()) }]);
  });

  test("waits where the answer's block was not read yet", async () => {
    const answer = answerOf({ stateBlockHash: word(11) });
    const opening = { answer, output: OUTPUT, stateBlockNumber: REQUEST_BLOCK + 1 };
    expect(await take(shareOf(answer, opening))).toBe("later");
  });
});
