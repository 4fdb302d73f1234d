import { ChainError } from "../../protocol/errors.ts";
import type { BlockHeader } from "../chain/rpc/block.ts";

export interface Fees {
  readonly maxFee: bigint;
  readonly priorityFee: bigint;
}

/** Nodes accept a replacement from 10 % above (geth's price bump); 1/8 leaves room for rounding. */
const BUMP_DENOMINATOR = 8n;

/**
 * The fees to offer for the next blocks: room for the base fee to double (six full blocks, EIP-1559), never above `cap`.
 *
 * @throws {ChainError} CHAIN_UNDERPRICED when even the present base fee exceeds `cap`
 */
export function offerFees(head: BlockHeader, tip: bigint, cap: bigint): Fees {
  const base = head.baseFeePerGas ?? 0n;
  if (base > cap) {
    throw new ChainError({
      code: "CHAIN_UNDERPRICED",
      message: "the base fee is above the cap",
      details: { baseFee: base.toString(), cap: cap.toString() },
    });
  }
  const wanted = 2n * base + tip;
  const maxFee = wanted < cap ? wanted : cap;
  return { maxFee, priorityFee: tip < maxFee ? tip : maxFee };
}

/** The tip that coordinators repay where the base fee is lower still (`SettlementGas.repaidPrice`). */
const LEAST_REPAID_TIP = 2_000_000_000n;

/** The most of a tip that coordinators and agents' accounts repay. */
export function repaidTip(baseFee: bigint): bigint {
  return larger(baseFee, LEAST_REPAID_TIP);
}

export interface RaiseLimits {
  readonly baseFee: bigint;
  readonly cap: bigint;
}

/**
 * The least that a node takes in place of `previous`, or more where the market moved; `undefined` above `cap`, and where nothing but
 * the tip would be raised, beyond what the market asks for and anybody repays: it is compounded with each raise.
 */
export function raiseFees(previous: Fees, offer: Fees, { baseFee, cap }: RaiseLimits): Fees | undefined {
  const raise = (fee: bigint): bigint => fee + fee / BUMP_DENOMINATOR + 1n;
  const maxFee = larger(raise(previous.maxFee), offer.maxFee);
  const priorityFee = larger(raise(previous.priorityFee), offer.priorityFee);
  const paysWholeTip = previous.maxFee >= baseFee + previous.priorityFee;
  const isTipInVain = paysWholeTip && priorityFee > larger(offer.priorityFee, repaidTip(baseFee));
  if (maxFee > cap || isTipInVain) return undefined;
  return { maxFee, priorityFee: priorityFee < maxFee ? priorityFee : maxFee };
}

/** As a transaction names them. */
export function toWire(fees: Fees): { maxFeePerGas: bigint; maxPriorityFeePerGas: bigint } {
  return { maxFeePerGas: fees.maxFee, maxPriorityFeePerGas: fees.priorityFee };
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

export function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
