/** The OpenAI-compatible routes: an application changes its base URL, keeps its client, and gets receipts. */

import { Router, type RequestHandler, type Response } from "express";
import type { Hex } from "../../protocol/bytes.ts";
import { InputError, UpstreamError } from "../../protocol/errors.ts";
import { bytes32 } from "../../protocol/fields.ts";
import { MAX_CALL_PAYLOAD_BYTES } from "../../protocol/limits.ts";
import type { Account } from "../accounts/account.ts";
import { createOwnAccount } from "../accounts/own-keys.ts";
import { placeSchema } from "../answers/question.ts";
import { callerOf, ownKeyOf } from "../api/callers.ts";
import { readBytes } from "../api/request-body.ts";
import { chatApi } from "./chat-api.ts";
import {
  answerOffChain,
  createRequestId,
  type OffChainAnswer,
  type OffChainOptions,
} from "./off-chain-answerer.ts";
import { messagesApi } from "./messages-api.ts";
import { receiptPath, type OpenaiApi, type ReplyWriter, type StreamEvent } from "./openai-api.ts";
import { responsesApi } from "./responses-api.ts";

/** Names the receipt of a reply; set before the first byte of a stream. */
const RECEIPT_HEADER = "adyton-receipt";

/** 32 bytes of the caller's, which its receipt repeats: an order's number, a hash, a nonce. */
const CONTEXT_HEADER = "adyton-context";
const NO_CONTEXT: Hex = `0x${"00".repeat(32)}`;

export function createOpenaiRoutes(options: OffChainOptions): Router {
  const router = Router();
  // Two bytes of the payload name its type and version.
  const bytes = readBytes(MAX_CALL_PAYLOAD_BYTES - 2);
  router.post("/v1/chat/completions", bytes, answerWith(options, chatApi));
  router.post("/v1/responses", bytes, answerWith(options, responsesApi));
  router.post("/v1/messages", bytes, answerWith(options, messagesApi));
  return router;
}

function answerWith<Call extends { readonly model: string }>(
  options: OffChainOptions,
  api: OpenaiApi<Call>,
): RequestHandler {
  return async (request, response) => {
    const body = request.body as Uint8Array;
    const call = api.parse(body);
    const target = options.inference.catalog.get(call.model);
    if (target === undefined)
      throw new InputError({ code: "INPUT_NOT_FOUND", message: "this enclave does not serve that model" });
    const question = placeSchema(api.toQuestion(call, target.model), target);
    const context = readContext(request.get(CONTEXT_HEADER));
    const reading = options.clock.read();
    const now = reading.now ?? reading.lowerBound;
    const requestId = createRequestId();
    const writer = api.createWriter({ requestId, created: now, model: call.model }, call);
    const stream = new ReplyStream(response, writer, api.streamEnd);
    const gone = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) gone.abort();
    });
    response.set(RECEIPT_HEADER, receiptPath(requestId));
    const answered = await answerOffChain(options, {
      requestId,
      caller: callerOf(response).name,
      context,
      body,
      target,
      question,
      account: accountOf(options, response, now),
      signal: gone.signal,
      onText: (text) => {
        stream.text(text);
      },
    });
    if (question.stream) stream.finish(answered);
    else response.json(writer.whole(replyOf(answered)));
  };
}

/** @throws {InputError} INPUT_INVALID */
function readContext(header: string | undefined): Hex {
  if (header === undefined) return NO_CONTEXT;
  const context = bytes32.safeParse(header);
  if (context.success) return context.data;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `${CONTEXT_HEADER} is 32 bytes in lower-case 0x hex`,
    details: { field: CONTEXT_HEADER },
  });
}

/** A key that the caller brought pays for everything that it asks: nothing falls back to the operator's. */
function accountOf({ inference, spending }: OffChainOptions, response: Response, now: number): Account {
  const ownKey = ownKeyOf(response);
  if (ownKey === null) return inference.account;
  return createOwnAccount({ keys: [ownKey], ledger: spending, now, otherwise: null });
}

/** @throws {UpstreamError} why there is none */
function replyOf({ reply, error }: OffChainAnswer): NonNullable<OffChainAnswer["reply"]> {
  if (reply !== null) return reply;
  throw (
    error ??
    new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: "the enclave has no trustworthy time yet; the receipt says so",
    })
  );
}

/** Server-sent events. The status is sent with the first of them, so that what fails before has one of its own. */
class ReplyStream {
  readonly #response: Response;
  readonly #writer: ReplyWriter;
  readonly #end: string;

  constructor(response: Response, writer: ReplyWriter, end: string) {
    this.#response = response;
    this.#writer = writer;
    this.#end = end;
  }

  text(text: string): void {
    this.#begin();
    this.#send(this.#writer.text(text));
  }

  /** @throws {UpstreamError} for an answer that failed before the stream began */
  finish(answered: OffChainAnswer): void {
    try {
      const reply = replyOf(answered);
      this.#begin();
      this.#send(this.#writer.end(reply));
      this.#response.end(this.#end);
    } catch (error) {
      if (!this.#response.headersSent || !(error instanceof UpstreamError)) throw error;
      // Too late for a status: the stream ends with an error and without its end.
      this.#send(this.#writer.fail(error));
      this.#response.end();
    }
  }

  #begin(): void {
    if (this.#response.headersSent) return;
    this.#response.set({ "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" });
    this.#send(this.#writer.begin());
  }

  #send(events: readonly StreamEvent[]): void {
    for (const { name, data } of events) {
      const named = name === undefined ? "" : `event: ${name}\n`;
      this.#response.write(`${named}data: ${JSON.stringify(data)}\n\n`);
    }
  }
}
