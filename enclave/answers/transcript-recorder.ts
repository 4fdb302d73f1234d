import { createHash, randomBytes } from "node:crypto";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import {
  MAX_REASON_LENGTH,
  transcriptRoot,
  type Transcript,
  type TranscriptEvent,
} from "../../protocol/transcript.ts";
import type { AttestedPeer, CompleteResponse, ExchangeOutcome, OutgoingRequest } from "../egress/exchange.ts";
import type { ModelReply } from "../../runtime/models/model-format.ts";
import type { Outcome } from "../../runtime/output/panel.ts";

const SALT_BYTES = 32;

export interface FinishedTranscript {
  readonly transcript: Transcript;
  readonly root: Hex;
  /** SHA-256 → body, each of them named by an event. */
  readonly bodies: Readonly<Record<Hex, Hex>>;
}

type Received = Extract<TranscriptEvent, { type: "request.received" }>;

/** Writes down the exchanges of one conversation, in order, and keeps their bodies. */
export class ExchangeRecorder {
  readonly #onAsked: () => void;
  protected readonly events: TranscriptEvent[] = [];
  protected readonly bodies = new Map<Hex, Hex>();
  #exchanges = 0;

  /** @param onAsked called before each request goes out */
  constructor(onAsked: () => void = () => undefined) {
    this.#onAsked = onAsked;
  }

  /** @returns the exchange's number here, for the event that ends it */
  forwarded(model: string | null, request: Pick<OutgoingRequest, "url" | "method" | "body">): number {
    this.#onAsked();
    const exchange = this.#exchanges;
    this.#exchanges += 1;
    this.events.push({
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

  /** Before the event that ends the exchange. */
  attested(exchange: number, { evidence, ...said }: AttestedPeer): void {
    if (evidence !== null) this.#keep(evidence, said.evidenceHash);
    this.events.push({ type: "upstream.attested", exchange, ...said, covers: [...said.covers] });
  }

  responded(
    exchange: number,
    requestedModel: string | null,
    response: CompleteResponse,
    reply: ModelReply | null,
  ): void {
    this.events.push({
      type: "response.received",
      exchange,
      status: response.status,
      bodyHash: this.#keep(response.body, toHex(response.bodySha256)),
      bodyBytes: response.body.length,
      requestedModel,
      returnedModel: nameOf(reply?.returnedModel),
      responseId: nameOf(reply?.responseId),
      usage: reply?.usage ?? null,
      transport: response.transport,
    });
  }

  /** Leaves the body of a response out of the receipt, where another has its bytes; the name stays. */
  letGo({ bodySha256 }: Pick<CompleteResponse, "bodySha256">): Hex {
    const hash = toHex(bodySha256);
    this.bodies.delete(hash);
    return hash;
  }

  /** Whether anyone was asked: from then on something is signed, whatever happens. */
  get hasAsked(): boolean {
    return this.#exchanges > 0;
  }

  /** An event of another kind, whose bodies `keep` was given. */
  note(event: TranscriptEvent): void {
    this.events.push(event);
  }

  /** A body that an event names, by its SHA-256. */
  keep(body: Uint8Array): Hex {
    return this.#keep(body, sha256(body));
  }

  /** The name that `keep` gives a body, of one that is not kept. */
  protected hash(body: Uint8Array): Hex {
    return sha256(body);
  }

  failed(exchange: number, { error, transport }: Extract<ExchangeOutcome, { kind: "failed" }>): void {
    this.events.push({ type: "exchange.failed", exchange, code: error.code, transport });
  }

  /** What `branch` recorded, as if it had happened after all that is recorded here. */
  protected append(branch: ExchangeRecorder): void {
    const before = this.#exchanges;
    for (const event of branch.events)
      this.events.push("exchange" in event ? { ...event, exchange: event.exchange + before } : event);
    for (const [hash, body] of branch.bodies) this.bodies.set(hash, body);
    this.#exchanges += branch.#exchanges;
  }

  #keep(body: Uint8Array, hash: Hex): Hex {
    this.bodies.set(hash, toHex(body));
    return hash;
  }
}

/** Writes down what happens while one request is answered. Each event has its own salt. */
export class TranscriptRecorder extends ExchangeRecorder {
  readonly #received: TranscriptEvent;
  readonly #branches: ExchangeRecorder[] = [];

  readonly #tell: () => void;

  constructor(received: Omit<Received, "type">, onAsked: () => void = () => undefined) {
    super(onAsked);
    this.#tell = onAsked;
    this.#received = { type: "request.received", ...received };
  }

  /**
   * For one of several conversations at the same time. Its events stand together, in the order in which the branches were
   * made and not in that in which providers answered: a host that delays packets does not shape the transcript.
   */
  branch(): ExchangeRecorder {
    return this.branchAs((onAsked) => new ExchangeRecorder(onAsked));
  }

  /** A branch that keeps more than its events. */
  branchAs<Recorder extends ExchangeRecorder>(create: (onAsked: () => void) => Recorder): Recorder {
    const branch = create(this.#tell);
    this.#branches.push(branch);
    return branch;
  }

  override get hasAsked(): boolean {
    return super.hasAsked || this.#branches.some((branch) => branch.hasAsked);
  }

  finish({ status, output, reason }: Outcome): FinishedTranscript {
    for (const branch of this.#branches) this.append(branch);
    const returned = {
      status,
      outputHash: keccak(output),
      outputBytes: output.length,
      reason: reason === null ? null : reason.toWellFormed().slice(0, MAX_REASON_LENGTH).toWellFormed(),
    };
    const events = [this.#received, ...this.events, { type: "output.returned" as const, ...returned }];
    const salts = randomBytes(SALT_BYTES * events.length);
    const transcript = events.map((event, index) => ({
      salt: toHex(salts.subarray(SALT_BYTES * index, SALT_BYTES * (index + 1))),
      event,
    }));
    return { transcript, root: transcriptRoot(transcript), bodies: Object.fromEntries(this.bodies) };
  }
}

/** Characters of a name or an id: what is longer is none. */
const MAX_NAME_LENGTH = 1_024;

/** A provider's word for a model or a response; null for what a transcript cannot hold. */
function nameOf(text: string | null | undefined): string | null {
  if (text === null || text === undefined || text.length > MAX_NAME_LENGTH) return null;
  return text.isWellFormed() ? text : null;
}

function sha256(bytes: Uint8Array): Hex {
  return toHex(createHash("sha256").update(bytes).digest());
}
