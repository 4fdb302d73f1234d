/** Anthropic Messages. https://docs.anthropic.com/en/api/messages */

import { z } from "zod";
import { toUtf8 } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { createMessagesStreamReader } from "./anthropic-stream.ts";
import type {
  EncodedQuestion,
  ModelFormat,
  ModelMessage,
  ModelQuestion,
  ModelReply,
} from "./model-format.ts";
import { parseBody, tokenCount } from "./response-body.ts";
import { messagesStopReason } from "./stop-reasons.ts";

/** Sent with every call; Anthropic's wire format is fixed by it. */
const API_VERSION = "2023-06-01";

export const anthropicMessages: ModelFormat = {
  encodeQuestion,
  credentialHeaders: (credential) => ({ "x-api-key": credential }),
  parseReply,
  createStreamReader: createMessagesStreamReader,
};

function encodeQuestion(question: ModelQuestion): EncodedQuestion {
  const { schema, tools, messages } = question;
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
  // There is no effort below low.
  const effort = question.effort === "minimal" ? "low" : question.effort;
  const outputConfig = {
    ...(schema === null ? {} : { format: { type: "json_schema", schema: schema.json } }),
    ...(effort === null ? {} : { effort }),
  };
  const body: Json = {
    model: question.model,
    max_tokens: question.maxOutputTokens,
    messages: messages.filter(({ role }) => role !== "system").map(toMessage),
    stream: question.stream,
    ...(system.length === 0 ? {} : { system: system.join("\n\n") }),
    ...(question.temperature === null ? {} : { temperature: question.temperature }),
    ...(question.topP === null ? {} : { top_p: question.topP }),
    ...(Object.keys(outputConfig).length === 0 ? {} : { output_config: outputConfig }),
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            name,
            description,
            input_schema: parameters,
          })),
        }),
  };
  return {
    path: "/messages",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "anthropic-version": API_VERSION,
    },
    body: toUtf8(JSON.stringify(body)),
  };
}

function toMessage(message: ModelMessage): Json {
  if (message.role === "tool") {
    const result = { type: "tool_result", tool_use_id: message.toolCallId, content: message.content };
    return { role: "user", content: [result] };
  }
  const { role, content } = message;
  const calls = role === "assistant" ? (message.toolCalls ?? []) : [];
  if (calls.length === 0) return { role, content };
  return {
    role,
    content: [
      ...(content === "" ? [] : [{ type: "text", text: content }]),
      ...calls.map((call) => ({
        type: "tool_use",
        id: call.id ?? "",
        name: call.name,
        input: JSON.parse(call.arguments) as Json,
      })),
    ],
  };
}

const Message = z.object({
  type: z.literal("message"),
  id: z.string(),
  model: z.string(),
  content: z.array(
    z.object({
      type: z.string(),
      text: z.string().nullish(),
      id: z.string().nullish(),
      name: z.string().nullish(),
      input: z.unknown().optional(),
    }),
  ),
  stop_reason: z.string().nullish(),
  usage: z.object({ input_tokens: tokenCount, output_tokens: tokenCount }),
});

function parseReply(body: Uint8Array): ModelReply {
  const { id, model, content, stop_reason: stop, usage } = parseBody(Message, body);
  return {
    returnedModel: model,
    responseId: id,
    usage: { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens },
    stop: messagesStopReason(stop ?? null),
    text: content.map((block) => (block.type === "text" ? (block.text ?? "") : "")).join(""),
    toolCalls: content
      .filter(({ type }) => type === "tool_use")
      .map((block) => ({
        id: block.id ?? null,
        name: block.name ?? "",
        arguments: JSON.stringify(block.input ?? {}),
      })),
  };
}
