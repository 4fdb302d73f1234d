/**
 * Fetches what a prompt names, before any model is asked. One after another, so that what one request holds in memory is bounded,
 * and each once: whoever cuts a connection gets no second draw of what a site says.
 */

import { toBase64 } from "../../protocol/base64.ts";
import { AnswerStatus } from "../../protocol/answer.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { checkMedia, type ContentPart } from "../../runtime/models/media.ts";
import { without, type Outcome } from "../../runtime/output/panel.ts";
import type { ExchangeRecorder } from "../answers/transcript-recorder.ts";
import { MAX_FILE_BYTES, PAGE_ENCODINGS, type SourceSettings } from "../configuration/source-settings.ts";
import type { CompleteResponse, Exchange, OutgoingRequest } from "../egress/exchange.ts";
import type { PageTask } from "./page-text.ts";
import type { ReadPage } from "./page-threads.ts";
import type { PlannedFile, PlannedPage, PlannedSource } from "./planned-source.ts";
import { quotePage } from "./quote-page.ts";

/** The way out for what prompts name. */
export interface Sources {
  readonly settings: SourceSettings;
  readonly exchange: Exchange;
  readonly readPage: ReadPage;
}

export type ReadSources =
  | { readonly kind: "read"; readonly contents: readonly ContentPart[] }
  /** No model is to be asked. */
  | { readonly kind: "ended"; readonly outcome: Outcome };

export interface Reading {
  readonly recorder: ExchangeRecorder;
  /** How many models are sent each file. */
  readonly models: number;
}

/**
 * Every part's content, in the order of the prompt; or how the request ends: `upstreamFailed` for what a site, a network or the host
 * did, `invalidRequest` for bytes that are not those of the request's hash.
 */
export async function readSources(
  sources: Sources,
  planned: readonly PlannedSource[],
  reading: Reading,
): Promise<ReadSources> {
  const over = new AbortController();
  const timer = setTimeout(() => {
    over.abort();
  }, sources.settings.seconds * 1000);
  const fetching = new Fetching(sources, reading, over.signal);
  try {
    const contents: ContentPart[] = [];
    for (const source of planned) {
      contents.push(
        source.kind === "page" ? await fetching.readPage(source) : await fetching.readFile(source),
      );
    }
    return { kind: "read", contents };
  } catch (error) {
    if (error instanceof SourceUnread)
      return { kind: "ended", outcome: without(error.status, error.message) };
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

class SourceUnread extends Error {
  readonly status: AnswerStatus;

  constructor(status: AnswerStatus, message: string) {
    super(message);
    this.status = status;
  }
}

class Fetching {
  readonly #sources: Sources;
  readonly #recorder: ExchangeRecorder;
  readonly #signal: AbortSignal;
  #fileBytesLeft: number;

  constructor(sources: Sources, { recorder, models }: Reading, signal: AbortSignal) {
    this.#sources = sources;
    this.#recorder = recorder;
    this.#signal = signal;
    this.#fileBytesLeft = Math.floor(MAX_FILE_BYTES / models);
  }

  async readFile(source: PlannedFile): Promise<ContentPart> {
    const { part, mediaType, name } = source;
    const most = Math.min(this.#sources.settings.fileBytes, this.#fileBytesLeft);
    const { response, exchange } = await this.#fetch(source, { maxResponseBytes: most });
    const { body } = response;
    this.#fileBytesLeft -= body.length;
    // The models' requests have its bytes, and the payload its hash.
    const contentHash = this.#recorder.letGo(response);
    this.#recorder.note({
      type: "source.read",
      part: source.index,
      kind: source.kind,
      exchange,
      mediaType,
      contentHash,
      contentBytes: body.length,
      page: null,
    });
    const hash = keccak(body);
    if (hash !== part.hash) {
      throw new SourceUnread(
        AnswerStatus.invalidRequest,
        `${name}: its keccak is ${hash}, and the request names ${part.hash}`,
      );
    }
    try {
      checkMedia(mediaType, body);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new SourceUnread(AnswerStatus.invalidRequest, `${name}: ${error.message}`);
    }
    return { media: { mediaType, base64: toBase64(body), name: null } };
  }

  async readPage(source: PlannedPage): Promise<ContentPart> {
    const { settings, name } = source;
    const { bodyBytes, encodings, decodedBytes, textBytes, extractor } = settings;
    const { response, exchange } = await this.#fetch(source, { maxResponseBytes: bodyBytes, encodings });
    const { mediaType, charset, encoding } = describeBody(response);
    if (!settings.types.some((type) => type === mediaType))
      throw new SourceUnread(AnswerStatus.upstreamFailed, `${name}: it is of type ${mediaType}`);
    const limits = { decodedBytes, textBytes };
    const { body } = response;
    const read = await this.#sources.readPage({ body, mediaType, charset, encoding, ...limits });
    if ("problem" in read) throw new SourceUnread(AnswerStatus.upstreamFailed, `${name}: ${read.problem}`);
    const text = toUtf8(read.text);
    this.#recorder.note({
      type: "source.read",
      part: source.index,
      kind: "page",
      exchange,
      mediaType,
      contentHash: this.#recorder.keep(text),
      contentBytes: text.length,
      page: { encoding, decodedBytes: read.decodedBytes, extractor, isWhole: read.isWhole },
    });
    return quotePage(source, read);
  }

  async #fetch(
    { url, name }: PlannedSource,
    change: Pick<OutgoingRequest, "maxResponseBytes" | "encodings">,
  ): Promise<{ readonly response: CompleteResponse; readonly exchange: number }> {
    const { settings, exchange: send } = this.#sources;
    if (this.#signal.aborted)
      throw new SourceUnread(AnswerStatus.upstreamFailed, `${name}: no time was left for it`);
    const request = { url, method: "GET", headers: settings.headers, body: new Uint8Array() } as const;
    const exchange = this.#recorder.forwarded(null, request);
    const outcome = await send({ ...request, ...change, signal: this.#signal });
    if (outcome.kind === "failed") {
      this.#recorder.failed(exchange, outcome);
      throw new SourceUnread(AnswerStatus.upstreamFailed, `${name}: ${outcome.error.message}`);
    }
    const { response } = outcome;
    this.#recorder.responded(exchange, null, response, null);
    if (response.status === 200) return { response, exchange };
    throw new SourceUnread(AnswerStatus.upstreamFailed, `${name}: HTTP ${response.status}`);
  }
}

/** Media type and character set of `content-type` (RFC 9110, 8.3), and the content coding. */
function describeBody({ headers }: CompleteResponse): Pick<PageTask, "mediaType" | "charset" | "encoding"> {
  const [type = "", ...parameters] = (headers["content-type"] ?? "").split(";");
  const charset = parameters.map((text) => /^\s*charset\s*=\s*"?([\w:.-]{1,40})"?\s*$/i.exec(text)?.[1]);
  const coding = headers["content-encoding"]?.toLowerCase();
  return {
    mediaType: type.trim().toLowerCase().slice(0, MAX_TYPE_LENGTH),
    charset: charset.find((name) => name !== undefined) ?? null,
    encoding: PAGE_ENCODINGS.find((name) => name === coding) ?? "identity",
  };
}

/** Characters of a media type: registered ones have half of it. */
const MAX_TYPE_LENGTH = 128;
