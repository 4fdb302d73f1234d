import type { Hex } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import type { AdytonError } from "../../protocol/errors.ts";
import type { Model } from "../configuration/behaviour.ts";
import type { ModelQuestion, ModelReply } from "../../runtime/models/model-format.ts";

export interface ReplyHead {
  readonly requestId: Hex;
  /** Seconds. */
  readonly created: number;
  /** As asked: `provider/model`. */
  readonly model: string;
}

/** Where the receipt is, for whoever reads the reply. */
export function receiptPath(requestId: Hex): string {
  return `/v1/receipts/${requestId}`;
}

/** An event of a stream; `name` where the API names its events beside their data. */
export interface StreamEvent {
  readonly name?: string;
  readonly data: Json;
}

/** One reply, written as the API has it. */
export interface ReplyWriter {
  readonly whole: (reply: ModelReply) => Json;
  /** Before the first text, or before the end where there is none. */
  readonly begin: () => readonly StreamEvent[];
  readonly text: (text: string) => readonly StreamEvent[];
  /** All that is known at the end; the last event names the receipt. */
  readonly end: (reply: ModelReply) => readonly StreamEvent[];
  /** For a stream that has begun, whose status can no longer say it. */
  readonly fail: (error: AdytonError) => readonly StreamEvent[];
}

/** One of OpenAI's APIs: how its calls are read, and how its replies are written. */
export interface OpenaiApi<Call extends { readonly model: string }> {
  /** @throws {InputError} INPUT_INVALID naming the field */
  readonly parse: (body: Uint8Array) => Call;
  /** @throws {InputError} INPUT_INVALID for what the model does not take */
  readonly toQuestion: (call: Call, model: Model) => ModelQuestion;
  readonly createWriter: (head: ReplyHead, call: Call) => ReplyWriter;
  /** The end of a stream after its last event. */
  readonly streamEnd: string;
}
