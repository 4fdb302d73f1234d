/** A consumer's request. `requestId` commits to every field; the chain stores the commitment and its block only. */

import * as z from "zod";
import type { Hex } from "./bytes.ts";
import { address, bytes32, uint24, uint256, uint32, uint40, uint64, uint8, uint96 } from "./fields.ts";
import { addressWord, bytes32Word, hashWords, keccakText, uintWord } from "./struct-hash.ts";

/** How several answers become one. `median` orders int256, `medianUnsigned` uint256. */
export const Aggregation = { first: 0, identical: 1, median: 2, medianUnsigned: 3 } as const;
/** How the answer reaches the consumer. */
export const Delivery = { callback: 0, hash: 1, pull: 2 } as const;

export const Request = z.strictObject({
  chainId: uint256,
  coordinator: address,
  consumer: address,
  requestedAt: uint40,
  nonce: uint32,
  context: bytes32,
  payer: address,
  refundTo: address,
  subscriptionId: uint64,
  payloadHash: bytes32,
  payloadUriHash: bytes32,
  policyId: bytes32,
  threshold: uint8.min(1),
  aggregation: uint8.max(Aggregation.medianUnsigned),
  delivery: uint8.max(Delivery.pull),
  callbackGasLimit: uint32,
  maxOutputBytes: uint24,
  fee: uint96,
  gasPriceCap: uint64,
  deadline: uint40,
});
export type Request = z.output<typeof Request>;
/** The JSON form. */
export type RequestWire = z.input<typeof Request>;

export const REQUEST_TYPE =
  "Request(uint256 chainId,address coordinator,address consumer,uint40 requestedAt,uint32 nonce,bytes32 context," +
  "address payer,address refundTo,uint64 subscriptionId,bytes32 payloadHash,bytes32 payloadUriHash,bytes32 policyId," +
  "uint8 threshold,uint8 aggregation,uint8 delivery,uint32 callbackGasLimit,uint24 maxOutputBytes,uint96 fee," +
  "uint64 gasPriceCap,uint40 deadline)";
export const REQUEST_TYPEHASH = keccakText(REQUEST_TYPE);

/** `requestId`: docs/reference/protocol.md, Request. */
export function requestId(request: Request): Hex {
  return hashWords(REQUEST_TYPEHASH, [
    uintWord(request.chainId),
    addressWord(request.coordinator),
    addressWord(request.consumer),
    uintWord(request.requestedAt),
    uintWord(request.nonce),
    bytes32Word(request.context),
    addressWord(request.payer),
    addressWord(request.refundTo),
    uintWord(request.subscriptionId),
    bytes32Word(request.payloadHash),
    bytes32Word(request.payloadUriHash),
    bytes32Word(request.policyId),
    uintWord(request.threshold),
    uintWord(request.aggregation),
    uintWord(request.delivery),
    uintWord(request.callbackGasLimit),
    uintWord(request.maxOutputBytes),
    uintWord(request.fee),
    uintWord(request.gasPriceCap),
    uintWord(request.deadline),
  ]);
}
