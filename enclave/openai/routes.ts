/** The OpenAI-compatible routes: an application changes its base URL, keeps its client, and gets receipts. */

import express, { Router, type Response } from "express";
import type { Json } from "../../protocol/canonical-json.ts";
import { InputError, UpstreamError } from "../../protocol/errors.ts";
import { MAX_PAYLOAD_BYTES } from "../../protocol/limits.ts";
import { callerOf } from "../api/callers.ts";
import { toErrorReply } from "../api/error-reply.ts";
import { parseChatCall, toModelQuestion, type ChatCall } from "./chat-call.ts";
import {
  firstChunk,
  lastChunks,
  receiptPath,
  textChunk,
  toCompletion,
  type ReplyHead,
} from "./chat-reply.ts";
import {
  answerOffChain,
  createRequestId,
  type OffChainAnswer,
  type OffChainOptions,
} from "./off-chain-answerer.ts";

/** Names the receipt of a reply; set before the first byte of a stream. */
const RECEIPT_HEADER = "adyton-receipt";

export function createOpenaiRoutes(options: OffChainOptions): Router {
  const router = Router();
  // Two bytes of the payload name its type and version.
  const raw = express.raw({ type: () => true, limit: MAX_PAYLOAD_BYTES - 2 });
  router.post("/v1/chat/completions", raw, async (request, response) => {
    const body = new Uint8Array(request.body as Buffer);
    await answerChat(options, parseChatCall(body), body, response);
  });
  return router;
}

async function answerChat(
  options: OffChainOptions,
  call: ChatCall,
  body: Uint8Array,
  response: Response,
): Promise<void> {
  const target = options.inference.catalog.get(call.model);
  if (target === undefined) {
    throw new InputError({ code: "INPUT_NOT_FOUND", message: "this enclave does not serve that model" });
  }
  const question = toModelQuestion(call, target.model);
  const reading = options.clock.read();
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  const requestId = createRequestId();
  const head = { requestId, created: reading.now ?? reading.lowerBound, model: call.model };
  response.set(RECEIPT_HEADER, receiptPath(requestId));
  const answered = await answerOffChain(options, {
    requestId,
    caller: callerOf(response).name,
    body,
    target,
    question,
    signal: gone.signal,
    onText: (text) => {
      streamText(response, head, text);
    },
  });
  finish(response, head, call, answered);
}

function streamText(response: Response, head: ReplyHead, text: string): void {
  if (!response.headersSent) {
    response.set({ "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" });
    sendEvent(response, firstChunk(head));
  }
  sendEvent(response, textChunk(head, text));
}

function sendEvent(response: Response, data: Json): void {
  response.write(`data: ${JSON.stringify(data)}\n\n`);
}

function finish(response: Response, head: ReplyHead, call: ChatCall, answered: OffChainAnswer): void {
  const { reply } = answered;
  if (reply === null) {
    const error = answered.error ?? clockUnknown();
    // Too late for a status: the stream ends with an error and without its end.
    if (!response.headersSent) throw error;
    sendEvent(response, toErrorReply(error));
    response.end();
    return;
  }
  if (call.stream === true) {
    if (!response.headersSent) streamText(response, head, "");
    for (const event of lastChunks(head, reply, call.stream_options?.include_usage ?? false)) {
      sendEvent(response, event);
    }
    response.end("data: [DONE]\n\n");
    return;
  }
  response.json(toCompletion(head, reply));
}

function clockUnknown(): UpstreamError {
  return new UpstreamError({
    code: "ENCLAVE_UNAVAILABLE",
    message: "the enclave has no trustworthy time yet; the receipt says so",
  });
}
