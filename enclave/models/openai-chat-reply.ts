/** The response of Chat Completions: https://platform.openai.com/docs/api-reference/chat/object */

import { z } from "zod";
import type { ModelReply, StopReason, ToolCall } from "./model-format.ts";
import { errorInBody } from "./provider-error.ts";
import { anyJson, malformed, parseBody, tokenCount } from "./response-body.ts";

/** Mistral gives a list of parts, of which some are reasoning. */
const Content = z.union([
  z.string(),
  z
    .array(z.object({ type: z.string(), text: z.string().nullish() }))
    .transform((parts) => parts.map(({ type, text }) => (type === "text" ? (text ?? "") : "")).join("")),
]);

const Call = z.object({
  id: z.string().nullish(),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

export const ChatUsage = z
  .object({ prompt_tokens: tokenCount, completion_tokens: tokenCount, total_tokens: tokenCount.nullish() })
  .transform(({ prompt_tokens: input, completion_tokens: output, total_tokens: total }) => ({
    inputTokens: input,
    // xAI leaves reasoning out of completion_tokens, and only the total tells.
    outputTokens: Math.max(output, (total ?? 0) - input),
  }));

const Completion = z.object({
  error: anyJson.nullish(),
  id: z.string().nullish(),
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({
          content: Content.nullish(),
          refusal: z.string().nullish(),
          tool_calls: z.array(Call).nullish(),
        }),
      }),
    )
    .nullish(),
  usage: ChatUsage.nullish(),
});

export function parseChatReply(body: Uint8Array): ModelReply {
  const { error, id, model, choices, usage } = parseBody(Completion, body);
  if (error !== undefined && error !== null) throw errorInBody(error);
  const choice = choices?.[0];
  if (choice === undefined) throw malformed("no choice in the body");
  const { content, refusal, tool_calls: calls } = choice.message;
  return {
    returnedModel: model ?? null,
    responseId: id ?? null,
    usage: usage ?? null,
    stop: stopReason(choice.finish_reason ?? null, refusal ?? null),
    text: content ?? "",
    refusal: refusal ?? null,
    toolCalls: (calls ?? []).map(({ id: callId, function: { name, arguments: text } }): ToolCall => ({
      id: callId ?? null,
      name,
      arguments: text,
    })),
    carry: null,
  };
}

export function stopReason(reason: string | null, refusal: string | null): StopReason {
  if (refusal !== null && refusal !== "") return "refused";
  switch (reason) {
    case "stop":
    case "eos":
      return "complete";
    case "length":
      return "length";
    case "content_filter":
      return "refused";
    case "tool_calls":
    case "function_call":
      return "toolCalls";
    default:
      return "other";
  }
}
