/** Answers off-chain callers and makes their receipts. Signs under the off-chain domain and under no other. */

import { randomBytes } from "node:crypto";
import { AnswerStatus } from "../../protocol/answer.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { encodeCanonicalJson, type Json } from "../../protocol/canonical-json.ts";
import { offChainDomain } from "../../protocol/domain.ts";
import { UpstreamError } from "../../protocol/errors.ts";
import { MAX_OUTPUT_BYTES } from "../../protocol/limits.ts";
import { encodePayload, payloadHash, PayloadType } from "../../protocol/payload.ts";
import { encodeReceipt } from "../../protocol/receipt.ts";
import type { Account } from "../accounts/account.ts";
import { askOnAccount } from "../accounts/ask-on-account.ts";
import type { SpendingLedger } from "../accounts/spending-ledger.ts";
import type { ReplyText } from "../answers/watched-stream.ts";
import type { Inference } from "../answers/infer.ts";
import { outcomeOfFailure } from "../answers/upstream-outcome.ts";
import { without, type Outcome } from "../../runtime/output/panel.ts";
import { makeAnswer, type MadeAnswer, type Signatory } from "../answers/sign-answer.ts";
import type { CatalogModel } from "../models/model-catalog.ts";
import type { ModelQuestion, ModelReply } from "../../runtime/models/model-format.ts";
import type { Agents } from "../agents/answer-agent.ts";
import type { ReceiptStore } from "./receipt-store.ts";

export interface OffChainOptions extends Signatory {
  readonly inference: Inference;
  readonly receipts: ReceiptStore;
  readonly spending: SpendingLedger;
  /** null where the behaviour file has none. */
  readonly agents: Agents | null;
}

export interface OffChainCall {
  /** Of `createRequestId`. */
  readonly requestId: Hex;
  readonly caller: string;
  /** The caller's own word for this call; zero where it named none. */
  readonly context: Hex;
  /** The exact bytes that arrived: what the receipt's payload holds. */
  readonly body: Uint8Array;
  readonly target: CatalogModel;
  readonly question: ModelQuestion;
  readonly account: Account;
  /** Its text as it comes, where the question is streamed. */
  readonly onText: ReplyText;
  readonly signal: AbortSignal;
}

export interface OffChainAnswer {
  readonly made: MadeAnswer;
  /** null when no usable reply came. */
  readonly reply: ModelReply | null;
  readonly error: UpstreamError | null;
}

/** 32 random bytes: no on-chain request has this id, and the domain differs besides. */
export function createRequestId(): Hex {
  return toHex(randomBytes(32));
}

/** RFC 8785 JSON of what the model said: the `output` of an answer to payload type 3. */
export function encodeChatOutput(reply: ModelReply): Uint8Array<ArrayBuffer> {
  const toolCalls: readonly Json[] = reply.toolCalls.map((call) => ({
    id: call.id,
    name: call.name,
    arguments: call.arguments,
  }));
  return encodeCanonicalJson({ content: reply.text, stop: reply.stop, toolCalls });
}

/**
 * A signed answer, and its receipt in the store.
 *
 * @throws {InputError} before anything is sent or signed: for a body that cannot be a payload, and for what the account does
 *   not cover; {UpstreamError} as early, when the operator has brought no key
 */
export async function answerOffChain(options: OffChainOptions, call: OffChainCall): Promise<OffChainAnswer> {
  const payload = encodePayload({ type: PayloadType.openai, body: call.body });
  const domain = offChainDomain();
  const { requestId } = call;
  const { context } = call;
  const asked = { domain, requestId, payloadHash: payloadHash(payload), context, stateBlock: null };
  const isStreamed = call.question.stream || call.target.model.transfer === "stream";
  const question: ModelQuestion = { ...call.question, stream: isStreamed };
  const charge = call.account.charge(call.target, call.question);
  let reply: ModelReply | null = null;
  let error: UpstreamError | null = null;
  const made = await makeAnswer(options, asked, async (recorder, { now }) => {
    if (now === null) {
      charge.settle({ inputTokens: 0, outputTokens: 0 });
      return without(AnswerStatus.clockUnknown);
    }
    try {
      reply = await askOnAccount(charge, call.target, question, {
        recorder,
        // Text that was streamed cannot be taken back.
        retries: call.question.stream ? 0 : options.inference.retries,
        pause: options.inference.pause,
        ...(call.question.stream ? { onText: call.onText } : {}),
        signal: call.signal,
      });
      return toOutcome(reply);
    } catch (caught) {
      if (!(caught instanceof UpstreamError)) throw caught;
      error = caught;
      return outcomeOfFailure(call.target.id, caught);
    }
  });
  keepReceipt(options, { requestId, caller: call.caller, payload, made });
  return { made, reply, error };
}

interface ReceiptParts {
  readonly requestId: Hex;
  readonly caller: string;
  readonly payload: Uint8Array;
  readonly made: MadeAnswer;
}

/** Makes the receipt of an off-chain answer, for its caller to fetch. */
export function keepReceipt(
  { attested, identity, receipts }: OffChainOptions,
  { requestId, caller, payload, made }: ReceiptParts,
): void {
  const { evidence, endorsements } = attested;
  const receipt = encodeReceipt({
    version: 2,
    domain: offChainDomain(),
    request: { requestId },
    stateBlock: null,
    payload: toHex(payload),
    ...made,
    keyset: identity.keyset,
    evidence,
    endorsements: endorsements ?? {},
  });
  receipts.add(requestId, caller, receipt);
}

/** This route returns everything that the model said, whatever made it stop, unless it declined. */
function toOutcome(reply: ModelReply): Outcome {
  if (reply.stop === "refused") return without(AnswerStatus.refused, "the model refused to answer");
  if (reply.stop === "other")
    return without(AnswerStatus.invalidOutput, "the model stopped for an unknown reason");
  const said = [
    reply.text,
    ...reply.toolCalls.flatMap(({ id, name, arguments: text }) => [id ?? "", name, text]),
  ];
  if (!said.every((text) => text.isWellFormed()))
    return without(AnswerStatus.invalidOutput, "the answer is not well-formed Unicode");
  const output = encodeChatOutput(reply);
  return output.length > MAX_OUTPUT_BYTES
    ? without(AnswerStatus.invalidOutput, `the answer is longer than ${MAX_OUTPUT_BYTES} bytes`)
    : { status: AnswerStatus.ok, output, reason: null };
}
