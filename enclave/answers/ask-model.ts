/** One model asked one question: exchanges, recorded as they happen, until there is a reply or no hope of one. */

import { UpstreamError } from "../../protocol/errors.ts";
import type { CompleteResponse, OutgoingRequest } from "../egress/exchange.ts";
import type { CatalogModel } from "../models/model-catalog.ts";
import type { ModelQuestion, ModelReply } from "../../runtime/models/model-format.ts";
import { errorOfResponse } from "../../runtime/models/provider-error.ts";
import { retryAfterMs } from "../models/retry-after.ts";
import type { ExchangeRecorder } from "./transcript-recorder.ts";
import { readStream, watchStream, type ReplyText, type WatchedStream } from "./watched-stream.ts";

/** Milliseconds before the first repetition; doubled each time. */
const RETRY_BASE_MS = 250;
/** Milliseconds: a `retry-after` beyond this is an outage, and waiting would hold the request's slot. */
const MAX_RETRY_AFTER_MS = 20_000;

export interface AskOptions {
  readonly recorder: ExchangeRecorder;
  readonly retries: number;
  readonly credential: string | null;
  readonly pause: (ms: number) => Promise<void>;
  /** Given each piece of text of a streamed answer. */
  readonly onText?: ReplyText;
  readonly signal?: AbortSignal;
  /** Bytes that the next response may have, where the behaviour file allows more; asked before each request. */
  readonly maxResponseBytes?: () => number;
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
    const { error, repeatAfterMs } = result;
    const hopeless = repeatAfterMs === null || repeatAfterMs > MAX_RETRY_AFTER_MS;
    if (hopeless || attempt >= options.retries) throw error;
    await options.pause(Math.max(repeatAfterMs, RETRY_BASE_MS * 2 ** attempt));
  }
}

type Attempt =
  | { readonly reply: ModelReply }
  /** `repeatAfterMs` is null where asking again would change nothing, or might be paid twice. */
  | { readonly reply: null; readonly error: UpstreamError; readonly repeatAfterMs: number | null };

async function askOnce(target: CatalogModel, question: ModelQuestion, options: AskOptions): Promise<Attempt> {
  const watched = question.stream ? watchStream(target.format, options.onText) : null;
  const request = toRequest(target, question, options, watched);
  const exchange = options.recorder.forwarded(target.id, request);
  const outcome = await target.exchange(request);
  if (outcome.attested !== undefined) options.recorder.attested(exchange, outcome.attested);
  if (outcome.kind === "failed") {
    options.recorder.failed(exchange, outcome);
    // Without a connection nothing was sent, so nothing is paid twice.
    const { code } = outcome.error;
    const isUnsent = code === "MODEL_UNREACHABLE" || code === "MODEL_ATTESTATION_UNAVAILABLE";
    const repeatAfterMs = isUnsent ? 0 : null;
    return { reply: null, error: outcome.error, repeatAfterMs };
  }
  const { response } = outcome;
  try {
    if (response.status < 200 || response.status >= 300)
      throw errorOfResponse(response.status, response.body);
    const reply =
      watched === null
        ? target.format.parseReply(response.body)
        : readStream(target.format, response.body, watched);
    options.recorder.responded(exchange, question.model, response, reply);
    return { reply };
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    options.recorder.responded(exchange, question.model, response, null);
    return { reply: null, error, repeatAfterMs: repeatAfterMs(response, error, watched) };
  }
}

function toRequest(
  { format, provider }: CatalogModel,
  question: ModelQuestion,
  { credential, signal, maxResponseBytes }: AskOptions,
  watched: WatchedStream | null,
): OutgoingRequest {
  const { path, headers, body } = format.encodeQuestion(question);
  return {
    url: new URL(`${provider.baseUrl.replace(/\/$/, "")}${path}`),
    method: "POST",
    headers: { ...headers, ...(credential === null ? {} : format.credentialHeaders(credential)) },
    body,
    ...(watched === null ? {} : { onChunk: watched.push }),
    ...(signal === undefined ? {} : { signal }),
    ...(maxResponseBytes === undefined ? {} : { maxResponseBytes: maxResponseBytes() }),
  };
}

/** A provider that says "later" is asked again; one whose answer we cannot read has been paid for it. */
function repeatAfterMs(
  response: CompleteResponse,
  error: UpstreamError,
  watched: WatchedStream | null,
): number | null {
  const heard = watched !== null && watched.text() !== "";
  const passes = error.code === "MODEL_RATE_LIMITED" || error.code === "MODEL_HTTP_ERROR";
  return passes && !heard ? retryAfterMs(response) : null;
}
