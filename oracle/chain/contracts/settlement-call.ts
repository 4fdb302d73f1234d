/** A call that settles a request of one answer: calldata, and the gas to send with it. */

import { type Answer, toCompactSignature } from "../../../protocol/answer.ts";
import { fromHex, type Hex, toHex } from "../../../protocol/bytes.ts";
import { encodePackedItem, type PackedSettlement } from "../../../protocol/packed-item.ts";
import { Aggregation, Delivery, type Request } from "../../../protocol/request.ts";
import { bytes, encodeCall, requestWords, word } from "../abi/call-data.ts";
import { coordinatorInterface as coordinator } from "./contracts.ts";

const FULFILL = coordinator.getFunction("fulfillPacked").selector;
const REFUND = coordinator.getFunction("refund").selector;

/** An answer, and what the contract must be told beside it. */
export interface SettlingAnswer {
  readonly answer: Answer;
  readonly output: Hex;
  /** Of the block whose hash the answer signs; the contract looks the hash up. */
  readonly stateBlockNumber: bigint;
}

/** Output travels on chain only where the contract hands it on or computes with it; otherwise its hash is the answer. */
export function carriesOutput({ delivery, aggregation }: Request): boolean {
  return delivery === Delivery.callback || aggregation >= Aggregation.median;
}

/** As packed calldata takes it. */
export function toPacked(
  request: Request,
  { answer, output, stateBlockNumber }: SettlingAnswer,
): PackedSettlement {
  return { request, answer, stateBlockNumber, output: carriesOutput(request) ? fromHex(output) : null };
}

export function encodeFulfill(request: Request, settling: SettlingAnswer, signature: Hex): Hex {
  const { r, vs } = toCompactSignature(signature);
  const item = toHex(encodePackedItem(toPacked(request, settling), null));
  return encodeCall(FULFILL, [word(settling.answer.keysetId), word(r), word(vs), bytes(item)]);
}

export function encodeRefund(request: Request): Hex {
  return encodeCall(REFUND, [requestWords(request)]);
}

/** The 21,000 of every transaction, and a margin. Unused gas is not paid. */
export const TRANSACTION_GAS = 60_000;
/** The storage that settling with one answer reads and writes (SettlementGas.PER_ANSWER). */
export const GAS_PER_ANSWER = 140_000;
/** Calldata of one answer without its output, rounded up (SettlementGas.CALLDATA_BYTES). */
const CALLDATA_BYTES = 1_300;
/** EIP-7623 floor for a byte that is not zero (40), and copying and hashing it. */
export const GAS_PER_CALLDATA_BYTE = 48;
const REFUND_GAS = 200_000;

/** @param calldata of a settlement with `threshold` answers */
export function fulfillGasLimit(request: Request, calldata: Hex): number {
  return gasLimitFor(request, (calldata.length - 2) / 2);
}

/** The most that settling the request can take: all answers as long as they may be. */
export function worstGasLimit(request: Request): number {
  const output = carriesOutput(request) ? 32 * Math.ceil(request.maxOutputBytes / 32) : 0;
  return gasLimitFor(request, request.threshold * (CALLDATA_BYTES + output));
}

function gasLimitFor({ threshold, callbackGasLimit }: Request, calldataBytes: number): number {
  // EIP-150 hands on 63/64 of what is left; the contract refuses to call with less than it promised.
  const callback = Math.ceil((callbackGasLimit * 64) / 63);
  return TRANSACTION_GAS + GAS_PER_ANSWER * threshold + callback + GAS_PER_CALLDATA_BYTE * calldataBytes;
}

/** A refund of a callback request tells the consumer, with the gas of its callback. */
export function refundGasLimit(request: Request, calldata: Hex): number {
  const callback = Math.ceil((request.callbackGasLimit * 64) / 63);
  return REFUND_GAS + callback + GAS_PER_CALLDATA_BYTE * ((calldata.length - 2) / 2);
}
