/** Writes down one call of a program: what was asked, every exchange for it, and what came of it. */

import { toUtf8, type Hex } from "../../protocol/bytes.ts";
import type { CallErrorCode, RecordedFormat } from "../../protocol/agent-events.ts";
import type { RecordedExchange } from "../../runtime/agents/call-result.ts";
import type { ModelReply } from "../../runtime/models/model-format.ts";
import { SESSION_HEADER } from "../../runtime/agents/mcp-message.ts";
import { ExchangeRecorder } from "../answers/transcript-recorder.ts";
import type { CompleteResponse, ExchangeOutcome } from "../egress/exchange.ts";
import type { RecordSize, SizedRecord } from "./receipt-room.ts";

/** Headers of a response that a program sees, and a transcript holds. */
const SEEN_HEADERS = [
  "cache-control",
  "content-language",
  "content-type",
  "date",
  "etag",
  "last-modified",
  "link",
  "location",
  SESSION_HEADER,
  "retry-after",
];

export interface Settlement {
  readonly code: CallErrorCode | null;
  readonly reason: string | null;
  readonly result: string;
  readonly time: number;
  readonly feeWei: string;
}

export interface MadeCall {
  readonly number: number;
  readonly op: string;
  readonly args: Uint8Array;
  /** In the receipt, and not by their hash alone. */
  readonly areArgsKept: boolean;
}

/** A salt, and what JSON puts around an event and its salt, or around a body and its name. */
const CHARACTERS_OF_LEAF = 96;
const CHARACTERS_OF_ENTRY = 6;

export class CallRecorder extends ExchangeRecorder implements SizedRecord {
  readonly #call: number;
  /** Of the model that is asked; null for HTTP. */
  format: RecordedFormat | null = null;
  last: RecordedExchange | null = null;

  constructor(onAsked: () => void, { number, op, args, areArgsKept }: MadeCall) {
    super(onAsked);
    this.#call = number;
    const argsHash = areArgsKept ? this.keep(args) : this.hash(args);
    this.note({ type: "call.made", call: number, op, argsHash, argsBytes: args.length });
  }

  /** Without what every call has. */
  sizeBeside(known: ReadonlySet<Hex>): RecordSize {
    const events = this.events.filter(({ type }) => type !== "call.made" && type !== "call.settled");
    const bodies = [...this.bodies].filter(([name]) => !known.has(name));
    const characters =
      sum(events.map((event) => JSON.stringify(event).length + CHARACTERS_OF_LEAF)) +
      sum(bodies.map(([name, body]) => name.length + body.length + CHARACTERS_OF_ENTRY));
    return { characters, events: events.length };
  }

  get bodyNames(): Iterable<Hex> {
    return this.bodies.keys();
  }

  override responded(
    exchange: number,
    requestedModel: string | null,
    response: CompleteResponse,
    reply: ModelReply | null,
  ): void {
    super.responded(exchange, requestedModel, response, reply);
    const { status, body, transport } = response;
    const headers = this.format === null ? seenHeaders(response) : {};
    this.last = { kind: "complete", status, headers, body, transport, format: this.format };
    this.#exchanged(exchange, this.format === null ? headers : null);
  }

  override failed(exchange: number, outcome: Extract<ExchangeOutcome, { kind: "failed" }>): void {
    super.failed(exchange, outcome);
    this.last = { kind: "failed", code: outcome.error.code };
    this.#exchanged(exchange, null);
  }

  settled({ code, reason, result, time, feeWei }: Settlement): void {
    const bytes = toUtf8(result);
    this.note({
      type: "call.settled",
      call: this.#call,
      code,
      reason,
      resultHash: this.hash(bytes),
      resultBytes: bytes.length,
      time,
      feeWei,
    });
  }

  #exchanged(exchange: number, headers: Readonly<Record<string, string>> | null): void {
    this.note({
      type: "call.exchanged",
      call: this.#call,
      exchange,
      format: this.format,
      headers: headers === null ? null : { ...headers },
    });
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function seenHeaders({ headers }: CompleteResponse): Readonly<Record<string, string>> {
  return Object.fromEntries(
    SEEN_HEADERS.flatMap((name): readonly (readonly [string, string])[] => {
      const value = headers[name];
      return value === undefined || !value.isWellFormed() ? [] : [[name, value]];
    }),
  );
}
