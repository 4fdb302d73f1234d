/** The base of both transports: one origin, evidence that is judged again in time, and receipts. */

import type { VerifiedReceipt } from "../attestation/index.ts";
import type { EndorsementSource } from "../attestation/endorsements/endorsement-source.ts";
import type { Hex } from "../protocol/bytes.ts";
import { AdytonError, InputError, UpstreamError } from "../protocol/errors.ts";
import { MAX_RECEIPT_BYTES } from "../protocol/limits.ts";
import type { AttestedClient, AttestedFetchOptions, AttestedPeer, ReceiptOf } from "./attested-client.ts";
import { KeysChanged, type Channel, type OpenChannel } from "./channel.ts";
import { createEvidenceVerifier, type EvidenceVerifier } from "./evidence-verifier.ts";
import { readAtMost } from "./read-at-most.ts";
import { SentCalls } from "./sent-calls.ts";
import { verifyReceiptOf } from "./verify-receipt-of.ts";

/** Seconds: revocations are made to be read daily, and a session that lasts is judged more often than that. */
const DEFAULT_MAX_EVIDENCE_AGE = 3_600;
/** None: evidence that needs some and brings none is then refused as one that cannot be judged. */
const NO_ENDORSEMENTS: EndorsementSource = { find: () => Promise.resolve({}) };
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** @throws what `OpenChannel` throws, and whatever `onVerified` throws */
export async function createClient(
  url: string | URL,
  options: AttestedFetchOptions,
  openChannel: OpenChannel,
): Promise<AttestedClient> {
  const { origin, protocol } = new URL(url);
  if (protocol !== "https:")
    throw new InputError({ code: "INPUT_INVALID", message: "an enclave is reached over https" });
  const client = new Client(origin, options, openChannel);
  await client.open();
  return client;
}

interface Current {
  readonly channel: Channel;
  /** Milliseconds. */
  readonly judgedAt: number;
}

class Client implements AttestedClient {
  readonly #origin: string;
  readonly #options: AttestedFetchOptions;
  readonly #openChannel: OpenChannel;
  readonly #verifier: EvidenceVerifier;
  readonly #now: () => number;
  readonly #sent = new SentCalls();
  readonly #accepted = new Set<Hex>();
  #current: Promise<Current> | null = null;
  #peer: AttestedPeer | null = null;

  constructor(origin: string, options: AttestedFetchOptions, openChannel: OpenChannel) {
    this.#origin = origin;
    this.#options = options;
    this.#openChannel = openChannel;
    this.#now = options.now ?? (() => new Date().getTime());
    const endorsements = options.endorsements ?? NO_ENDORSEMENTS;
    this.#verifier = createEvidenceVerifier({ policy: options.policy, endorsements, now: this.#now });
  }

  async open(): Promise<void> {
    await this.#channel();
  }

  get peer(): AttestedPeer {
    if (this.#peer === null) throw new TypeError("the client was not opened");
    return this.#peer;
  }

  /** A field and not a method: clients take it apart from its object. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input instanceof Request ? input : new URL(input, this.#origin), init);
    if (new URL(request.url).origin !== this.#origin) {
      throw new InputError({
        code: "INPUT_INVALID",
        message: `this client speaks with ${this.#origin} and nobody else`,
        details: { origin: new URL(request.url).origin },
      });
    }
    const body = await bodyOf(request);
    const response = await this.#send(request, body);
    if (REDIRECTS.has(response.status) && request.redirect !== "manual") {
      await response.body?.cancel();
      throw new UpstreamError({
        code: "ENCLAVE_REDIRECTED",
        message: "the reply is a redirect, and none is followed: what it leads to was not attested",
        details: { status: response.status },
      });
    }
    this.#sent.keep(request, body, response);
    return response;
  };

  async receipt(reply: ReceiptOf): Promise<VerifiedReceipt> {
    const call = this.#sent.find(reply);
    const response = await this.fetch(call.receiptPath, { headers: call.credentials });
    const file = await readAtMost(response, MAX_RECEIPT_BYTES);
    if (!response.ok) throw receiptRefused(response.status);
    return await verifyReceiptOf(file, {
      policy: this.#options.policy,
      accepted: this.#accepted,
      bodyHash: call.bodyHash,
    });
  }

  close(): void {
    const closing = this.#current;
    this.#current = null;
    void closing?.then(
      ({ channel }) => {
        channel.close();
      },
      () => undefined,
    );
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #send(request: Request, body: Uint8Array<ArrayBuffer> | null): Promise<Response> {
    request.signal.throwIfAborted();
    const used = await this.#channel();
    try {
      return await used.send(request, body);
    } catch (error) {
      if (!(error instanceof KeysChanged)) throw toClientError(error, request.signal);
      const renewed = await this.#channel(used);
      if (error.unsent) return await this.#sendOnce(renewed, request, body);
      throw new UpstreamError({
        code: "ENCLAVE_UNAVAILABLE",
        message: "the enclave has other keys now, which were judged anew: call again",
        cause: error,
      });
    }
  }

  async #sendOnce(
    channel: Channel,
    request: Request,
    body: Uint8Array<ArrayBuffer> | null,
  ): Promise<Response> {
    try {
      return await channel.send(request, body);
    } catch (error) {
      throw toClientError(error, request.signal);
    }
  }

  /** The channel in use; a new one where there is none, its evidence is old, or it is `unfit`. One is opened at a time. */
  async #channel(unfit?: Channel): Promise<Channel> {
    const current = this.#current;
    if (current !== null) {
      const { channel, judgedAt } = await current;
      const ageMs = this.#now() - judgedAt;
      const maxAgeMs = (this.#options.maxEvidenceAge ?? DEFAULT_MAX_EVIDENCE_AGE) * 1_000;
      // A clock that was set back tells no age.
      if (channel !== unfit && ageMs >= 0 && ageMs < maxAgeMs) return channel;
      if (this.#current === current) {
        this.#current = null;
        channel.close();
      }
    }
    this.#current ??= this.#judge();
    const judging = this.#current;
    try {
      return (await judging).channel;
    } catch (error) {
      // Evidence that was refused is judged again at the next call, and never taken for accepted.
      if (this.#current === judging) this.#current = null;
      throw error;
    }
  }

  async #judge(): Promise<Current> {
    const judgedAt = this.#now();
    const channel = await this.#openChannel(this.#origin, this.#verifier);
    try {
      await this.#options.onVerified?.(channel.peer);
    } catch (error) {
      channel.close();
      throw error;
    }
    this.#peer = channel.peer;
    this.#accepted.add(channel.peer.keysetId);
    return { channel, judgedAt };
  }
}

async function bodyOf(request: Request): Promise<Uint8Array<ArrayBuffer> | null> {
  if (request.method === "GET" || request.method === "HEAD") return null;
  const body = new Uint8Array(await request.arrayBuffer());
  return body.length === 0 ? null : body;
}

/** An abort stays the caller's own; what is ours keeps its code; the rest is a connection that failed. */
function toClientError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof AdytonError) return error;
  return new UpstreamError({
    code: "ENCLAVE_UNAVAILABLE",
    message: "the connection to the enclave failed; the call may have been read, and is not repeated",
    cause: error,
  });
}

function receiptRefused(status: number): InputError {
  return new InputError({
    code: "INPUT_NOT_FOUND",
    message: "the enclave gives no receipt for this reply: it was not read to its end, or it is gone",
    details: { status },
  });
}
