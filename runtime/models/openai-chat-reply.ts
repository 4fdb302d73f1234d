/** The response of Chat Completions: https://platform.openai.com/docs/api-reference/chat/object */

import * as z from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import type { ModelReply, StopReason, ToolCall } from "./model-format.ts";
import { errorInBody } from "./provider-error.ts";
import { anyJson, malformed, parseBody, tokenCount } from "./response-body.ts";

const Parts = z.array(
  z.object({ type: z.string(), text: z.string().nullish(), refusal: z.string().nullish() }),
);

/** Mistral gives a list of parts, of which some are reasoning. */
export const ChatContent = z.union([
  z.string().transform((text) => ({ text, refusal: "" })),
  Parts.transform((parts) => ({
    text: parts.map(({ type, text }) => (type === "text" ? (text ?? "") : "")).join(""),
    refusal: parts.map(({ type, refusal }) => (type === "refusal" ? (refusal ?? "") : "")).join(""),
  })),
]);

/** As a text, which it should be; some servers give the object itself, or nothing where a tool takes nothing. */
export const CallArguments = z
  .union([z.string(), z.record(z.string(), z.unknown()).transform((value) => JSON.stringify(value))])
  .nullish();

/** Some servers give calls that have no id an empty one. */
export const CallId = z
  .string()
  .nullish()
  .transform((id) => (id === "" ? null : (id ?? null)));

const Call = z.object({
  id: CallId,
  function: z.object({ name: z.string(), arguments: CallArguments }),
});

/** Some servers use the names of Responses. */
export const ChatUsage = z
  .object({
    prompt_tokens: tokenCount,
    completion_tokens: tokenCount,
    input_tokens: tokenCount,
    output_tokens: tokenCount,
    total_tokens: tokenCount,
  })
  .transform((usage): ModelReply["usage"] => {
    const input = usage.prompt_tokens ?? usage.input_tokens ?? null;
    const output = usage.completion_tokens ?? usage.output_tokens ?? null;
    if (input === null || output === null) return null;
    // xAI leaves reasoning out of completion_tokens, and only the total tells.
    return { inputTokens: input, outputTokens: Math.max(output, (usage.total_tokens ?? 0) - input) };
  })
  .nullish()
  .catch(null);

const Completion = z.object({
  object: anyJson.nullish(),
  code: anyJson.nullish(),
  type: anyJson.nullish(),
  error: anyJson.nullish(),
  id: z.string().nullish(),
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        index: z.int().nullish(),
        finish_reason: z.string().nullish(),
        /** OpenRouter's, for an upstream that failed on the way. */
        error: anyJson.nullish(),
        message: z.object({
          content: ChatContent.nullish(),
          refusal: z.string().nullish(),
          tool_calls: z.array(Call).nullish(),
        }),
      }),
    )
    .nullish(),
  usage: ChatUsage,
});

export function parseChatReply(body: Uint8Array): ModelReply {
  const { error, id, model, choices, usage, ...rest } = parseBody(Completion, body);
  throwError(error ?? null, rest);
  const choice = choices?.find(({ index }) => (index ?? 0) === 0);
  if (choice === undefined) throw malformed("no choice in the body");
  if (choice.error !== undefined && choice.error !== null) throw errorInBody(choice.error);
  throwOutage(choice.finish_reason ?? null);
  const { content, tool_calls: calls } = choice.message;
  const refusal = refusalIn(choice.message);
  return {
    returnedModel: model ?? null,
    responseId: id ?? null,
    usage: usage ?? null,
    stop: stopReason(choice.finish_reason ?? null, refusal),
    text: content?.text ?? "",
    refusal: refusal === "" ? null : refusal,
    toolCalls: (calls ?? []).map(({ id: callId, function: { name, arguments: text } }): ToolCall => ({
      id: callId,
      name,
      arguments: text ?? "{}",
    })),
    carry: null,
  };
}

/** In its own field, or as a part of the content; empty where there is none. */
export function refusalIn({
  refusal,
  content,
}: {
  readonly refusal?: string | null | undefined;
  readonly content?: z.output<typeof ChatContent> | null | undefined;
}): string {
  const own = refusal ?? "";
  return own === "" ? (content?.refusal ?? "") : own;
}

interface SaidInPlace {
  readonly object?: Json | undefined;
  readonly code?: Json | undefined;
  readonly type?: Json | undefined;
}

/** @throws {UpstreamError} for an error in a body or an event, or in its place */
export function throwError(error: Json, { object, code = null, type = null }: SaidInPlace): void {
  if (error !== null) throw errorInBody(error);
  // vLLM's: `{"object": "error", "code": 404, …}`, with status 200.
  if (object === "error") throw errorInBody({ code, type });
}

/** Reasons by which servers tell of an outage of their own: an HTTP error that came too late for its status. */
const OUTAGES = new Set([
  "error",
  "network_error",
  "internal_error",
  "server_error",
  "insufficient_system_resource",
  "repetition_truncation_error",
]);

/** @throws {UpstreamError} MODEL_HTTP_ERROR, which is asked again where nothing was passed on yet */
export function throwOutage(reason: string | null): void {
  if (reason !== null && OUTAGES.has(reason.toLowerCase())) throw errorInBody({ type: reason });
}

/** Compatible servers pass on the words of what is behind them: Anthropic's, Gemini's, Zhipu's. */
export function stopReason(reason: string | null, refusal: string): StopReason {
  if (refusal !== "") return "refused";
  switch (reason?.toLowerCase()) {
    case "stop":
    case "eos":
    case "eos_token":
    case "end_turn":
    case "stop_sequence":
      return "complete";
    case "length":
    case "max_tokens":
    case "max_output_tokens":
    case "model_length":
    case "model_context_window_exceeded":
      return "length";
    case "content_filter":
    case "sensitive":
    case "safety":
    case "refusal":
      return "refused";
    case "tool_calls":
    case "tool_use":
    case "function_call":
      return "toolCalls";
    default:
      return "other";
  }
}
