/**
 * A settlement as `fulfillPacked` and `fulfillBatchPacked` take it: the request and its answer without padding, and without
 * what the item before it said already. docs/reference/protocol.md, Packed calldata.
 */

import { answerStructHash, type Answer } from "./answer.ts";
import { batchLeaf } from "./batch.ts";
import { ByteCursor, uintBytes } from "./byte-cursor.ts";
import { concatBytes, fromHex, toHex, type Hex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import type { Request } from "./request.ts";
import { keccak } from "./struct-hash.ts";

/** Bits of an item's flags. */
const FLAG = {
  payloadUriHash: 1,
  context: 2,
  /** Its tail ends in the output's hash: for deliveries that bring no output to the chain. */
  outputHash: 4,
  samePayer: 8,
  sameRefund: 16,
  samePolicy: 32,
  stateBlockHash: 64,
  /** refundTo is the payer. */
  payerRefunded: 128,
} as const;

const LENGTH_BYTES = 3;
const NO_HASH: Hex = `0x${"00".repeat(32)}`;

export interface PackedSettlement {
  readonly request: Request;
  readonly answer: Answer;
  readonly stateBlockNumber: bigint;
  /**
   * Whether the item brings the block's hash: where the chain knows it no longer, a batch has its leaf by that, and settles
   * without it.
   */
  readonly bringsStateBlockHash?: boolean;
  /** null where the hash is enough: hash and pull deliveries. */
  readonly output: Uint8Array | null;
}

/** An item's own fields: the chain adds its id, the coordinator, the keyset of the call, and the block's hash. */
export interface UnpackedSettlement extends Pick<PackedSettlement, "stateBlockNumber" | "output"> {
  readonly request: Omit<Request, "chainId" | "coordinator">;
  readonly answer: Pick<Answer, "status" | "outputHash" | "transcriptRoot" | "answeredAt">;
  /** null where the chain looks it up. */
  readonly stateBlockHash: Hex | null;
}

/** @param before the item before it in the same call, if there is one */
export function encodePackedItem(
  settlement: PackedSettlement,
  before: PackedSettlement | null,
): Uint8Array<ArrayBuffer> {
  const { request, answer, stateBlockNumber, output } = settlement;
  const bringsStateBlockHash = settlement.bringsStateBlockHash ?? false;
  const [payer, refund, policy] = sharedWords(request);
  const [samePayer, sameRefund, samePolicy] = sharedWords(before?.request ?? null);
  const isRefundShared = refund === sameRefund;
  const isPayerRefunded = !isRefundShared && request.refundTo === request.payer;
  const flags =
    (request.payloadUriHash === NO_HASH ? 0 : FLAG.payloadUriHash) |
    (request.context === NO_HASH ? 0 : FLAG.context) |
    (output === null ? FLAG.outputHash : 0) |
    (payer === samePayer ? FLAG.samePayer : 0) |
    (isRefundShared ? FLAG.sameRefund : 0) |
    (isPayerRefunded ? FLAG.payerRefunded : 0) |
    (policy === samePolicy ? FLAG.samePolicy : 0) |
    (bringsStateBlockHash ? FLAG.stateBlockHash : 0);
  const behindLength = concatBytes(
    uintBytes(request.subscriptionId, 8),
    uintBytes(request.deadline, 5),
    uintBytes(request.threshold, 1),
    uintBytes(request.aggregation, 1),
    uintBytes(request.delivery, 1),
    uintBytes(flags, 1),
    uintBytes(answer.status, 1),
    uintBytes(answer.answeredAt, 5),
    uintBytes(stateBlockNumber, 6),
    fromHex(request.consumer, 20),
    uintBytes(request.requestedAt, 5),
    uintBytes(request.nonce, 4),
    uintBytes(request.maxOutputBytes, 3),
    payer === samePayer ? new Uint8Array() : fromHex(payer),
    isRefundShared ? new Uint8Array() : fromHex(refund).subarray(isPayerRefunded ? 20 : 0),
    policy === samePolicy ? new Uint8Array() : fromHex(policy),
    fromHex(request.payloadHash, 32),
    fromHex(answer.transcriptRoot, 32),
    request.payloadUriHash === NO_HASH ? new Uint8Array() : fromHex(request.payloadUriHash, 32),
    request.context === NO_HASH ? new Uint8Array() : fromHex(request.context, 32),
    bringsStateBlockHash ? fromHex(answer.stateBlockHash, 32) : new Uint8Array(),
    output ?? fromHex(answer.outputHash, 32),
  );
  return concatBytes(uintBytes(LENGTH_BYTES + behindLength.length, LENGTH_BYTES), behindLength);
}

/** The words that an item may share with the one before it. */
function sharedWords(request: Request | null): readonly [payer: Hex, refund: Hex, policy: Hex] {
  if (request === null) return ["0x", "0x", "0x"];
  const { payer, fee, refundTo, gasPriceCap, callbackGasLimit, policyId } = request;
  return [
    toHex(concatBytes(fromHex(payer, 20), uintBytes(fee, 12))),
    toHex(concatBytes(fromHex(refundTo, 20), uintBytes(gasPriceCap, 8), uintBytes(callbackGasLimit, 4))),
    policyId,
  ];
}

/** The items of `fulfillBatchPacked`: the whole of a batch, in the order of its leaves. */
export function encodePackedBatch(settlements: readonly PackedSettlement[]): Uint8Array<ArrayBuffer> {
  const sorted = settlements
    .map((settlement) => ({ settlement, leaf: batchLeaf(answerStructHash(settlement.answer)) }))
    .sort((a, b) => (a.leaf < b.leaf ? -1 : 1))
    .map(({ settlement }) => settlement);
  return concatBytes(
    ...sorted.map((settlement, index) => encodePackedItem(settlement, sorted[index - 1] ?? null)),
  );
}

/**
 * The items of `fulfillPacked` or `fulfillBatchPacked`, read as the coordinator reads them.
 *
 * @throws {InputError} INPUT_INVALID for bytes that are no items, or a first one that shares words with none
 */
export function decodePackedItems(items: Uint8Array): readonly UnpackedSettlement[] {
  const cursor = new ByteCursor(items);
  const settlements: UnpackedSettlement[] = [];
  while (cursor.remaining > 0) {
    const length = cursor.uint(LENGTH_BYTES);
    const item = new ByteCursor(cursor.bytes(Math.max(0, length - LENGTH_BYTES)));
    settlements.push(decodeItem(item, settlements.at(-1) ?? null));
  }
  return settlements;
}

function decodeItem(item: ByteCursor, before: UnpackedSettlement | null): UnpackedSettlement {
  const hash = (): Hex => toHex(item.bytes(32));
  const subscriptionId = item.bigUint(8);
  const deadline = item.bigUint(5);
  const threshold = item.uint(1);
  const aggregation = item.uint(1);
  const delivery = item.uint(1);
  const flags = item.uint(1);
  const has = (flag: keyof typeof FLAG): boolean => (flags & FLAG[flag]) !== 0;
  const status = item.uint(1);
  const answeredAt = item.bigUint(5);
  const stateBlockNumber = item.bigUint(6);
  const consumer = toHex(item.bytes(20));
  const requestedAt = item.bigUint(5);
  const nonce = item.uint(4);
  const maxOutputBytes = item.uint(3);
  const { payer, fee } = has("samePayer")
    ? shared(before)
    : { payer: toHex(item.bytes(20)), fee: item.bigUint(12) };
  const { refundTo, gasPriceCap, callbackGasLimit } = has("sameRefund")
    ? shared(before)
    : {
        refundTo: has("payerRefunded") ? payer : toHex(item.bytes(20)),
        gasPriceCap: item.bigUint(8),
        callbackGasLimit: item.uint(4),
      };
  const { policyId } = has("samePolicy") ? shared(before) : { policyId: hash() };
  const payloadHash = hash();
  const transcriptRoot = hash();
  const payloadUriHash = has("payloadUriHash") ? hash() : NO_HASH;
  const context = has("context") ? hash() : NO_HASH;
  const stateBlockHash = has("stateBlockHash") ? hash() : null;
  const output = has("outputHash") ? null : item.bytes(item.remaining);
  const outputHash = output === null ? hash() : keccak(output);
  if (item.remaining > 0) throw invalid("bytes follow the hash of an item's output");
  const request = { consumer, requestedAt, nonce, context, payer, refundTo, subscriptionId, payloadHash };
  const terms = { payloadUriHash, policyId, threshold, aggregation, delivery, callbackGasLimit };
  return {
    request: { ...request, ...terms, maxOutputBytes, fee, gasPriceCap, deadline },
    answer: { status, outputHash, transcriptRoot, answeredAt },
    stateBlockNumber,
    stateBlockHash,
    output,
  };
}

function shared(before: UnpackedSettlement | null): UnpackedSettlement["request"] {
  if (before !== null) return before.request;
  throw invalid("the first item shares words with one before it");
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
