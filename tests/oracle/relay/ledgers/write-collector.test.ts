/** What a node collects of proven ledgers, against a ledger on a chain whose verifier takes every proof: proofs are in tests/epochs. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import {
  deployProvenLedger,
  epochSigners,
  localPost,
  nextProvenEpoch,
  provenArguments,
  type ProvenMember,
  type ProvenStage,
} from "../../../../bench/coprocessor/proven-stage.ts";
import { admitNodes } from "../../../../bench/coprocessor/stage.ts";
import { startChain, type Chain } from "../../../../bench/gas/chain.ts";
import type { TransitionsFile } from "../../../../coprocessor/epochs/epoch-file.ts";
import { signGrumpkin } from "../../../../coprocessor/epochs/grumpkin.ts";
import { toTransition } from "../../../../coprocessor/epochs/judge-proven-epoch.ts";
import {
  ledgerIdOf,
  transitionContext,
  transitionKeyDigest,
  transitionMessage,
} from "../../../../coprocessor/epochs/transition.ts";
import { TransitionCall, type TransitionReply } from "../../../../coprocessor/epochs/transition-call.ts";
import { ledgerKey } from "../../../../coprocessor/ledger/entry.ts";
import { RpcEndpoint } from "../../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../../oracle/chain/rpc/rpc-pool.ts";
import type { EnclaveSession } from "../../../../oracle/enclaves/enclave-session.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { WriteCollector } from "../../../../oracle/relay/ledgers/write-collector.ts";
import type { Store } from "../../../../oracle/store/store.ts";
import { UpstreamError } from "../../../../protocol/errors.ts";
import * as p from "../../../../protocol/index.ts";
import { rejectionOf } from "../../../support/rejection-of.ts";
import { aRequest, CHAIN_ID, storeAnswer, storeRequest } from "../../support/requests.ts";
import { createPgliteStore, useStore } from "../../support/stores.ts";

/** A contract whose every call returns true. */
const ACCEPTS_ALL = "0x600a600c600039600a6000f3600160005260206000f3";
const CONSUMER: p.Hex = `0x${"c1".repeat(20)}`;

let store: Store;
let chain: Chain;
let rpc: RpcPool;
let admitted: Awaited<ReturnType<typeof admitNodes>>;
let stage: ProvenStage;
let verifier: string;
let collector: WriteCollector;
let calls: TransitionCall[];
let nonce = 0;
/** What a member answered to a request. */
let answerOf: (member: number, call: TransitionCall) => p.Hex;
let fails: (member: number) => boolean;
const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });

useStore(createPgliteStore, (opened) => (store = opened));
beforeAll(async () => {
  chain = await startChain();
  admitted = await admitNodes(chain);
  const deployed = await chain.mine(chain.owner.sendTransaction({ data: ACCEPTS_ALL }));
  verifier = deployed.contractAddress ?? "";
  const endpoint = new RpcEndpoint({ url: chain.url, timeoutMs: 60_000, log, now: () => 0 });
  rpc = new RpcPool({ endpoints: [endpoint], log, now: () => 0 });
}, 300_000);
afterAll(async () => {
  rpc.close();
  await chain.stop();
});

beforeEach(async () => {
  const shape = { rule: "Register", rows: 14, signatures: 2 } as const;
  stage = await deployProvenLedger(chain, admitted, { shape, verifier });
  calls = [];
  answerOf = (_member, { localKey, seq }) => p.keccakText(`${localKey} ${seq}`);
  fails = () => false;
  collector = createCollector();
});

function createCollector(confirmations = 0): WriteCollector {
  const sessions = stage.members.map((member, index) => sessionOf(member, index));
  const { ledger } = stage.name;
  const options = { chainId: CHAIN_ID, rpc, store, log, ledger, fromBlock: 0, maxRange: 7 };
  return new WriteCollector({ ...options, confirmations, sessions: () => sessions });
}

/** Signs as an enclave does what it answered. */
function sessionOf({ node, key }: ProvenMember, index: number): EnclaveSession {
  const signTransition = (text: string): Promise<TransitionReply> => {
    const call = z.decode(TransitionCall, JSON.parse(text) as z.input<typeof TransitionCall>);
    calls.push(call);
    if (fails(index))
      return Promise.reject(new UpstreamError({ code: "ENCLAVE_UNAVAILABLE", message: "it is gone" }));
    const { ledger, request, localKey, seq, oldLeaf } = call;
    const cell = { key: ledgerKey(request.consumer, localKey), seq, value: answerOf(index, call) };
    const transition = { ...cell, oldLeaf, link: p.requestId(request) };
    const signature = signGrumpkin(key, transitionMessage(ledgerIdOf(ledger), transition));
    const { answerKey } = node.keyset;
    const named = p.signDigest(transitionKeyDigest(ledger, key.publicKey), node.privateKey);
    return Promise.resolve({
      signer: { keysetId: node.keysetId, answerKey, ...key.publicKey, signature: named },
      transition: { ...transition, signatures: [{ ...key.publicKey, ...signature }] },
    });
  };
  return {
    url: `member ${index}`,
    keysetId: node.keysetId,
    client: { signTransition },
  } as unknown as EnclaveSession;
}

interface Asked {
  readonly delivery?: number;
  readonly answeredBy?: readonly number[];
}

/** A request for a row, answered by members, and the row named. */
async function asked(
  post: number,
  seq: bigint,
  { delivery, answeredBy = [0, 1] }: Asked = {},
): Promise<p.Hex> {
  const localKey = localPost(post);
  const context = transitionContext({ ledger: stage.name.ledger, localKey, seq });
  nonce += 1;
  const request = aRequest({ nonce, consumer: CONSUMER, context, delivery: delivery ?? p.Delivery.pull });
  const requestId = await storeRequest(store, request);
  for (const member of answeredBy)
    await storeAnswer(store, CHAIN_ID, requestId, { keysetId: stage.members[member]?.node.keysetId ?? "0x" });
  await collector.name({ requestId, localKey, seq });
  return requestId;
}

/** Settles what is served, as whoever proves it would. */
async function settle({ transitions }: TransitionsFile): Promise<void> {
  const steps = transitions.map((record) => ({ kind: "signed", transition: toTransition(record) }) as const);
  const built = await nextProvenEpoch(stage, steps);
  const { epoch, signers, witness, rows } = provenArguments(stage, built, "0x");
  await chain.mine(stage.contract.settle(epoch, signers, witness, rows, "0x"));
}

describe("writes of a proven ledger", () => {
  test("are served with the signatures of each enclave that answered, until they are settled", async () => {
    const first = await asked(1, 1n);
    await asked(2, 1n);
    const file = await collector.transitions();
    expect(file.signers.map(({ keysetId }) => keysetId)).toEqual(
      epochSigners(stage)
        .slice(0, 2)
        .map(({ keysetId }) => keysetId),
    );
    expect(file.transitions).toHaveLength(2);
    expect(file.transitions[0]).toMatchObject({ seq: 1n, oldLeaf: 0n, link: first });
    expect(file.transitions[0]?.signatures).toHaveLength(2);
    await settle(file);
    expect((await collector.transitions()).transitions).toEqual([]);
  });

  test("follow from each other where one key is written twice", async () => {
    await asked(1, 2n);
    await asked(1, 1n);
    const file = await collector.transitions();
    expect(file.transitions.map(({ seq }) => seq)).toEqual([1n, 2n]);
    await settle(file);
    expect(await stage.contract.root()).toBe(stage.state.root);
  });

  test("wait for the seq before them", async () => {
    await asked(1, 2n);
    expect((await collector.transitions()).transitions).toEqual([]);
    expect(calls).toEqual([]);
  });

  test("are asked of an enclave once for each state", async () => {
    await asked(1, 1n);
    const [one, other] = await Promise.all([collector.transitions(), collector.transitions()]);
    expect(one).toEqual(other);
    await collector.transitions();
    expect(calls).toHaveLength(2);
  });

  test("are signed again over what a reorg left", async () => {
    collector = createCollector(100);
    const before = (await chain.provider.send("evm_snapshot", [])) as string;
    await asked(1, 1n);
    await settle(await collector.transitions());
    await asked(1, 2n);
    expect((await collector.transitions()).transitions).toMatchObject([{ seq: 2n }]);
    await chain.provider.send("evm_revert", [before]);
    chain.owner.reset();
    const left = await collector.transitions();
    expect(left.transitions).toMatchObject([{ seq: 1n, oldLeaf: 0n }, { seq: 2n }]);
  });

  test("have the value that most enclaves answered", async () => {
    answerOf = (member) => p.keccakText(member === 1 ? "another" : "most");
    await asked(1, 1n, { answeredBy: [0, 1, 2] });
    const { transitions } = await collector.transitions();
    expect(transitions).toMatchObject([{ value: p.keccakText("most") }]);
    expect(transitions[0]?.signatures).toHaveLength(2);
  });

  test("are served without an enclave that is gone, and are there when it is back", async () => {
    await asked(1, 1n);
    fails = (member) => member === 0;
    expect((await collector.transitions()).transitions[0]?.signatures).toHaveLength(1);
    fails = () => false;
    expect((await collector.transitions()).transitions[0]?.signatures).toHaveLength(2);
  });

  test("tell no answer before it is told to anybody", async () => {
    await asked(1, 1n, { delivery: p.Delivery.callback });
    expect((await collector.transitions()).transitions).toEqual([]);
    expect(calls).toEqual([]);
  });

  test("are named by the row that the request was made for, and by no other", async () => {
    const requestId = await asked(1, 1n);
    const named = { requestId, localKey: localPost(1), seq: 1n };
    expect(await rejectionOf(() => collector.name({ ...named, seq: 2n }))).toBe("INPUT_INVALID");
    expect(await rejectionOf(() => collector.name({ ...named, localKey: localPost(2) }))).toBe(
      "INPUT_INVALID",
    );
    expect(await rejectionOf(() => collector.name({ ...named, requestId: localPost(9) }))).toBe(
      "INPUT_NOT_FOUND",
    );
  });
});
