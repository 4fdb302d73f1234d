import type { Hex } from "../../protocol/bytes.ts";

import type { Answer } from "../../protocol/answer.ts";
import { AdytonError, ChainError } from "../../protocol/errors.ts";
import { Aggregation, Delivery, Request, requestId as requestIdOf } from "../../protocol/request.ts";
import type { Log } from "./block.ts";
import { data } from "./block.ts";
import { AbiWords } from "./abi-words.ts";
import type { AbiPart } from "./call-data.ts";
import {
  answerWords,
  bytes,
  dynamicArray,
  dynamicTuple,
  encodeCall,
  requestWords,
  uint,
} from "./call-data.ts";
import { coordinatorInterface as coordinator } from "./contracts.ts";
import type { RequestedEvent, SettledEvent } from "./events.ts";
import type { RpcPool } from "./rpc-pool.ts";

const ZERO_32: Hex = `0x${"00".repeat(32)}`;

const topicOf = (event: "Requested" | "Fulfilled" | "Refunded"): string =>
  coordinator.getEvent(event).topicHash;
const REQUESTED = topicOf("Requested");
const FULFILLED = topicOf("Fulfilled");
const REFUNDED = topicOf("Refunded");

const selectorOf = (name: "fulfill" | "fulfillQuorum" | "refund"): string =>
  coordinator.getFunction(name).selector;
const FULFILL = selectorOf("fulfill");
const FULFILL_QUORUM = selectorOf("fulfillQuorum");
const REFUND = selectorOf("refund");

/**
 * A coordinator's log as an event; `undefined` for logs that settle nothing. A `Requested` whose requestId does not follow
 * from its fields is not this contract's word: the address in the configuration is wrong.
 *
 * @throws {ChainError} CHAIN_RPC_DISAGREEMENT for such a log, and for one that has not its event's form
 */
export function decodeCoordinatorLog(log: Log): RequestedEvent | SettledEvent | undefined {
  try {
    switch (log.topics[0]) {
      case REQUESTED:
        return toRequested(log, new AbiWords(log.data));
      case FULFILLED:
        return toFulfilled(log, new AbiWords(log.data));
      case REFUNDED:
        return toSettled(log, "refunded");
      default:
        return undefined;
    }
  } catch (cause) {
    if (cause instanceof AdytonError) throw cause;
    throw disagreement("an event of the coordinator has another form than its signature says", log, cause);
  }
}

function toRequested(log: Log, words: AbiWords): RequestedEvent {
  const request = toRequest(words);
  const id = requestIdIn(log);
  if (requestIdOf(request) !== id || request.coordinator !== log.address) {
    throw disagreement(
      "a Requested event whose requestId does not follow from its fields: wrong contract or wrong node",
      log,
    );
  }
  return {
    kind: "requested",
    requestId: id,
    request,
    payload: words.bytes(REQUEST_WORDS),
    payloadUri: words.text(REQUEST_WORDS + 1),
    ...position(log),
  };
}

/** `Fulfilled(requestId indexed, keysetId indexed, status, outputHash, delivered, paid)` */
function toFulfilled(log: Log, words: AbiWords): SettledEvent {
  return {
    ...toSettled(log, "fulfilled"),
    status: words.number(0),
    keysetId: topic(log, 2),
    callbackSucceeded: words.bool(2),
  };
}

function toSettled(log: Log, how: SettledEvent["how"]): SettledEvent {
  return {
    kind: "settled",
    requestId: requestIdIn(log),
    how,
    status: 0,
    keysetId: ZERO_32,
    callbackSucceeded: null,
    ...position(log),
  };
}

/** Fields of a `Request`, a word each, in the order of contracts/src/types/Request.sol. */
const REQUEST_WORDS = 19;

/** The protocol's own schema takes the fields, and refuses what does not fit them. */
function toRequest(words: AbiWords): Request {
  const decimal = (index: number): string => words.uint(index).toString();
  return Request.parse({
    chainId: decimal(0),
    coordinator: words.address(1),
    consumer: words.address(2),
    nonce: decimal(3),
    payer: words.address(4),
    refundTo: words.address(5),
    subscriptionId: decimal(6),
    payloadHash: words.word(7),
    payloadUriHash: words.word(8),
    policyId: words.word(9),
    policyVersion: words.number(10),
    threshold: words.number(11),
    aggregation: words.number(12),
    delivery: words.number(13),
    callbackGasLimit: words.number(14),
    maxOutputBytes: words.number(15),
    fee: decimal(16),
    gasPriceCap: decimal(17),
    deadline: decimal(18),
  });
}

function requestIdIn(log: Log): Hex {
  return topic(log, 1);
}

function topic(log: Log, index: number): Hex {
  const found = log.topics[index];
  if (found === undefined) throw new RangeError("the event has too few topics");
  return found;
}

function disagreement(message: string, log: Log, cause?: unknown): ChainError {
  return new ChainError({
    code: "CHAIN_RPC_DISAGREEMENT",
    message,
    details: { requestId: log.topics[1] ?? null, coordinator: log.address },
    cause,
  });
}

export interface SettlingAnswer {
  readonly answer: Answer;
  readonly signature: Hex;
  readonly output: Hex;
}

/** Output travels on chain only where the contract hands it on; otherwise its hash is the answer. */
function carriesOutput({ delivery, aggregation }: Request): boolean {
  return delivery === Delivery.callback || aggregation === Aggregation.median;
}

export function outputOnChain(request: Request, output: Hex): Hex {
  return carriesOutput(request) ? output : "0x";
}

/** `stateBlockNumber`: no answer speaks of a state of the chain yet. */
export const NO_STATE_BLOCK = 0;

function toSigned(request: Request, { answer, signature, output }: SettlingAnswer): AbiPart {
  return dynamicTuple([
    answerWords(answer),
    bytes(signature),
    bytes(outputOnChain(request, output)),
    uint(NO_STATE_BLOCK),
  ]);
}

export function encodeFulfill(request: Request, answer: SettlingAnswer): Hex {
  return encodeCall(FULFILL, [requestWords(request), toSigned(request, answer)]);
}

export function encodeFulfillQuorum(request: Request, answers: readonly SettlingAnswer[]): Hex {
  const signed = dynamicArray(answers.map((answer) => toSigned(request, answer)));
  return encodeCall(FULFILL_QUORUM, [requestWords(request), signed]);
}

export function encodeRefund(request: Request): Hex {
  return encodeCall(REFUND, [requestWords(request)]);
}

/** The 21,000 of every transaction, and a margin. Unused gas is not paid. */
const TRANSACTION_GAS = 60_000;
/** The storage that settling with one answer reads and writes (SettlementGas.PER_ANSWER). */
const GAS_PER_ANSWER = 140_000;
/** Calldata of one answer without its output, rounded up (SettlementGas.CALLDATA_BYTES). */
const CALLDATA_BYTES = 1_300;
/** EIP-7623 floor for a byte that is not zero (40), and copying and hashing it. */
const GAS_PER_CALLDATA_BYTE = 48;
const REFUND_GAS = 200_000;

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

export function refundGasLimit(calldata: Hex): number {
  return REFUND_GAS + GAS_PER_CALLDATA_BYTE * ((calldata.length - 2) / 2);
}

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

/** What of a request decides its escrow. Wei and gas. */
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
    ...{ payer: ZERO_ADDRESS, refundTo: ZERO_ADDRESS, subscriptionId: 0, policyId: ZERO_32, deadline: 0 },
  };
  const call = { to: address, data: coordinator.encodeFunctionData("requiredEscrow", [asked]) };
  return BigInt(await rpc.call("eth_call", [call, "latest"], data));
}

function position(log: Log): Pick<RequestedEvent, "blockNumber" | "blockHash" | "txHash" | "logIndex"> {
  return {
    blockNumber: log.blockNumber,
    blockHash: log.blockHash,
    txHash: log.transactionHash,
    logIndex: log.logIndex,
  };
}
