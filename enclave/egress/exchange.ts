/** One HTTP exchange with a server that the behaviour file names: what went out, what came back, and who was there. */

import type { Transport } from "../../protocol/transcript.ts";
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

export type ExchangeOutcome =
  | { readonly kind: "complete"; readonly response: CompleteResponse }
  | { readonly kind: "failed"; readonly error: UpstreamError; readonly transport: Transport | null };

/** Never throws for what a server or a network does: that is an outcome. */
export type Exchange = (request: OutgoingRequest) => Promise<ExchangeOutcome>;
