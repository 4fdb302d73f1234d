/** One HTTP exchange with a server that the behaviour file names: what went out, what came back, and who was there. */

import type { Transport, UpstreamAttested } from "../../protocol/transcript.ts";
import type { UpstreamError } from "../../protocol/errors.ts";

export interface OutgoingRequest {
  readonly url: URL;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Secrets travel here, and headers are in no transcript. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Given each piece of a 2xx body as it passes; what it is given is also in the response. */
  readonly onChunk?: (chunk: Uint8Array) => void;
  readonly signal?: AbortSignal;
  /** Content codings that are taken beside `identity`; the body stays as it came. */
  readonly encodings?: readonly string[];
  /**
   * Called with the connection that the request is about to be written to, a new one or a kept one.
   *
   * @throws {UpstreamError} for one that must not carry it: nothing is written
   */
  readonly admit?: (transport: Transport) => void;
  /** Bytes, where fewer are wanted than the behaviour file allows. */
  readonly maxResponseBytes?: number;
}

/** A response that came whole: every byte that its framing announced. */
export interface CompleteResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Of the bytes as they arrived. */
  readonly bodySha256: Uint8Array;
  readonly transport: Transport;
}

/** A server's key, and the evidence for it that the behaviour file's policy accepted: what the transcript says of it. */
export interface AttestedPeer extends Omit<UpstreamAttested, "type" | "exchange"> {
  /** null where it is too large for a receipt. */
  readonly evidence: Uint8Array | null;
}

export type ExchangeOutcome = {
  /** Where the provider attests itself. */
  readonly attested?: AttestedPeer;
} & (
  | { readonly kind: "complete"; readonly response: CompleteResponse }
  | { readonly kind: "failed"; readonly error: UpstreamError; readonly transport: Transport | null }
);

/** Never throws for what a server or a network does: that is an outcome. */
export type Exchange = (request: OutgoingRequest) => Promise<ExchangeOutcome>;
