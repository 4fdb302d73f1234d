/**
 * Fetches what a prompt names, before any model is asked. One after another, so that what one request holds in memory is bounded,
 * and each once: whoever cuts a connection gets no second draw of what a site says.
 */

import { toBase64 } from "../../protocol/base64.ts";
import { AnswerStatus } from "../../protocol/answer.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { checkMedia, MAX_FILE_BYTES, type ContentPart } from "../../runtime/models/media.ts";
import { without, type Outcome } from "../../runtime/output/panel.ts";
import type { ExchangeRecorder } from "../answers/transcript-recorder.ts";
import { PAGE_ENCODINGS, type SourceSettings } from "../configuration/source-settings.ts";
import type { CompleteResponse, Exchange, OutgoingRequest } from "../egress/exchange.ts";
import { ProofRefused } from "../../runtime/evm/proof-refused.ts";
import type { BlockHeader } from "../../runtime/evm/block-header.ts";
import { quoteRead, readContract, readHeader } from "../../runtime/evm/contract-read.ts";
import { rpcRequest, rpcResult } from "../../runtime/evm/json-rpc.ts";
import type { AskServer } from "../../runtime/evm/show-state.ts";
import { ViewEnded, type RunView } from "./view-threads.ts";
import { toStateBlockText, type StateBlock } from "../../protocol/state-block.ts";
import type { PageTask } from "./page-text.ts";
import type { ReadPage } from "./page-threads.ts";
import type { PlannedFile, PlannedPage, PlannedRead, PlannedSource } from "./planned-source.ts";
import { quotePage } from "./quote-page.ts";

/** The way out for what prompts name. */
export interface Sources {
  readonly settings: SourceSettings;
  readonly exchange: Exchange;
  readonly readPage: ReadPage;
  /** Where the settings have reads. */
  readonly runView?: RunView;
}

/** The chain that an answer is for, and the block of it that the answer is bound to. */
export interface Bound {
  readonly chainId: bigint;
  readonly stateBlock: StateBlock;
}

export type ReadSources =
  | { readonly kind: "read"; readonly contents: readonly ContentPart[] }
  /** No model is to be asked. */
  | { readonly kind: "ended"; readonly outcome: Outcome };

export interface Reading {
  readonly recorder: ExchangeRecorder;
  /** How many models are sent each file. */
  readonly models: number;
  /** null for an answer that is bound to no block. */
  readonly bound: Bound | null;
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
    for (const source of planned) contents.push(await fetching.read(source));

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
  readonly #bound: Bound | null;
  #fileBytesLeft: number;
  #shownBytesLeft = MAX_SHOWN_BYTES;
  /** One for all reads. */
  #header: BlockHeader | null = null;

  constructor(sources: Sources, { recorder, models, bound }: Reading, signal: AbortSignal) {
    this.#sources = sources;
    this.#recorder = recorder;
    this.#signal = signal;
    this.#bound = bound;
    this.#fileBytesLeft = Math.floor(MAX_FILE_BYTES / models);
  }

  async read(source: PlannedSource): Promise<ContentPart> {
    switch (source.kind) {
      case "page":
        return await this.#readPage(source);
      case "read":
        return await this.#readContract(source);
      default:
        return await this.#readFile(source);
    }
  }

  async #readFile(source: PlannedFile): Promise<ContentPart> {
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

  async #readPage(source: PlannedPage): Promise<ContentPart> {
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

  async #readContract({ index, name, read, settings }: PlannedRead): Promise<ContentPart> {
    const { runView } = this.#sources;
    const bound = this.#bound;
    const server = bound === null ? undefined : settings.servers[bound.chainId.toString()];
    if (bound === null || server === undefined || runView === undefined)
      throw new SourceUnread(AnswerStatus.invalidRequest, `${name}: ${noServer(bound)}`);
    const ask = this.#asker(new URL(server), name);
    try {
      this.#header ??= await readHeader(ask, bound.stateBlock);
      const world = { header: this.#header, chainId: bound.chainId };
      const text = await readContract(read, {
        header: world.header,
        ask,
        run: (call, shown) => runView({ world, call, shown }),
      });
      const content = toUtf8(text);
      if (content.length > settings.textBytes)
        throw new SourceUnread(AnswerStatus.invalidRequest, `${name}: its value has ${content.length} bytes`);
      this.#recorder.note({
        type: "state.read",
        part: index,
        chainId: bound.chainId.toString(),
        block: toStateBlockText(bound.stateBlock),
        contentHash: this.#recorder.keep(content),
        contentBytes: content.length,
      });
      return { text: quoteRead(read, text) };
    } catch (error) {
      // What proves nothing is the server's doing or the host's, and what the view does is the request's.
      if (error instanceof ProofRefused || error instanceof ViewEnded)
        throw new SourceUnread(AnswerStatus.upstreamFailed, `${name}: ${error.message}`);
      if (error instanceof InputError)
        throw new SourceUnread(AnswerStatus.invalidRequest, `${name}: ${error.message}`);
      throw error;
    }
  }

  /** Asks the chain's server; an answer without a result is no failure of the exchange. */
  #asker(url: URL, name: string): AskServer {
    return async (method, params) => {
      const body = rpcRequest(method, params);
      const maxResponseBytes = Math.min(MAX_SHOWN_ONCE, this.#shownBytesLeft);
      const { response } = await this.#send(
        { url, method: "POST", headers: RPC_HEADERS, body, maxResponseBytes },
        name,
      );
      this.#shownBytesLeft -= response.body.length;
      return rpcResult(response.body);
    };
  }

  async #fetch(
    { url, name }: PlannedFile | PlannedPage,
    change: Pick<OutgoingRequest, "maxResponseBytes" | "encodings">,
  ): Promise<Fetched> {
    const { headers } = this.#sources.settings;
    const fetched = await this.#send(
      { url, method: "GET", headers, body: new Uint8Array(), ...change },
      name,
    );
    if (fetched.response.status === 200) return fetched;
    throw new SourceUnread(AnswerStatus.upstreamFailed, `${name}: HTTP ${fetched.response.status}`);
  }

  async #send(request: OutgoingRequest, name: string): Promise<Fetched> {
    if (this.#signal.aborted)
      throw new SourceUnread(AnswerStatus.upstreamFailed, `${name}: no time was left for it`);
    const exchange = this.#recorder.forwarded(null, request);
    const outcome = await this.#sources.exchange({ ...request, signal: this.#signal });
    if (outcome.kind === "failed") {
      this.#recorder.failed(exchange, outcome);
      throw new SourceUnread(AnswerStatus.upstreamFailed, `${name}: ${outcome.error.message}`);
    }
    const { response } = outcome;
    this.#recorder.responded(exchange, null, response, null);
    return { response, exchange };
  }
}

interface Fetched {
  readonly response: CompleteResponse;
  readonly exchange: number;
}

const RPC_HEADERS = { "content-type": "application/json", accept: "application/json" } as const;
/** Bytes of all that a chain's server shows for one prompt, and in one answer: a receipt has them in hex. */
const MAX_SHOWN_BYTES = 4 * 1024 * 1024;
const MAX_SHOWN_ONCE = 1024 * 1024;

function noServer(bound: Bound | null): string {
  return bound === null
    ? "only an answer that is bound to a block reads contracts"
    : `this enclave reads no contracts of chain ${bound.chainId}`;
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
