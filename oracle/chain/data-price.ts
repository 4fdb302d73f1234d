/**
 * What a rollup charges for a transaction's bytes, by the adapter that the chain's contracts ask themselves. On OP Stack chains it is
 * taken from the balance beside the gas; on Arbitrum it is a part of the gas, so that a limit without it is refused
 * ("intrinsic gas too low") whatever the call needs. On chains with Ethereum's rules there is no adapter, and nothing to pay.
 */

import type { Hex } from "../../protocol/bytes.ts";
import { encodeCall, uint } from "./abi/call-data.ts";
import { chainAdapterInterface, registryInterface } from "./contracts/contracts.ts";
import { bigQuantity, data, type BlockHeader } from "./rpc/block.ts";
import type { RpcPool } from "./rpc/rpc-pool.ts";

export interface DataPrice {
  /** Gas that the limit of a transaction needs for calldata of so many bytes, beside what it executes. */
  gas(calldataBytes: number): number;
  /** Wei that its sender needs beside gas. */
  wei(calldataBytes: number): bigint;
}

export const FREE_DATA: DataPrice = { gas: () => 0, wei: () => 0n };

export type ReadDataPrice = (head: BlockHeader) => Promise<DataPrice>;

/** Of Arbitrum's precompiles: there is code at ArbSys, of one invalid instruction. */
const ARB_SYS: Hex = "0x0000000000000000000000000000000000000064";
const DATA_FEE = chainAdapterInterface.getFunction("dataFee").selector;
const CHAIN = registryInterface.getFunction("CHAIN").selector;
/** Prices are read at no bytes and at so many: both adapters charge by a straight line, with a floor at most. */
const MEASURED_BYTES = 131_072;
/** The parent chain's price may rise until a transaction is mined; on Arbitrum a limit that was not used is not paid. */
const HEADROOM_PERCENT = 50n;
/** Milliseconds that a price holds which was read. */
const HOLDS_MS = 3_000;

type Rules =
  { readonly kind: "ethereum" } | { readonly kind: "beside-gas" | "within-gas"; readonly adapter: Hex };

export interface DataPricingOptions {
  readonly rpc: Pick<RpcPool, "call">;
  readonly registry: Hex;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Reads the price anew every few seconds, and the chain's rules once. */
export class DataPricing {
  readonly #options: DataPricingOptions;
  #rules: Rules | undefined;
  #last: { readonly none: bigint; readonly measured: bigint; readonly readAt: number } | undefined;

  constructor(options: DataPricingOptions) {
    this.#options = options;
  }

  /** @throws {ChainError} CHAIN_RPC_UNAVAILABLE */
  async read({ baseFeePerGas = 0n }: BlockHeader): Promise<DataPrice> {
    const { now } = this.#options;
    this.#rules ??= await this.#readRules();
    const rules = this.#rules;
    if (rules.kind === "ethereum") return FREE_DATA;
    if (this.#last === undefined || now() - this.#last.readAt > HOLDS_MS) {
      const [none, measured] = await Promise.all([
        this.#dataFee(rules.adapter, 0),
        this.#dataFee(rules.adapter, MEASURED_BYTES),
      ]);
      this.#last = { none, measured, readAt: now() };
    }
    const { none, measured } = this.#last;
    const wei = (bytes: number): bigint => {
      const fee = none + ((measured - none) * BigInt(bytes)) / BigInt(MEASURED_BYTES) + 1n;
      return fee + (fee * HEADROOM_PERCENT) / 100n;
    };
    if (rules.kind === "beside-gas") return { gas: () => 0, wei };
    const perGas = baseFeePerGas === 0n ? 1n : baseFeePerGas;
    return { gas: (bytes) => Number(wei(bytes) / perGas + 1n), wei: () => 0n };
  }

  async #readRules(): Promise<Rules> {
    const { rpc, registry } = this.#options;
    const returned = await rpc.call(
      "eth_call",
      [{ to: registry, data: encodeCall(CHAIN, []) }, "latest"],
      data,
    );
    const adapter: Hex = `0x${returned.slice(-40)}`;
    if (BigInt(adapter) === 0n) return { kind: "ethereum" };
    const code = await rpc.call("eth_getCode", [ARB_SYS, "latest"], data);
    return { kind: code === "0x" ? "beside-gas" : "within-gas", adapter };
  }

  #dataFee(adapter: Hex, bytes: number): Promise<bigint> {
    const call = { to: adapter, data: encodeCall(DATA_FEE, [uint(bytes)]) };
    return this.#options.rpc.call("eth_call", [call, "latest"], bigQuantity);
  }
}
