/**
 * OpenAI-compatible Chat Completions: vLLM, Ollama, llama.cpp, xAI, Groq and most others.
 * https://platform.openai.com/docs/api-reference/chat
 */

import { z } from "zod";
import { toUtf8 } from "../../protocol/bytes.ts";
import type { EncodedQuestion, ModelFormat, ModelQuestion, ModelReply, StopReason } from "./model-format.ts";
import { malformed, parseBody, tokenCount } from "./response-body.ts";

export const openaiChat: ModelFormat = { encodeQuestion, parseReply };

function encodeQuestion(question: ModelQuestion, credential: string | null): EncodedQuestion {
  const { schema } = question;
  const body = {
    model: question.model,
    messages: question.messages,
    // The name that every compatible server knows; OpenAI's own newer models are asked through Responses.
    max_tokens: question.maxOutputTokens,
    stream: false,
    ...(question.temperature === null ? {} : { temperature: question.temperature }),
    ...(question.topP === null ? {} : { top_p: question.topP }),
    ...(question.seed === null ? {} : { seed: question.seed }),
    ...(question.effort === null ? {} : { reasoning_effort: question.effort }),
    ...(schema === null
      ? {}
      : {
          response_format: {
            type: "json_schema",
            json_schema: { name: "answer", strict: schema.strict, schema: schema.json },
          },
        }),
  };
  return {
    path: "/chat/completions",
    headers: {
      "content-type": "application/json",
      accept: "application/json",
      ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
    },
    body: toUtf8(JSON.stringify(body)),
  };
}

const Completion = z.object({
  id: z.string().nullish(),
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({
          content: z.string().nullish(),
          refusal: z.string().nullish(),
          tool_calls: z
            .array(
              z.object({
                id: z.string().nullish(),
                function: z.object({ name: z.string(), arguments: z.string() }),
              }),
            )
            .nullish(),
        }),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: tokenCount, completion_tokens: tokenCount }).nullish(),
});

function parseReply(body: Uint8Array): ModelReply {
  const { id, model, choices, usage } = parseBody(Completion, body);
  const [choice] = choices;
  if (choice === undefined) throw malformed("no choice in the body");
  const refused = choice.message.refusal !== undefined && choice.message.refusal !== null;
  return {
    returnedModel: model ?? null,
    responseId: id ?? null,
    usage:
      usage === undefined || usage === null
        ? null
        : { inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens },
    stop: refused ? "refused" : stopReason(choice.finish_reason ?? null),
    text: choice.message.content ?? "",
    toolCalls: (choice.message.tool_calls ?? []).map((call) => ({
      id: call.id ?? null,
      name: call.function.name,
      arguments: call.function.arguments,
    })),
  };
}

export function stopReason(reason: string | null): StopReason {
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
