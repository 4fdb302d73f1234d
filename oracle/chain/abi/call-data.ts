/**
 * Calls as the contract ABI lays them out (Solidity documentation, "Contract ABI Specification"): written by place, since
 * ethers builds its coders anew for each call, and a batch of answers has hundreds of words.
 */

import type { Answer } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import type { Request } from "../../../protocol/request.ts";

/** Digits of words that stand where they are named; or of what the word there points to. */
export type AbiPart = string | { readonly tail: string };

const DIGITS = 64;
const WORD_BYTES = 32;

/** @param selector 4 bytes */
export function encodeCall(selector: string, parts: readonly AbiPart[]): Hex {
  return `0x${selector.slice(2)}${layOut(parts)}`;
}

/** A struct or tuple that has a part of changing length. */
export function dynamicTuple(parts: readonly AbiPart[]): AbiPart {
  return { tail: layOut(parts) };
}

/** An array whose items have a changing length. */
export function dynamicArray(items: readonly AbiPart[]): AbiPart {
  return { tail: uint(items.length) + layOut(items) };
}

/** Byte strings are padded to whole words. */
export function bytes(value: Hex): AbiPart {
  const digits = value.length - 2;
  const padded = Math.ceil(digits / DIGITS) * DIGITS;
  return { tail: uint(digits / 2) + value.slice(2).padEnd(padded, "0") };
}

/** The caller has checked its range. */
export function uint(value: number | bigint): string {
  return value.toString(16).padStart(DIGITS, "0");
}

/** An address, or 32 bytes. */
export function word(value: Hex): string {
  return value.slice(2).padStart(DIGITS, "0");
}

/** In the order of the contract's struct (contracts/src/types/Request.sol), as are those of an answer. */
export function requestWords(request: Request): string {
  const { chainId, coordinator, consumer, requestedAt, nonce, context, payer, refundTo } = request;
  const { subscriptionId, payloadHash, payloadUriHash, policyId, threshold, aggregation } = request;
  const { delivery, callbackGasLimit, maxOutputBytes, fee, gasPriceCap, deadline } = request;
  return (
    uint(chainId) +
    [coordinator, consumer].map(word).join("") +
    [requestedAt, nonce].map(uint).join("") +
    [context, payer, refundTo].map(word).join("") +
    uint(subscriptionId) +
    [payloadHash, payloadUriHash, policyId].map(word).join("") +
    [threshold, aggregation, delivery, callbackGasLimit, maxOutputBytes].map(uint).join("") +
    [fee, gasPriceCap, deadline].map(uint).join("")
  );
}

export function answerWords(answer: Answer): string {
  const { requestId, status, outputHash, transcriptRoot, stateBlockHash, keysetId, answeredAt } = answer;
  return (
    word(requestId) +
    uint(status) +
    [outputHash, transcriptRoot, stateBlockHash, keysetId].map(word).join("") +
    uint(answeredAt)
  );
}

/** Heads first, then the tails in their order; offsets count from the first head. */
function layOut(parts: readonly AbiPart[]): string {
  const headDigits = parts.reduce((sum, part) => sum + (typeof part === "string" ? part.length : DIGITS), 0);
  let heads = "";
  let tails = "";
  for (const part of parts) {
    if (typeof part === "string") {
      heads += part;
    } else {
      heads += uint(((headDigits + tails.length) / DIGITS) * WORD_BYTES);
      tails += part.tail;
    }
  }
  return heads + tails;
}
