import { fromHex, type Hex, toHex, toUtf8 } from "../../protocol/bytes.ts";
import { AdytonError, InputError, UpstreamError } from "../../protocol/errors.ts";
import type { Request } from "../../protocol/request.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { OpenRequest } from "../store/answers.ts";
import type { PinnedFetch } from "./pinned-fetch.ts";
import { parsePayloadUri } from "./payload-url.ts";

export interface PayloadSourceOptions {
  readonly fetch: PinnedFetch;
  /** Base URLs of servers that serve `/ipfs/{cid}`, preferred first. */
  readonly ipfsGateways: readonly string[];
  /**
   * Fetches at once. A requester names the server, and may name one that keeps the line open and says nothing: it must not
   * hold all of the jobs whose payload is on chain.
   */
  readonly maxFetches: number;
}

/** A request that stands by, or waits for a quorum, is looked at again: what was fetched is kept until then. */
const KEPT_PAYLOADS = 64;

/** The payloads of requests: from their event, or from where their URI says, checked against the hash that they commit to. */
export class PayloadSource {
  readonly #options: PayloadSourceOptions;
  readonly #kept = new Map<Hex, Hex>();
  #fetching = 0;

  constructor(options: PayloadSourceOptions) {
    this.#options = options;
  }

  /**
   * @throws {InputError} INPUT_INVALID, INPUT_TOO_LARGE for a place that will never do: the request ends in a refund;
   *   {UpstreamError} PAYLOAD_UNAVAILABLE
   */
  async find(open: OpenRequest, request: Request, signal: AbortSignal): Promise<Hex> {
    if (open.payloadUri === "") return open.payload;
    const kept = this.#kept.get(request.payloadHash);
    if (kept !== undefined) return kept;
    if (keccak(toUtf8(open.payloadUri)) !== request.payloadUriHash) {
      throw new InputError({
        code: "INPUT_INVALID",
        message: "the URI is not the one that the request names",
      });
    }
    if (this.#fetching >= this.#options.maxFetches) {
      throw new UpstreamError({
        code: "PAYLOAD_UNAVAILABLE",
        message: "as many payloads are being fetched as this node fetches at once",
      });
    }
    this.#fetching += 1;
    try {
      const payload = await this.#fetchFirst(open.payloadUri, request.payloadHash, signal);
      this.#keep(request.payloadHash, payload);
      return payload;
    } finally {
      this.#fetching -= 1;
    }
  }

  /** The first of its places that has it. */
  async #fetchFirst(uri: string, payloadHash: Hex, signal: AbortSignal): Promise<Hex> {
    let last: AdytonError | undefined;
    for (const target of parsePayloadUri(uri, this.#options.ipfsGateways)) {
      try {
        const payload = toHex(await this.#options.fetch(target, signal));
        if (payload !== "0x" && keccak(fromHex(payload)) === payloadHash) return payload;
        last = wrongBytes(target.url.hostname);
      } catch (error) {
        if (!(error instanceof AdytonError)) throw error;
        // Another gateway may serve a payload that this one never will.
        last = last instanceof UpstreamError ? last : error;
      }
    }
    throw last ?? new InputError({ code: "INPUT_INVALID", message: "the URI names no place" });
  }

  #keep(payloadHash: Hex, payload: Hex): void {
    this.#kept.set(payloadHash, payload);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_PAYLOADS && oldest !== undefined) this.#kept.delete(oldest);
  }
}

function wrongBytes(host: string): InputError {
  return new InputError({
    code: "INPUT_INVALID",
    message: "what the URI serves is not the payload that the request commits to",
    details: { host },
  });
}
