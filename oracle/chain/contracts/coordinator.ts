import type { Hex } from "../../../protocol/bytes.ts";
import { ChainError } from "../../../protocol/errors.ts";
import { data } from "../rpc/block.ts";
import { coordinatorInterface as coordinator } from "./contracts.ts";
import type { RpcPool } from "../rpc/rpc-pool.ts";

const ZERO_32: Hex = `0x${"00".repeat(32)}`;

export interface CoordinatorSettings {
  readonly fallbackWindowSeconds: number;
}

/** @throws {ChainError} also when there is no coordinator at the address */
export async function readCoordinatorSettings(rpc: RpcPool, address: Hex): Promise<CoordinatorSettings> {
  const call = { to: address, data: coordinator.encodeFunctionData("FALLBACK_WINDOW_SECONDS") };
  const result = await rpc.call("eth_call", [call, "latest"], data);
  if (result === "0x") {
    throw new ChainError({
      code: "CHAIN_REVERTED",
      message: "there is no contract at the coordinator's address",
      details: { coordinator: address },
    });
  }
  return { fallbackWindowSeconds: Number(BigInt(result)) };
}

/** The fields of a request that decide its escrow. Wei and gas. */
export interface EscrowTerms {
  readonly threshold: number;
  readonly aggregation: number;
  readonly delivery: number;
  readonly callbackGasLimit: number;
  readonly maxOutputBytes: number;
  readonly fee: bigint;
  readonly gasPriceCap: bigint;
}

const ZERO_ADDRESS: Hex = `0x${"00".repeat(20)}`;

/** Value to send with a request of these terms: fee, worst-case gas, and a rollup's data fee. */
export async function readRequiredEscrow(rpc: RpcPool, address: Hex, terms: EscrowTerms): Promise<bigint> {
  const { threshold, aggregation, delivery, callbackGasLimit, maxOutputBytes, fee, gasPriceCap } = terms;
  const asked = {
    ...{ threshold, aggregation, delivery, callbackGasLimit, maxOutputBytes, fee, gasPriceCap },
    context: ZERO_32,
    ...{ payer: ZERO_ADDRESS, refundTo: ZERO_ADDRESS, subscriptionId: 0, policyId: ZERO_32, deadline: 0 },
  };
  const call = { to: address, data: coordinator.encodeFunctionData("requiredEscrow", [asked]) };
  return BigInt(await rpc.call("eth_call", [call, "latest"], data));
}
