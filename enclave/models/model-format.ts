/** One question to one model, in nobody's wire format; and what the four formats that carry it have in common. */

import type { Json } from "../../protocol/canonical-json.ts";

export interface ToolCall {
  readonly id: string | null;
  readonly name: string;
  /** As the model wrote them: JSON text. */
  readonly arguments: string;
}

export type ModelMessage =
  | { readonly role: "system" | "user"; readonly content: string }
  | { readonly role: "assistant"; readonly content: string; readonly toolCalls?: readonly ToolCall[] }
  | { readonly role: "tool"; readonly content: string; readonly toolCallId: string; readonly name: string };

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly parameters: Json;
}

export interface ModelQuestion {
  /** The provider's name for the model. */
  readonly model: string;
  readonly messages: readonly ModelMessage[];
  readonly maxOutputTokens: number;
  /** null where the provider's default holds. */
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly seed: number | null;
  readonly effort: "minimal" | "low" | "medium" | "high" | null;
  /** A JSON Schema that the provider shall enforce; its root is an object. */
  readonly schema: { readonly json: Json; readonly strict: boolean } | null;
  readonly tools: readonly Tool[];
  readonly stream: boolean;
}

/** Why a model stopped, in one vocabulary. `other` is a reason that we do not know, and never a whole answer. */
export type StopReason = "complete" | "length" | "refused" | "toolCalls" | "other";

export interface ModelReply {
  readonly returnedModel: string | null;
  readonly responseId: string | null;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  readonly stop: StopReason;
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
}

export interface EncodedQuestion {
  /** Appended to the provider's base URL. */
  readonly path: string;
  /** Without the credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Puts a reply together from the events of a stream, in order. */
export interface StreamReader {
  /**
   * @param data one event's data
   * @returns the text that it adds to the answer
   * @throws {UpstreamError} MODEL_RESPONSE_MALFORMED for an event out of order; MODEL_HTTP_ERROR for an error in the stream
   */
  readonly push: (data: string) => string;
  /** @throws {UpstreamError} MODEL_RESPONSE_TRUNCATED when the stream ended before the answer did */
  readonly finish: () => ModelReply;
}

export interface ModelFormat {
  /** Only fields named here are ever sent; nothing refers to, or leaves, state at the provider. */
  readonly encodeQuestion: (question: ModelQuestion) => EncodedQuestion;
  readonly credentialHeaders: (credential: string) => Readonly<Record<string, string>>;
  /**
   * Reads the body of a 2xx response that is no stream.
   *
   * @throws {UpstreamError} MODEL_RESPONSE_MALFORMED
   */
  readonly parseReply: (body: Uint8Array) => ModelReply;
  readonly createStreamReader: () => StreamReader;
}
