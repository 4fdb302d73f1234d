import * as z from "zod";
import { recordAnswers } from "../../../oracle/store/answers.ts";
import type { Store } from "../../../oracle/store/store.ts";
import { type Answer, AnswerStatus } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { Request, requestId } from "../../../protocol/request.ts";
import type { StateBlock } from "../../../protocol/state-block.ts";

export const CHAIN_ID = 31_337;
export const word = (value: number): Hex => `0x${value.toString(16).padStart(64, "0")}`;
const account = (value: number): Hex => `0x${value.toString(16).padStart(40, "0")}`;

/** Seconds: when the requests of these tests are made, in block 10. */
export const REQUESTED_AT = 1_790_000_000;
export const REQUEST_BLOCK = 10;
export const REQUEST_BLOCK_HASH = word(3);

/** A request that nothing is wrong with, but for `change`. */
export function aRequest(change: Partial<Request> = {}): Request {
  return {
    chainId: BigInt(CHAIN_ID),
    coordinator: account(0xc0),
    consumer: account(0xc1),
    requestedAt: BigInt(REQUESTED_AT),
    nonce: 1,
    context: word(0),
    payer: account(0xc2),
    refundTo: account(0xc3),
    subscriptionId: 0n,
    payloadHash: word(1),
    payloadUriHash: word(0),
    policyId: word(2),
    threshold: 1,
    aggregation: 0,
    delivery: 0,
    callbackGasLimit: 100_000,
    maxOutputBytes: 1_024,
    fee: 10n ** 15n,
    gasPriceCap: 10n ** 11n,
    deadline: BigInt(REQUESTED_AT + 3_600),
    ...change,
  };
}

export interface StoredRequest {
  readonly payload?: Hex;
  readonly payloadUri?: string;
}

/** Puts a request into the store as the journal does when it has its confirmations. */
export async function storeRequest(
  store: Store,
  request: Request,
  { payload = "0x0102", payloadUri = "" }: StoredRequest = {},
): Promise<Hex> {
  const id = requestId(request);
  await store.db
    .insertInto("requests")
    .values({
      chain_id: CHAIN_ID,
      request_id: id,
      block_number: REQUEST_BLOCK,
      block_hash: REQUEST_BLOCK_HASH,
      block_time: REQUESTED_AT,
      tx_hash: word(4),
      log_index: request.nonce,
      consumer: request.consumer,
      request: JSON.stringify(z.encode(Request, request)),
      payload,
      payload_uri: payloadUri,
      deadline: Number(request.deadline),
      fee: request.fee.toString(),
      threshold: request.threshold,
      policy_id: request.policyId,
      released: true,
      released_at: REQUESTED_AT * 1_000,
      phase: "asked",
      last_error: null,
      seen_at: 0,
    })
    .execute();
  return id;
}

const SIGNATURE: Hex = `0x${"11".repeat(64)}1b`;

export interface StoredAnswer {
  readonly keysetId?: Hex;
  readonly status?: AnswerStatus;
  /** Seconds. */
  readonly notBefore?: number;
  /** The request's own where it is not said. */
  readonly stateBlock?: StateBlock;
  /** Why it has no output, as its receipt says. */
  readonly because?: string | null;
}

/** Puts an answer to it into the store as the engine does when the enclave's call has ended. */
export async function storeAnswer(
  store: Store,
  chainId: number,
  requestId: Hex,
  {
    keysetId = word(0xe1),
    status = AnswerStatus.ok,
    notBefore = 0,
    stateBlock = { number: BigInt(REQUEST_BLOCK), hash: REQUEST_BLOCK_HASH },
    because = null,
  }: StoredAnswer = {},
): Promise<void> {
  const answer: Answer = {
    requestId,
    status,
    outputHash: word(7),
    transcriptRoot: word(8),
    stateBlockHash: stateBlock.hash,
    keysetId,
    answeredAt: 1n,
  };
  const signed = { signature: SIGNATURE, leafSignature: SIGNATURE } as const;
  const stored = { ...signed, output: "0x", stateBlock, notBefore, recordedAt: 0 } as const;
  const returned = { salt: word(1), event: { type: "output.returned", reason: because } };
  const own = because === null ? "{}" : JSON.stringify({ transcript: [returned] });
  const receipt = { own, attestation: "{}" };
  await store.db
    .transaction()
    .execute((trx) =>
      recordAnswers(trx, [{ kind: "answered", chainId, requestId, keysetId, answer, receipt, ...stored }]),
    );
}
