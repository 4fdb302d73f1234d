import { toCompactSignature } from "../../../protocol/answer.ts";
import { type Hex, toHex } from "../../../protocol/bytes.ts";
import type { BatchReply } from "../../../protocol/enclave-api.ts";
import { encodePackedBatch } from "../../../protocol/packed-item.ts";
import type { Request } from "../../../protocol/request.ts";
import { bytes, encodeCall, uint, word } from "../abi/call-data.ts";
import { coordinatorInterface as coordinator } from "./contracts.ts";
import { carriesOutput, type SettlingAnswer, toPacked } from "./settlement-call.ts";

const FULFILL_BATCH = coordinator.getFunction("fulfillBatchPacked").selector;

/** One answer of a batch, and the request that it settles. */
export interface BatchItem extends SettlingAnswer {
  readonly request: Request;
}

/** @param items the whole batch, all of the keyset that signed it */
export function encodeFulfillBatch(items: readonly BatchItem[], keysetId: Hex, batch: BatchReply): Hex {
  const { r, vs } = toCompactSignature(batch.signature);
  const packed = toHex(encodePackedBatch(items.map((item) => toPacked(item.request, item))));
  return encodeCall(FULFILL_BATCH, [word(keysetId), word(r), word(vs), uint(batch.count), bytes(packed)]);
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
/** Of an item without its output (docs/reference/protocol.md, Packed settlement): seven words and two hashes at most. */
const ITEM_BYTES = 9 * 32;
/** EIP-7623: the floor for a byte that is not zero; copying and hashing it are in what a zero costs less. */
const GAS_PER_CALLDATA_BYTE = 40;

/** Gas that an item adds to its batch, at most. */
export function batchItemGas(item: Pick<BatchItem, "request" | "output">): number {
  const { request } = item;
  // EIP-150 hands on 63/64 of what is left; the contract refuses to call with less than it promised.
  const callback = Math.ceil((request.callbackGasLimit * 64) / 63) + CALLBACK_RESERVE_GAS;
  return ITEM_GAS + callback + GAS_PER_CALLDATA_BYTE * batchItemBytes(item);
}

/** Bytes that an item adds to its batch's calldata, at most. */
export function batchItemBytes({ request, output }: Pick<BatchItem, "request" | "output">): number {
  return ITEM_BYTES + (carriesOutput(request) ? (output.length - 2) / 2 : 0);
}

export function batchGasLimit(items: readonly Pick<BatchItem, "request" | "output">[]): number {
  return items.reduce((sum, item) => sum + batchItemGas(item), BATCH_GAS);
}
