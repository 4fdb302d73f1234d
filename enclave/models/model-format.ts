/** One question to one model, in nobody's wire format; and the four formats that carry it. */

import type { Json } from "../../protocol/canonical-json.ts";

export interface ModelMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
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
}

/** Why a model stopped, in one vocabulary. `other` is a reason that we do not know, and never a whole answer. */
export type StopReason = "complete" | "length" | "refused" | "toolCalls" | "other";

export interface ToolCall {
  readonly id: string | null;
  readonly name: string;
  /** As the model wrote them: JSON text. */
  readonly arguments: string;
}

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
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface ModelFormat {
  /** Only fields named here are ever sent; nothing refers to, or leaves, state at the provider. */
  readonly encodeQuestion: (question: ModelQuestion, credential: string | null) => EncodedQuestion;
  /**
   * Reads the body of a 2xx response.
   *
   * @throws {UpstreamError} MODEL_RESPONSE_MALFORMED
   */
  readonly parseReply: (body: Uint8Array) => ModelReply;
}
