import { createHash, randomBytes } from "node:crypto";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { transcriptRoot, type Transcript, type TranscriptEvent } from "../../protocol/transcript.ts";
import type { CompleteResponse, ExchangeOutcome, OutgoingRequest } from "../egress/exchange.ts";
import type { ModelReply } from "../models/model-format.ts";

export interface FinishedTranscript {
  readonly transcript: Transcript;
  readonly root: Hex;
  /** SHA-256 → body, each of them named by an event. */
  readonly bodies: Readonly<Record<Hex, Hex>>;
}

type Received = Extract<TranscriptEvent, { type: "request.received" }>;

/** Writes down, in order, what happens while one request is answered. Each event has its own salt. */
export class TranscriptRecorder {
  readonly #leaves: { readonly salt: Hex; readonly event: TranscriptEvent }[] = [];
  readonly #bodies = new Map<Hex, Hex>();
  #exchanges = 0;

  constructor(received: Omit<Received, "type">) {
    this.#add({ type: "request.received", ...received });
  }

  /** @returns the exchange's number, for the event that ends it */
  forwarded(model: string, request: Pick<OutgoingRequest, "url" | "method" | "body">): number {
    const exchange = this.#exchanges;
    this.#exchanges += 1;
    this.#add({
      type: "request.forwarded",
      exchange,
      model,
      url: request.url.href,
      method: request.method,
      bodyHash: this.#keep(request.body, sha256(request.body)),
      bodyBytes: request.body.length,
    });
    return exchange;
  }

  responded(
    exchange: number,
    requestedModel: string,
    response: CompleteResponse,
    reply: ModelReply | null,
  ): void {
    this.#add({
      type: "response.received",
      exchange,
      status: response.status,
      bodyHash: this.#keep(response.body, toHex(response.bodySha256)),
      bodyBytes: response.body.length,
      requestedModel,
      returnedModel: reply?.returnedModel ?? null,
      responseId: reply?.responseId ?? null,
      usage: reply?.usage ?? null,
      transport: response.transport,
    });
  }

  failed(exchange: number, { error, transport }: Extract<ExchangeOutcome, { kind: "failed" }>): void {
    this.#add({ type: "exchange.failed", exchange, code: error.code, transport });
  }

  finish(status: number, output: Uint8Array): FinishedTranscript {
    this.#add({ type: "output.returned", status, outputHash: keccak(output), outputBytes: output.length });
    return {
      transcript: this.#leaves,
      root: transcriptRoot(this.#leaves),
      bodies: Object.fromEntries(this.#bodies),
    };
  }

  #add(event: TranscriptEvent): void {
    this.#leaves.push({ salt: toHex(randomBytes(32)), event });
  }

  #keep(body: Uint8Array, hash: Hex): Hex {
    this.#bodies.set(hash, toHex(body));
    return hash;
  }
}

function sha256(bytes: Uint8Array): Hex {
  return toHex(createHash("sha256").update(bytes).digest());
}
