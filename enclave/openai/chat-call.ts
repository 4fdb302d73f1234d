/**
 * `POST /v1/chat/completions` as OpenAI's clients send it. What is not understood is refused and not dropped: an answer
 * to a question that was not asked would be signed otherwise.
 */

import { z } from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { MAX_MODEL_NAME_LENGTH } from "../../protocol/limits.ts";
import type { Model } from "../configuration/behaviour.ts";
import { EFFORTS, type ModelMessage, type ModelQuestion, type ToolCall } from "../models/model-format.ts";
import {
  checkArguments,
  ExtraContent,
  fitQuestion,
  fromExtraContent,
  MAX_MESSAGES,
  MAX_TOOLS,
  parseCall,
} from "./call-terms.ts";

const textPart = z.strictObject({ type: z.literal("text"), text: z.string() });
const content = z.union([
  z.string(),
  z.array(textPart).transform((parts) => parts.map(({ text }) => text).join("")),
]);

const Message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.enum(["system", "developer"]), content, name: z.string().optional() }),
  z.strictObject({ role: z.literal("user"), content, name: z.string().optional() }),
  z.strictObject({
    role: z.literal("assistant"),
    content: content.nullish(),
    name: z.string().optional(),
    refusal: z.null().optional(),
    tool_calls: z
      .array(
        z.strictObject({
          id: z.string(),
          type: z.literal("function"),
          function: z.strictObject({ name: z.string(), arguments: z.string() }),
          extra_content: ExtraContent.optional(),
          /** Of a stream's pieces; clients that put those together may leave it. */
          index: z.int().min(0).optional(),
        }),
      )
      .max(MAX_TOOLS)
      .optional(),
  }),
  z.strictObject({ role: z.literal("tool"), content, tool_call_id: z.string() }),
]);

const ResponseFormat = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({
    type: z.literal("json_schema"),
    json_schema: z.strictObject({
      name: z.string(),
      description: z.string().optional(),
      strict: z.boolean().nullish(),
      schema: z.json(),
    }),
  }),
]);

export const ChatCall = z.strictObject({
  model: z.string().max(MAX_MODEL_NAME_LENGTH),
  messages: z.array(Message).min(1).max(MAX_MESSAGES),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.int().min(0).nullish(),
  reasoning_effort: z.enum(EFFORTS).nullish(),
  response_format: ResponseFormat.optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal("function"),
        function: z.strictObject({
          name: z.string(),
          description: z.string().optional(),
          parameters: z.json().optional(),
          strict: z.boolean().nullish(),
        }),
      }),
    )
    .max(MAX_TOOLS)
    .optional(),
  tool_choice: z
    .union([
      z.enum(["auto", "required", "none"]),
      z.strictObject({ type: z.literal("function"), function: z.strictObject({ name: z.string() }) }),
    ])
    .optional(),
  parallel_tool_calls: z.literal(true).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().optional() }).nullish(),
  n: z.literal(1).nullish(),
  /** The only value that keeps the prompt away from a provider's storage. */
  store: z.literal(false).nullish(),
});
export type ChatCall = z.output<typeof ChatCall>;

/** @throws {InputError} INPUT_INVALID naming the field */
export function parseChatCall(body: Uint8Array): ChatCall {
  return parseCall(ChatCall, body);
}

/** @throws {InputError} INPUT_INVALID for what the model does not take */
export function toModelQuestion(call: ChatCall, model: Model): ModelQuestion {
  const format = call.response_format;
  const choice = call.tool_choice ?? "auto";
  return fitQuestion(
    {
      messages: call.messages.map((message) => toModelMessage(message, call)),
      maxOutputTokens: call.max_completion_tokens ?? call.max_tokens,
      temperature: call.temperature,
      topP: call.top_p,
      seed: call.seed,
      effort: call.reasoning_effort,
      schema:
        format?.type === "json_schema"
          ? { json: format.json_schema.schema as Json, strict: format.json_schema.strict ?? false }
          : null,
      tools: (call.tools ?? []).map(({ function: tool }) => ({
        name: tool.name,
        description: tool.description ?? null,
        parameters: tool.parameters ?? { type: "object", properties: {} },
      })),
      toolChoice: typeof choice === "string" ? choice : { name: choice.function.name },
      stream: call.stream ?? false,
    },
    model,
  );
}

function toModelMessage(message: z.output<typeof Message>, call: ChatCall): ModelMessage {
  switch (message.role) {
    case "system":
    case "developer":
      return { role: "system", content: message.content };
    case "user":
      return { role: "user", content: message.content };
    case "tool": {
      return { role: "tool", content: message.content, call: toolCall(call, message.tool_call_id) };
    }
    case "assistant": {
      const toolCalls = (message.tool_calls ?? []).map(({ id, function: made, extra_content: extra }) => {
        checkArguments(made.arguments);
        return { id, name: made.name, arguments: made.arguments, ...fromExtraContent(extra) };
      });
      return { role: "assistant", content: message.content ?? "", toolCalls };
    }
  }
}

function toolCall(call: ChatCall, id: string): ToolCall {
  for (const message of call.messages) {
    const found =
      message.role === "assistant" ? message.tool_calls?.find((made) => made.id === id) : undefined;
    if (found !== undefined) return { id, name: found.function.name, arguments: found.function.arguments };
  }
  throw new InputError({ code: "INPUT_INVALID", message: "a tool's result names no tool call before it" });
}
