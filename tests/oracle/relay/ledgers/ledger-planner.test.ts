/** The relay of ledgers, against a chain with the contracts; enclaves answer by keys that are admitted there. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  admitNodes,
  askMany,
  deployLedger,
  logsOf,
  PRICE,
  settleNext,
  type LedgerStage,
} from "../../../../bench/coprocessor/stage.ts";
import { recomputeBalances } from "../../../../bench/coprocessor/balances.ts";
import { startChain, type Chain } from "../../../../bench/gas/chain.ts";
import { CHAIN_ID } from "../../../../bench/gas/constants.ts";
import type { BenchNode } from "../../../../bench/gas/node.ts";
import { appendEntry, ledgerRequestId } from "../../../../coprocessor/ledger/entry.ts";
import { Ledger } from "../../../../coprocessor/ledger/ledger.ts";
import { snapshotContent, snapshotDigest } from "../../../../coprocessor/ledger/snapshot.ts";
import { judgeEpoch } from "../../../../coprocessor/snapshots/judge-epoch.ts";
import { LedgerAnswerCall } from "../../../../coprocessor/snapshots/ledger-answer-call.ts";
import { SnapshotCall, type SnapshotReply } from "../../../../coprocessor/snapshots/snapshot-call.ts";
import type { ChainHead } from "../../../../oracle/chain/chain-source.ts";
import { readHead } from "../../../../oracle/chain/chain-reader.ts";
import { RpcEndpoint } from "../../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../../oracle/chain/rpc/rpc-pool.ts";
import type { EnclaveSession } from "../../../../oracle/enclaves/enclave-session.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { LedgerPlanner } from "../../../../oracle/relay/ledgers/ledger-planner.ts";
import type { PlannedTransaction } from "../../../../oracle/transmitter/planned-transaction.ts";
import { UpstreamError } from "../../../../protocol/errors.ts";
import * as p from "../../../../protocol/index.ts";

const PAYLOAD = p.toHex(p.toUtf8("a question"));
const FEE_CAP = 10n ** 12n;
const CHECKPOINT_SECONDS = 60;

let chain: Chain;
let rpc: RpcPool;
let admitted: Awaited<ReturnType<typeof admitNodes>>;
let stage: LedgerStage;
let planner: LedgerPlanner;
let now: number;
let said: string[];
/** Positions that each member was asked, in their order. */
let asked: bigint[][];
let fail: (member: number, position: bigint) => boolean;
let sessions: readonly EnclaveSession[];

beforeAll(async () => {
  chain = await startChain();
  admitted = await admitNodes(chain);
  const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
  const endpoint = new RpcEndpoint({ url: chain.url, timeoutMs: 60_000, log, now: () => 0 });
  rpc = new RpcPool({ endpoints: [endpoint], log, now: () => 0 });
}, 300_000);
afterAll(async () => {
  rpc.close();
  await chain.stop();
});

beforeEach(async () => {
  stage = await deployLedger(chain, admitted, 3);
  [now, said, asked, fail] = [1_000_000, [], [[], [], []], () => false];
  sessions = admitted.nodes.map(sessionOf);
  planner = await createPlanner();
}, 120_000);

async function createPlanner(): Promise<LedgerPlanner> {
  return new LedgerPlanner({
    chainId: Number(CHAIN_ID),
    rpc,
    ledgers: [
      {
        address: stage.name.ledger,
        fromBlock: 0,
        checkpointSeconds: CHECKPOINT_SECONDS,
        checkpointEntries: 100,
      },
    ],
    from: (await chain.owner.getAddress()).toLowerCase() as p.Hex,
    feeCap: FEE_CAP,
    maxRange: 1_000,
    admitted: (policyId) => (policyId === admitted.policyId ? sessions : []),
    drop: () => undefined,
    hasOpen: () => Promise.resolve(false),
    onReady: () => undefined,
    log: createLogger({ level: "info", write: (line) => said.push(line), now: () => 0 }),
    now: () => now,
  });
}

/** As an enclave answers and signs; what it is asked goes over a wire of JSON. */
function sessionOf(node: BenchNode, member: number): EnclaveSession {
  const answerEntry = (body: string) => {
    const call = LedgerAnswerCall.parse(JSON.parse(body));
    asked[member]?.push(call.position);
    if (fail(member, call.position))
      return Promise.reject(new UpstreamError({ code: "ENCLAVE_UNAVAILABLE", message: "busy" }));
    const entry = appendEntry(call.previous, call.key, p.payloadHash(p.fromHex(call.payload)));
    const output = p.keccak(p.fromHex(call.payload));
    const answer: p.Answer = {
      requestId: ledgerRequestId(call.ledger, { checkpoint: call.closing, position: call.position, entry }),
      status: p.AnswerStatus.ok,
      outputHash: p.keccak(p.fromHex(output)),
      transcriptRoot: p.keccakText("transcript"),
      stateBlockHash: call.stateBlock.hash,
      keysetId: node.keysetId,
      answeredAt: call.closing.recordedAt,
    };
    const digest = p.answerDigest(p.onChainDomain(call.ledger.chainId, call.ledger.ledger), answer);
    return Promise.resolve({ answer, output, signature: p.signDigest(digest, node.privateKey) });
  };
  const signSnapshot = (body: string): Promise<SnapshotReply> => {
    const call = SnapshotCall.parse(JSON.parse(body));
    const { rows, statement } = judgeEpoch(call);
    return Promise.resolve({
      rows: p.toHex(rows),
      newRoot: statement.snapshot.newRoot,
      content: snapshotContent(call.ledger, statement),
      keysetId: node.keysetId,
      signature: p.signDigest(snapshotDigest(call.ledger, statement), node.privateKey),
    });
  };
  return {
    keysetId: node.keysetId,
    client: { answerEntry, signSnapshot },
    attestation: { keyset: node.keyset },
  } as unknown as EnclaveSession;
}

/** @param behind blocks that do not count as settled yet */
async function headOf(behind = 0): Promise<ChainHead> {
  const latest = await rpc.use(readHead);
  return { latest, settledNumber: latest.number - behind };
}

/** What the planner comes to, given time; at most a few rounds. */
async function planned(behind = 0): Promise<readonly PlannedTransaction[]> {
  for (let round = 0; round < 4; round += 1) {
    const transactions = await planner.plan(await headOf(behind));
    if (transactions.length > 0) return transactions;
    await planner.idle();
  }
  return [];
}

async function send(transactions: readonly PlannedTransaction[]): Promise<void> {
  for (const { to, data, gasLimit } of transactions)
    await chain.mine(chain.owner.sendTransaction({ to, data, gasLimit }));
  await chain.later(1n);
}

const wait = (): void => void (now += CHECKPOINT_SECONDS * 1_000);
const readLedger = async (): Promise<Ledger> => Ledger.fromLogs(await logsOf(stage));

describe("a ledger that a node relays", { timeout: 120_000 }, () => {
  test("is checkpointed when its first entry has waited, answered, signed and settled", async () => {
    await askMany(stage, 5, PAYLOAD);
    expect(await planned()).toEqual([]);
    wait();
    const checkpoint = await planned();
    expect(checkpoint.map(({ kind, to, feeCap }) => [kind, to, feeCap])).toEqual([
      ["ledger", stage.name.ledger, FEE_CAP],
    ]);
    await send(checkpoint);
    await send(await planned());
    const ledger = await readLedger();
    expect(ledger.settled).toBe(5n);
    expect(ledger.rowsOf(0).map(({ value }) => value)).toEqual(Array(5).fill(p.keccak(p.fromHex(PAYLOAD))));
    expect(await stage.contract.root()).toBe(ledger.root);
    expect(asked.map((positions) => positions.length)).toEqual([5, 5, 5]);
    const registry = await chain.enclaves.getAddress();
    const balances = await recomputeBalances(chain.provider, {
      ledger: stage.name.ledger,
      registry,
      price: PRICE,
    });
    expect(balances.feesPaid).toBe(5);
    expect(await planned()).toEqual([]);
  });

  test("asks no model about entries that a reorg may take back, and sends nothing twice", async () => {
    await askMany(stage, 2, PAYLOAD);
    expect(await planned(2)).toEqual([]);
    wait();
    // They count from now on, and wait from now on.
    expect(await planned()).toEqual([]);
    wait();
    await send(await planned());
    const unsettled = 2;
    // The checkpoint's block does not count yet.
    expect(await planned(unsettled)).toEqual([]);
    expect(asked).toEqual([[], [], []]);
    const epoch = await planned();
    expect(asked.map((positions) => positions.length)).toEqual([2, 2, 2]);
    await send(epoch);
    // Mined, and not settled as far as this node goes.
    expect(await planned(unsettled)).toEqual([]);
    expect(asked.map((positions) => positions.length)).toEqual([2, 2, 2]);
  });

  test("rests after a failure, and asks again only what was not answered", async () => {
    await askMany(stage, 3, PAYLOAD);
    expect(await planned()).toEqual([]);
    wait();
    await send(await planned());
    fail = (member, position) => member === 1 && position === 3n;
    expect(await planned()).toEqual([]);
    expect(said.some((line) => line.includes("ledger.failed"))).toBe(true);
    const before = asked.map((positions) => positions.length);
    expect(before).toEqual([3, 3, 3]);
    expect(await planned()).toEqual([]);
    fail = () => false;
    now += 2_000;
    await send(await planned());
    expect(asked).toEqual([
      [1n, 2n, 3n],
      [1n, 2n, 3n, 3n],
      [1n, 2n, 3n],
    ]);
    expect((await readLedger()).settled).toBe(3n);
  });

  test("waits for as many enclaves as its threshold", async () => {
    await askMany(stage, 1, PAYLOAD);
    const whole = sessions;
    sessions = whole.slice(0, 2);
    expect(await planned()).toEqual([]);
    wait();
    await send(await planned());
    expect(await planned()).toEqual([]);
    expect(said.some((line) => line.includes("more enclaves than this node has admitted"))).toBe(true);
    sessions = whole;
    now += 2_000;
    await send(await planned());
    expect((await readLedger()).settled).toBe(1n);
  });

  test("gives way to who settled first", async () => {
    await askMany(stage, 2, PAYLOAD);
    expect(await planned()).toEqual([]);
    wait();
    await send(await planned());
    // Signed, and not sent yet.
    await planner.plan(await headOf());
    await planner.idle();
    const slow = planner;
    planner = await createPlanner();
    await send(await planned());
    const ledger = await readLedger();
    expect(ledger.settled).toBe(2n);
    expect(await slow.plan(await headOf())).toEqual([]);
    expect(said.some((line) => line.includes("CHAIN_REVERTED"))).toBe(true);
    now += 2_000;
    planner = slow;
    expect(await planned()).toEqual([]);
  });

  test("goes on where another process left it", async () => {
    await askMany(stage, 2, PAYLOAD);
    await settleNext(stage);
    await askMany(stage, 1, PAYLOAD);
    expect(await planned()).toEqual([]);
    wait();
    await send(await planned());
    await send(await planned());
    const ledger = await readLedger();
    expect([ledger.settled, ledger.epochs]).toEqual([3n, 2]);
    expect(asked[0]).toEqual([3n]);
  });
});
