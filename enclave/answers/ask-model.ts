/** One model asked one question: exchanges, recorded as they happen, until there is a reply or no hope of one. */

import { UpstreamError } from "../../protocol/errors.ts";
import type { CompleteResponse, OutgoingRequest } from "../egress/exchange.ts";
import type { CatalogModel } from "../models/model-catalog.ts";
import type { ModelQuestion, ModelReply } from "../models/model-format.ts";
import { errorOfResponse } from "../models/provider-error.ts";
import { retryAfterMs } from "../models/retry-after.ts";
import type { TranscriptRecorder } from "./transcript-recorder.ts";

/** Milliseconds before the first repetition; doubled each time. */
const RETRY_BASE_MS = 250;
/** Milliseconds: a `retry-after` beyond this is an outage, and waiting would hold the request's slot. */
const MAX_RETRY_AFTER_MS = 20_000;

export interface AskOptions {
  readonly recorder: TranscriptRecorder;
  readonly retries: number;
  readonly credential: string | null;
  readonly pause: (ms: number) => Promise<void>;
}

/** @throws {UpstreamError} when no usable reply came; what happened is in the recorder either way */
export async function askModel(
  target: CatalogModel,
  question: ModelQuestion,
  options: AskOptions,
): Promise<ModelReply> {
  for (let attempt = 0; ; attempt += 1) {
    const result = await askOnce(target, question, options);
    if (result.reply !== null) return result.reply;
    if (attempt >= options.retries || !result.error.retryable || result.retryAfterMs > MAX_RETRY_AFTER_MS) {
      throw result.error;
    }
    await options.pause(Math.max(result.retryAfterMs, RETRY_BASE_MS * 2 ** attempt));
  }
}

type Attempt =
  | { readonly reply: ModelReply }
  | { readonly reply: null; readonly error: UpstreamError; readonly retryAfterMs: number };

async function askOnce(target: CatalogModel, question: ModelQuestion, options: AskOptions): Promise<Attempt> {
  const { path, headers, body } = target.format.encodeQuestion(question);
  const credential = options.credential === null ? {} : target.format.credentialHeaders(options.credential);
  const request: OutgoingRequest = {
    url: new URL(`${target.provider.baseUrl.replace(/\/$/, "")}${path}`),
    method: "POST",
    headers: { ...headers, ...credential },
    body,
  };
  const exchange = options.recorder.forwarded(target.id, request);
  const outcome = await target.exchange(request);
  if (outcome.kind === "failed") {
    options.recorder.failed(exchange, outcome);
    return { reply: null, error: outcome.error, retryAfterMs: 0 };
  }
  const { response } = outcome;
  try {
    checkHttpStatus(response);
    const reply = target.format.parseReply(response.body);
    options.recorder.responded(exchange, question.model, response, reply);
    return { reply };
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    options.recorder.responded(exchange, question.model, response, null);
    return { reply: null, error, retryAfterMs: retryAfterMs(response) };
  }
}

function checkHttpStatus({ status, body }: CompleteResponse): void {
  if (status < 200 || status >= 300) throw errorOfResponse(status, body);
}
