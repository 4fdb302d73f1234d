/**
 * OpenAI-compatible Chat Completions: vLLM, Ollama, llama.cpp, xAI, Groq and most others.
 * https://platform.openai.com/docs/api-reference/chat/create
 */

import type { Json } from "../../protocol/canonical-json.ts";
import { isDocument, toDataUrl, UNNAMED_DOCUMENT, type ContentPart } from "./media.ts";
import {
  tokenLimit,
  type EncodedQuestion,
  type ModelFormat,
  type ModelMessage,
  type ModelQuestion,
} from "./model-format.ts";
import { parseChatReply } from "./openai-chat-reply.ts";
import { createChatStreamReader } from "./openai-chat-stream.ts";
import {
  adaptSchema,
  checkTakesSchema,
  isOpenaiSchema,
  isStrictSchema,
  OPENAI_SCHEMAS,
} from "./provider-schema.ts";
import { ReasoningFilter, withoutReasoning } from "./reasoning-tags.ts";
import { encodeBody } from "./response-body.ts";

/** In what compatible servers differ. */
export interface ChatDialect {
  /** OpenAI's reasoning models refuse `max_tokens`; servers of other makers may not know the newer name. */
  readonly tokenLimit: "max_tokens" | "max_completion_tokens";
  /** Whether `store: false` is sent. OpenAI keeps completions without it; some servers refuse fields unknown to them. */
  readonly sendsStore: boolean;
  /** `strip`: reasoning stands in the content, in `<think>` tags, and is no part of the answer. Default: `keep`. */
  readonly reasoningTags?: "keep" | "strip" | undefined;
}

export const DEFAULT_CHAT_DIALECT: ChatDialect = { tokenLimit: "max_tokens", sendsStore: true };

export function createOpenaiChat(dialect: ChatDialect): ModelFormat {
  return {
    takesSchema: isOpenaiSchema,
    encodeQuestion: (question) => encodeQuestion(dialect, question),
    credentialHeaders: (credential) => ({ authorization: `Bearer ${credential}` }),
    parseReply: (body) => {
      const reply = parseChatReply(body);
      return dialect.reasoningTags === "strip" ? { ...reply, text: withoutReasoning(reply.text) } : reply;
    },
    createStreamReader: () =>
      createChatStreamReader(dialect.reasoningTags === "strip" ? new ReasoningFilter() : null),
  };
}

function encodeQuestion(
  { tokenLimit: tokenLimitField, sendsStore }: ChatDialect,
  question: ModelQuestion,
): EncodedQuestion {
  const { stream } = question;
  const body: Json = {
    model: question.model,
    messages: question.messages.map(encodeMessage),
    [tokenLimitField]: tokenLimit(question),
    stream,
    ...(sendsStore ? { store: false } : {}),
    ...(stream ? { stream_options: { include_usage: true } } : {}),
    ...(question.temperature === null ? {} : { temperature: question.temperature }),
    ...(question.topP === null ? {} : { top_p: question.topP }),
    ...(question.seed === null ? {} : { seed: question.seed }),
    ...(question.effort === null ? {} : { reasoning_effort: question.effort }),
    ...((question.stop ?? []).length === 0 ? {} : { stop: question.stop ?? [] }),
    ...((question.verbosity ?? null) === null ? {} : { verbosity: question.verbosity ?? "" }),
    ...encodeSchema(question),
    ...encodeTools(question),
  };
  return {
    path: "/chat/completions",
    headers: {
      "content-type": "application/json",
      accept: stream ? "text/event-stream" : "application/json",
    },
    body: encodeBody(body),
  };
}

function encodeMessage(message: ModelMessage): Json {
  switch (message.role) {
    case "tool":
      return { role: "tool", tool_call_id: message.call.id ?? "", content: message.content };
    case "assistant": {
      const calls = message.toolCalls ?? [];
      if (calls.length === 0) return { role: "assistant", content: message.content };
      const tool_calls = calls.map(({ id, name, arguments: text }) => ({
        id: id ?? "",
        type: "function",
        function: { name, arguments: text },
      }));
      return { role: "assistant", content: message.content === "" ? null : message.content, tool_calls };
    }
    case "user":
      return {
        role: "user",
        content: message.parts === undefined ? message.content : message.parts.map(encodePart),
      };
    case "system":
      return { role: "system", content: message.content };
  }
}

function encodePart(part: ContentPart): Json {
  if ("text" in part) return { type: "text", text: part.text };
  const { media } = part;
  const url = toDataUrl(media);
  return isDocument(media)
    ? { type: "file", file: { filename: media.name ?? UNNAMED_DOCUMENT, file_data: url } }
    : { type: "image_url", image_url: { url } };
}

function encodeSchema({ schema }: ModelQuestion): Readonly<Record<string, Json>> {
  if (schema === null) return {};
  checkTakesSchema(isOpenaiSchema, schema.json);
  const strict = schema.strict && isStrictSchema(schema.json);
  const json = strict ? adaptSchema(schema.json, OPENAI_SCHEMAS) : schema.json;
  return {
    response_format: { type: "json_schema", json_schema: { name: "answer", strict, schema: json } },
  };
}

function encodeTools({ tools, toolChoice, oneToolCall }: ModelQuestion): Readonly<Record<string, Json>> {
  if (tools.length === 0) return {};
  const choice = typeof toolChoice === "string" ? toolChoice : { type: "function", function: toolChoice };
  return {
    tools: tools.map(({ name, description, parameters, strict }) => ({
      type: "function",
      function: {
        name,
        ...(description === null ? {} : { description }),
        parameters,
        ...(strict === true ? { strict } : {}),
      },
    })),
    ...(toolChoice === "auto" ? {} : { tool_choice: choice }),
    ...(oneToolCall === true ? { parallel_tool_calls: false } : {}),
  };
}
