/** Writes down one call of a program: what was asked, every exchange for it, and what came of it. */

import { toUtf8 } from "../../protocol/bytes.ts";
import type { CallErrorCode, RecordedFormat } from "../../protocol/agent-events.ts";
import type { RecordedExchange } from "../../runtime/agents/call-result.ts";
import type { ModelReply } from "../../runtime/models/model-format.ts";
import { SESSION_HEADER } from "../../runtime/agents/mcp-message.ts";
import { ExchangeRecorder } from "../answers/transcript-recorder.ts";
import type { CompleteResponse, ExchangeOutcome } from "../egress/exchange.ts";

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

export class CallRecorder extends ExchangeRecorder {
  readonly #call: number;
  /** Of the model that is asked; null for HTTP. */
  format: RecordedFormat | null = null;
  last: RecordedExchange | null = null;

  constructor(onAsked: () => void, call: number, made: { readonly op: string; readonly args: string }) {
    super(onAsked);
    this.#call = call;
    const args = toUtf8(made.args);
    this.note({ type: "call.made", call, op: made.op, argsHash: this.keep(args), argsBytes: args.length });
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

function seenHeaders({ headers }: CompleteResponse): Readonly<Record<string, string>> {
  return Object.fromEntries(
    SEEN_HEADERS.flatMap((name): readonly (readonly [string, string])[] => {
      const value = headers[name];
      return value === undefined || !value.isWellFormed() ? [] : [[name, value]];
    }),
  );
}
