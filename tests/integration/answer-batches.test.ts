import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { decodePackedItems } from "../../protocol/packed-item.ts";
import { requestId } from "../../protocol/request.ts";
import { coordinatorInterface } from "../../oracle/chain/contracts/contracts.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import {
  ask,
  FALLBACK_WINDOW_SECONDS,
  mempoolOf,
  outcomeOf,
  type PendingTransaction,
  type TestChain,
  until,
  untilSettled,
} from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";

const REQUESTS = 6;
const LIFETIME_SECONDS = 3_600;

let bed: Testbed;
let chain: TestChain;
let enclave: StandInEnclave;
let oracle: OracleProcess;

/** One node for all tests: none leaves anything but settled requests behind. */
beforeAll(async () => {
  bed = await startTestbed();
  ({ chain, enclave } = bed);
  enclave.decide = () => ({ status: UPSTREAM_FAILED });
  oracle = await bed.startNode();
  await bed.untilAdmitted();
});

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") process.stderr.write(oracle.log().slice(-8_000));
  await resumeMining();
});

afterAll(() => bed.stop());

/** A status that a host can cause: such answers wait for the same second, that in which the fallback window begins. */
const UPSTREAM_FAILED = 3;

/** Requests of one block, whose answers the oracle has. No block is made after theirs: they are not due. */
async function askTogether(): Promise<Hex[]> {
  await chain.rpc("evm_setAutomine", false);
  const asker = (await chain.asker.getAddress()).toLowerCase();
  const asking: ReturnType<typeof ask>[] = [];
  for (let index = 1; index <= REQUESTS; index += 1) {
    asking.push(ask(chain, { deadlineSeconds: LIFETIME_SECONDS }));
    await until("a request in the mempool", async () => {
      const own = (await mempoolOf(chain)).filter(({ from }) => from.toLowerCase() === asker);
      return own.length === index ? true : undefined;
    });
  }
  await chain.rpc("evm_mine");
  const ids = (await Promise.all(asking)).map((asked) => asked.requestId);
  await until("the answers", async () => {
    const response = await fetch(`${oracle.url}/v1/requests?phase=answered&limit=100`);
    const { requests } = (await response.json()) as { requests: readonly unknown[] };
    return requests.length === REQUESTS ? true : undefined;
  });
  return ids;
}

/** The block after this one is in the window before the deadlines of `askTogether`: the answers are all due with it. */
async function enterWindow(): Promise<void> {
  await chain.rpc("evm_increaseTime", LIFETIME_SECONDS - FALLBACK_WINDOW_SECONDS);
  await chain.rpc("evm_mine");
}

const FULFILL = coordinatorInterface.getFunction("fulfillPacked").selector;
const FULFILL_BATCH = coordinatorInterface.getFunction("fulfillBatchPacked").selector;

const isBatch = ({ input }: PendingTransaction): boolean => input.startsWith(FULFILL_BATCH);

/** The batches that wait in the mempool, once all the answers are in one. */
async function waitForBatches(ids: readonly Hex[]): Promise<PendingTransaction[]> {
  return until("a batch of all", async () => {
    const batches = (await mempoolOf(chain)).filter(isBatch);
    const members = batches.flatMap(({ input }) => requestIdsOf(input));
    return ids.every((id) => members.includes(id)) ? batches : undefined;
  });
}

function requestIdsOf(input: Hex): Hex[] {
  const [, , , , items] = coordinatorInterface.decodeFunctionData(
    "fulfillBatchPacked",
    input,
  ) as unknown as readonly [keysetId: Hex, r: Hex, vs: Hex, count: bigint, items: Hex];
  const { chainId, deployment } = chain;
  return decodePackedItems(fromHex(items)).map(({ request }) =>
    requestId({ ...request, chainId: BigInt(chainId), coordinator: deployment.coordinator }),
  );
}

async function resumeMining(): Promise<void> {
  await chain.rpc("evm_setAutomine", true);
  await chain.rpc("evm_mine");
}

async function expectEachOnce(ids: readonly Hex[]): Promise<void> {
  for (const id of ids) {
    expect(await untilSettled(chain, id)).toMatchObject({
      fulfilled: 1,
      refunded: 0,
      status: UPSTREAM_FAILED,
    });
  }
  // A second transaction would be in one of the next blocks.
  await chain.rpc("anvil_mine", 3);
  for (const id of ids) expect(await outcomeOf(chain, id)).toMatchObject({ fulfilled: 1 });
}

test("answers that wait together are settled by one transaction under one signature", async () => {
  const ids = await askTogether();
  await enterWindow();
  const batches = await waitForBatches(ids);
  expect(batches).toHaveLength(1);
  await resumeMining();
  await expectEachOnce(ids);
  const used = new Set(await Promise.all(ids.map(async (id) => (await outcomeOf(chain, id)).tx)));
  expect([...used].sort()).toEqual(batches.map(({ hash }) => hash).sort());
});

test("a member that somebody else settles first costs the others nothing", async () => {
  const ids = await askTogether();
  await enterWindow();
  const [batch] = await waitForBatches(ids);
  if (batch === undefined) throw new TypeError("a batch was there");
  // Whoever sees a batch in the mempool may settle its first answers by themselves: any subset settles, with proofs, but the
  // whole batch copied at a higher price does as well, and is refused item by item when it comes second.
  const copier = await (await chain.provider.getSigner(9)).getAddress();
  const fee = `0x${(BigInt(batch.maxFeePerGas) * 3n).toString(16)}`;
  await chain.rpc("eth_sendTransaction", {
    ...{ from: copier, to: batch.to, data: batch.input, gas: batch.gas },
    ...{ maxFeePerGas: fee, maxPriorityFeePerGas: fee },
  });
  await resumeMining();
  await expectEachOnce(ids);
  const first = await outcomeOf(chain, requestIdsOf(batch.input)[0] ?? "0x");
  expect((await chain.provider.getTransaction(first.tx ?? ""))?.from).toBe(copier);
});

test("a batch that reverts as a whole is settled one by one", async () => {
  const ids = await askTogether();
  await enterWindow();
  const batches = await waitForBatches(ids);
  const { coordinator } = chain.deployment;
  const code = await chain.provider.getCode(coordinator);
  // PUSH1 0, PUSH1 0, REVERT: what the chain says between two blocks may be anything.
  await chain.rpc("anvil_setCode", coordinator, "0x60006000fd");
  await chain.rpc("evm_mine");
  await chain.rpc("anvil_setCode", coordinator, code);
  for (const { hash } of batches) expect((await chain.provider.getTransactionReceipt(hash))?.status).toBe(0);
  await resumeMining();
  await expectEachOnce(ids);
  const hashes = new Set(batches.map(({ hash }) => hash));
  for (const id of ids) {
    const { tx = "0x" } = await outcomeOf(chain, id);
    expect(hashes.has(tx)).toBe(false);
    expect((await chain.provider.getTransaction(tx))?.data.slice(0, 10)).toBe(FULFILL);
  }
});

test("an enclave that signs another batch than it was asked for is not believed; its answers still settle", async () => {
  const before = await chain.provider.getBlockNumber();
  enclave.changeBatch = (reply) => ({ ...reply, root: `0x${"ab".repeat(32)}` });
  const ids = await askTogether();
  await enterWindow();
  await resumeMining();
  await expectEachOnce(ids);
  expect(oracle.log()).toContain("EVIDENCE_BINDING_MISMATCH");
  const blocks = await Promise.all(
    Array.from({ length: (await chain.provider.getBlockNumber()) - before }, (_, number) =>
      chain.provider.getBlock(before + number + 1, true),
    ),
  );
  const calls = blocks
    .flatMap((block) => block?.prefetchedTransactions ?? [])
    .map(({ data }) => data.slice(0, 10));
  expect(calls).toContain(FULFILL);
  expect(calls).not.toContain(FULFILL_BATCH);
});
