/**
 * OpenAI-compatible Chat Completions: vLLM, Ollama, llama.cpp, xAI, Groq and most others.
 * https://platform.openai.com/docs/api-reference/chat
 */

import { z } from "zod";
import { toUtf8 } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import type {
  EncodedQuestion,
  ModelFormat,
  ModelMessage,
  ModelQuestion,
  ModelReply,
} from "./model-format.ts";
import { createChatStreamReader } from "./openai-chat-stream.ts";
import { malformed, parseBody, tokenCount } from "./response-body.ts";
import { chatStopReason } from "./stop-reasons.ts";

export const openaiChat: ModelFormat = {
  encodeQuestion,
  credentialHeaders: (credential) => ({ authorization: `Bearer ${credential}` }),
  parseReply,
  createStreamReader: createChatStreamReader,
};

function encodeQuestion(question: ModelQuestion): EncodedQuestion {
  const { schema, tools } = question;
  const body: Json = {
    model: question.model,
    messages: question.messages.map(toMessage),
    // The name that every compatible server knows; OpenAI's own newer models are asked through Responses.
    max_tokens: question.maxOutputTokens,
    stream: question.stream,
    ...(question.stream ? { stream_options: { include_usage: true } } : {}),
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
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            type: "function",
            function: { name, description, parameters },
          })),
        }),
  };
  return {
    path: "/chat/completions",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: toUtf8(JSON.stringify(body)),
  };
}

function toMessage(message: ModelMessage): Json {
  if (message.role === "tool") {
    return { role: "tool", tool_call_id: message.toolCallId, content: message.content };
  }
  const { role, content } = message;
  if (role !== "assistant" || message.toolCalls === undefined || message.toolCalls.length === 0) {
    return { role, content };
  }
  const calls = message.toolCalls.map((call) => ({
    id: call.id ?? "",
    type: "function",
    function: { name: call.name, arguments: call.arguments },
  }));
  return { role, content, tool_calls: calls };
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
  const { content, refusal, tool_calls: calls } = choice.message;
  return {
    returnedModel: model ?? null,
    responseId: id ?? null,
    usage: usage ? { inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens } : null,
    stop: typeof refusal === "string" ? "refused" : chatStopReason(choice.finish_reason ?? null),
    text: content ?? "",
    toolCalls: (calls ?? []).map((call) => ({
      id: call.id ?? null,
      name: call.function.name,
      arguments: call.function.arguments,
    })),
  };
}
