/** Arbitrum and the OP Stack, by their servers' documented replies: what the node makes of blocks, receipts and fees. */

import { afterEach, describe, expect, test } from "vitest";
import { readTip } from "../../../oracle/transmitter/tip.ts";
import { Confirmations } from "../../../oracle/transmitter/confirmations.ts";
import { DataPricing } from "../../../oracle/chain/data-price.ts";
import { chainAdapterInterface, registryInterface } from "../../../oracle/chain/contracts/contracts.ts";
import { BlockHeader } from "../../../oracle/chain/rpc/block.ts";
import { RpcEndpoint } from "../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../oracle/log.ts";
import type { OpenTransaction } from "../../../oracle/store/transactions/transaction.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import {
  ADAPTER,
  ARBITRUM_BLOCK,
  ARBITRUM_FEES,
  ARBITRUM_RECEIPT,
  arbitrumDataFee,
  OP_BLOCK,
  OP_FEES,
  OP_RECEIPT,
  opDataFee,
} from "../support/rollup-replies.ts";
import { type RpcTap, type RpcTapOptions, tapRpc } from "../support/rpc-tap.ts";

const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
const REGISTRY: Hex = `0x${"0e".repeat(20)}`;
const ARB_SYS = "0x0000000000000000000000000000000000000064";
const UNKNOWN_METHOD = {
  error: { code: -32_601, message: "the method eth_maxPriorityFeePerGas does not exist/is not available" },
};
const taps: RpcTap[] = [];

afterEach(async () => {
  await Promise.all(taps.splice(0).map((tap) => tap.close()));
});

async function poolOf(answer: NonNullable<RpcTapOptions["answer"]>): Promise<RpcPool> {
  const tap = await tapRpc({ answer });
  taps.push(tap);
  const endpoint = new RpcEndpoint({ url: tap.url, timeoutMs: 5_000, log, now: () => 0 });
  return new RpcPool({ endpoints: [endpoint], log, now: () => 0 });
}

const word = (value: bigint): string => `0x${value.toString(16).padStart(64, "0")}`;

/** A server of a chain whose registry names an adapter, and whose adapter charges for bytes. */
async function pricingOf(arbSysCode: Hex, dataFee: (bytes: bigint) => bigint): Promise<DataPricing> {
  const rpc = await poolOf(({ method, params: [first] }) => {
    if (method === "eth_getCode") return { result: first === ARB_SYS ? arbSysCode : "0x" };
    const { to, data = "0x" } = first as { readonly to: Hex; readonly data?: Hex };
    if (to === REGISTRY && data === registryInterface.getFunction("CHAIN").selector)
      return { result: word(BigInt(ADAPTER)) };
    const [bytes] = chainAdapterInterface.decodeFunctionData("dataFee", data) as unknown as [bigint];
    return { result: word(dataFee(bytes)) };
  });
  return new DataPricing({ rpc, registry: REGISTRY, now: () => 0 });
}

describe.for([
  { stack: "Arbitrum", block: ARBITRUM_BLOCK, receipt: ARBITRUM_RECEIPT, state: "mined" },
  { stack: "the OP Stack", block: OP_BLOCK, receipt: OP_RECEIPT, state: "failed" },
] as const)("on $stack", ({ block, receipt, state }) => {
  test("a block is read, whatever else is in it", () => {
    const header = BlockHeader.parse(block);
    expect(header).toMatchObject({ number: Number(block.number), hash: block.hash });
    expect(header.gasLimit).toBe(Number(block.gasLimit));
    expect(header.baseFeePerGas).toBe(BigInt(block.baseFeePerGas));
  });

  test("a receipt ends the transaction in its block of the rollup, never in the parent chain's", async () => {
    const asked: unknown[] = [];
    const rpc = await poolOf(({ params: [hash] }) => {
      asked.push(hash);
      return { result: hash === receipt.transactionHash ? receipt : null };
    });
    const signer = receipt.from as Hex;
    const raised: Hex = `0x${"99".repeat(32)}`;
    const attempts = [raised, receipt.transactionHash as Hex].map((hash) => ({ hash }));
    const pending = [{ id: 7, signer, nonce: 4, attempts }] as unknown as OpenTransaction[];
    const outcomes = await new Confirmations({ rpc, now: () => 0 }).read(pending, new Map([[signer, 5]]));
    expect(outcomes).toEqual([
      { id: 7, state, block: { number: Number(receipt.blockNumber), hash: receipt.blockHash } },
    ]);
    expect(asked).toHaveLength(2);
  });
});

const SIZES = [0, 4, 68, 100, 132, 500, 1_300, 9_000, 60_000, 131_071, 131_072, 200_000];

describe("the fee for data", () => {
  test("of Arbitrum is in the gas limit, at its base fee", async () => {
    const head = BlockHeader.parse(ARBITRUM_BLOCK);
    const price = await (await pricingOf("0xfe", arbitrumDataFee)).read(head);
    for (const bytes of SIZES) {
      const paid = BigInt(price.gas(bytes)) * BigInt(ARBITRUM_BLOCK.baseFeePerGas);
      expect(paid).toBeGreaterThanOrEqual(arbitrumDataFee(BigInt(bytes)));
      expect(paid).toBeLessThan(2n * arbitrumDataFee(BigInt(bytes)));
      expect(price.wei(bytes)).toBe(0n);
    }
  });

  test("of the OP Stack is beside the gas, and covers Fjord's bound with its floor and its steps", async () => {
    const price = await (await pricingOf("0x", opDataFee)).read(BlockHeader.parse(OP_BLOCK));
    for (const bytes of SIZES) {
      expect(price.wei(bytes)).toBeGreaterThanOrEqual(opDataFee(BigInt(bytes)));
      expect(price.wei(bytes)).toBeLessThan(2n * opDataFee(BigInt(bytes)));
      expect(price.gas(bytes)).toBe(0);
    }
    // The transaction of the receipt paid less than what is kept ready for one of its size.
    expect(price.wei(1_300)).toBeGreaterThan(BigInt(OP_RECEIPT.l1Fee) / 10n);
  });
});

describe("the tip", () => {
  test.for([
    ["is none on Arbitrum, whose server suggests none", ARBITRUM_FEES, { result: "0x0" }, 0n],
    ["is what op-geth suggests", OP_FEES, { result: "0xf4240" }, 1_000_000n],
    ["is what blocks paid where op-geth's suggestion is not served", OP_FEES, UNKNOWN_METHOD, 1_000_000n],
    ["is none on Arbitrum where no suggestion is served", ARBITRUM_FEES, UNKNOWN_METHOD, 0n],
  ] as const)("%s", async ([, fees, suggestion, tip]) => {
    const rpc = await poolOf(({ method }) => (method === "eth_feeHistory" ? { result: fees } : suggestion));
    expect(await readTip(rpc)).toBe(tip);
  });
});
