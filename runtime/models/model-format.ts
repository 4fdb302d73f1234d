/** One question to one model, in nobody's wire format; and what each wire format has to do with it. */

import type { Json } from "../../protocol/canonical-json.ts";
import type { ContentPart, Media } from "./media.ts";

export interface ToolCall {
  /** null where the provider names calls by nothing but their order. */
  readonly id: string | null;
  readonly name: string;
  /** JSON text; as the model wrote it where the format carries text. */
  readonly arguments: string;
  /** Gemini's, over the reasoning that led to the call: to be handed back unread with the call's result. */
  readonly signature?: string;
}

export type ModelMessage =
  | { readonly role: "system"; readonly content: string }
  | {
      readonly role: "user";
      /** Its text, whole. */
      readonly content: string;
      /** The same text with images and documents in their places; none where it is left out. */
      readonly parts?: readonly ContentPart[];
    }
  | {
      readonly role: "assistant";
      readonly content: string;
      readonly toolCalls?: readonly ToolCall[];
      /** `ModelReply.carry` of the reply that this message repeats, for the same provider. */
      readonly carry?: Json | null;
    }
  | { readonly role: "tool"; readonly call: ToolCall; readonly content: string };

export interface ToolDefinition {
  readonly name: string;
  readonly description: string | null;
  /** A JSON Schema whose root is an object. */
  readonly parameters: Json;
  /** The provider holds the model to `parameters`; not where it is left out. */
  readonly strict?: boolean;
}

export type ToolChoice = "auto" | "required" | "none" | { readonly name: string };

/** `minimal` comes from callers of OpenAI's APIs alone: a prompt has no word for it. */
export const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
export type Effort = (typeof EFFORTS)[number];

export const VERBOSITIES = ["low", "medium", "high"] as const;
export type Verbosity = (typeof VERBOSITIES)[number];

export interface ModelQuestion {
  /** The provider's name for the model. */
  readonly model: string;
  readonly messages: readonly ModelMessage[];
  /** Of the answer alone. */
  readonly maxOutputTokens: number;
  /** For thinking, beside the answer's: providers bound both by one number (`tokenLimit`). 0 where the model does not think. */
  readonly thinkingTokens: number;
  /** The model thinks only when it is asked, and is. */
  readonly asksToThink: boolean;
  /** null where the provider's default holds. */
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly seed: number | null;
  readonly effort: Effort | null;
  /** A JSON Schema that the provider shall enforce; its root is an object. `strict`: it keeps to `isStrictSchema`. */
  readonly schema: { readonly json: Json; readonly strict: boolean } | null;
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice: ToolChoice;
  /** At most one call of a tool in the answer; as many as it likes where it is left out. */
  readonly oneToolCall?: boolean;
  /** Texts at which the model stops, and which are no part of its answer. */
  readonly stop?: readonly string[];
  readonly verbosity?: Verbosity | null;
  readonly stream: boolean;
}

/** Images and documents of a conversation, in their order. */
export function mediaOf(messages: readonly ModelMessage[]): readonly Media[] {
  return messages.flatMap((message) =>
    message.role === "user"
      ? (message.parts ?? []).flatMap((part) => ("media" in part ? [part.media] : []))
      : [],
  );
}

/** The token limit that a provider is given: thinking and answer together. */
export function tokenLimit({ maxOutputTokens, thinkingTokens }: ModelQuestion): number {
  return maxOutputTokens + thinkingTokens;
}

/** Why a model stopped, in one vocabulary. `other` is a reason that we do not know, and never a whole answer. */
export type StopReason = "complete" | "length" | "refused" | "toolCalls" | "other";

export interface ModelReply {
  readonly returnedModel: string | null;
  readonly responseId: string | null;
  /** All that is paid for: cached input and hidden reasoning included. */
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  readonly stop: StopReason;
  /** The text for the asker: no reasoning, no commentary. */
  readonly text: string;
  /** The model's or the provider's words for declining, where there are any. */
  readonly refusal: string | null;
  readonly toolCalls: readonly ToolCall[];
  /**
   * The provider's own items of a reply that calls tools (reasoning, signatures), to be handed back unread with the
   * results; null where the format needs none.
   */
  readonly carry: Json | null;
}

/** A stream's addition to a reply. The texts of all `text` pieces, in order, are the reply's `text`. */
export type ReplyPiece =
  | { readonly kind: "text" | "refusal"; readonly text: string }
  | { readonly kind: "toolCall"; readonly index: number; readonly id: string | null; readonly name: string }
  | { readonly kind: "toolArguments"; readonly index: number; readonly text: string };

export interface StreamReader {
  /**
   * Reads what a chunk of the body completes; chunks may end anywhere.
   *
   * @throws {UpstreamError} MODEL_RESPONSE_MALFORMED, or the error that the provider reports in the stream
   */
  readonly read: (chunk: Uint8Array) => readonly ReplyPiece[];
  /**
   * The whole reply, once the body has ended.
   *
   * @throws {UpstreamError} MODEL_RESPONSE_TRUNCATED when the format's own end was not seen
   */
  readonly finish: () => ModelReply;
}

export interface EncodedQuestion {
  /** Appended to the provider's base URL. */
  readonly path: string;
  /** Without the credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface ModelFormat {
  /** Whether the provider can be made to keep to this schema. Where it cannot, the prompt has to tell it. */
  readonly takesSchema: (schema: Json) => boolean;
  /**
   * Only fields named in the format's own file are ever sent; nothing refers to, or leaves, state at the provider.
   *
   * @throws {InputError} INPUT_INVALID for a question that the format cannot carry without changing it
   */
  readonly encodeQuestion: (question: ModelQuestion) => EncodedQuestion;
  readonly credentialHeaders: (credential: string) => Readonly<Record<string, string>>;
  /**
   * Reads the body of a 2xx response that was not asked to stream.
   *
   * @throws {UpstreamError} MODEL_RESPONSE_MALFORMED, or the error that the provider reports in it
   */
  readonly parseReply: (body: Uint8Array) => ModelReply;
  readonly createStreamReader: () => StreamReader;
}
