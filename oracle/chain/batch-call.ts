import type { Answer } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { BatchReply } from "../../protocol/enclave-api.ts";
import type { Request } from "../../protocol/request.ts";
import {
  answerWords,
  bytes,
  dynamicArray,
  dynamicTuple,
  encodeCall,
  requestWords,
  uint,
  word,
} from "./call-data.ts";
import { coordinatorInterface as coordinator } from "./contracts.ts";
import { NO_STATE_BLOCK, outputOnChain } from "./coordinator.ts";

const FULFILL_BATCH = coordinator.getFunction("fulfillBatch").selector;

/** One answer of a batch, and the request that it settles. */
export interface BatchItem {
  readonly request: Request;
  readonly answer: Answer;
  readonly output: Hex;
}

/** @param items the whole batch, in ascending order of their leaves: so the contract needs no proofs */
export function encodeFulfillBatch(items: readonly BatchItem[], { root, count, signature }: BatchReply): Hex {
  const wire = items.map(({ request, answer, output }) =>
    dynamicTuple([
      requestWords(request),
      answerWords(answer),
      bytes(outputOnChain(request, output)),
      uint(NO_STATE_BLOCK),
    ]),
  );
  const proofs = dynamicArray([]);
  return encodeCall(FULFILL_BATCH, [dynamicArray(wire), word(root), uint(count), proofs, bytes(signature)]);
}

/** The transaction, the signature, the tree, the payee's credit, and the calldata of what is not an item. */
const BATCH_GAS = 120_000;
/**
 * Settling one item apart from its callback and its calldata: about 40,000 with cold storage, 22,100 of it where the
 * requester's account gets its first credit. Unused gas is not paid; too little would lose the whole batch.
 */
const ITEM_GAS = 80_000;
/** `Callback.CALL_RESERVE_GAS`, and what rounding takes. */
const CALLBACK_RESERVE_GAS = 6_000;
/** Words of an item: 19 of the request, 7 of the answer, and offsets and lengths. */
const ITEM_BYTES = 30 * 32;
/** EIP-7623: the floor for a byte that is not zero; copying and hashing it are in what a zero costs less. */
const GAS_PER_CALLDATA_BYTE = 40;

/** Gas that an item adds to its batch, at most. */
export function batchItemGas({ request, output }: Pick<BatchItem, "request" | "output">): number {
  // EIP-150 hands on 63/64 of what is left; the contract refuses to call with less than it promised.
  const callback = Math.ceil((request.callbackGasLimit * 64) / 63) + CALLBACK_RESERVE_GAS;
  const bytes = ITEM_BYTES + (outputOnChain(request, output).length - 2) / 2;
  return ITEM_GAS + callback + GAS_PER_CALLDATA_BYTE * bytes;
}

export function batchGasLimit(items: readonly Pick<BatchItem, "request" | "output">[]): number {
  return items.reduce((sum, item) => sum + batchItemGas(item), BATCH_GAS);
}
