/**
 * `POST /v1/chat/completions` as OpenAI's clients send it. Unknown fields are refused, not dropped: an answer
 * to a question that was not asked would be signed otherwise.
 */

import * as z from "zod";
import { InputError } from "../../protocol/errors.ts";
import { MAX_MODEL_NAME_LENGTH } from "../../protocol/limits.ts";
import type { Model } from "../configuration/behaviour.ts";
import type { ContentPart } from "../../runtime/models/media.ts";
import {
  EFFORTS,
  VERBOSITIES,
  type ModelMessage,
  type ModelQuestion,
  type ToolCall,
} from "../../runtime/models/model-format.ts";
import {
  ANY_OBJECT,
  checkArguments,
  ExtraContent,
  fitQuestion,
  fromExtraContent,
  LABELS,
  MAX_MESSAGES,
  MAX_STOP_SEQUENCES,
  MAX_TOOLS,
  parseCall,
  withDescription,
  type FieldNames,
} from "./call-terms.ts";
import { autoDetail, fileName, fileUrl, imageUrl, toUserMessage } from "./media-parts.ts";

/** Where a provider may cache: it changes the price and no answer, and is not sent on. */
const cacheControl = z.looseObject({ type: z.literal("ephemeral") }).optional();
const textPart = z.strictObject({ type: z.literal("text"), text: z.string(), cache_control: cacheControl });
const imagePart = z.strictObject({
  type: z.literal("image_url"),
  image_url: z.strictObject({ url: imageUrl, detail: autoDetail }),
  cache_control: cacheControl,
});
const filePart = z.strictObject({
  type: z.literal("file"),
  file: z.strictObject({ filename: fileName, file_data: fileUrl }),
  cache_control: cacheControl,
});
const refusalPart = z.strictObject({ type: z.literal("refusal"), refusal: z.string() });
const content = z.union([
  z.string(),
  z.array(textPart).transform((parts) => parts.map(({ text }) => text).join("")),
]);
const saidContent = z.union([
  z.string(),
  z
    .array(z.discriminatedUnion("type", [textPart, refusalPart]))
    .transform((parts) => parts.map((part) => (part.type === "text" ? part.text : part.refusal)).join("")),
]);

const ToolCallPart = z.strictObject({
  id: z.string(),
  type: z.literal("function"),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
  extra_content: ExtraContent.optional(),
  /** Of a stream's pieces; clients that put those together may leave it. */
  index: z.int().min(0).optional(),
});

/** Of a reply that is handed back: about its text, and no part of it. */
const handedBack = {
  annotations: z.array(z.json()).optional(),
  reasoning_content: z.string().optional(),
  reasoning: z.string().optional(),
};

const Message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.enum(["system", "developer"]), content }),
  z.strictObject({
    role: z.literal("user"),
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [textPart, imagePart, filePart]))]),
  }),
  z.strictObject({
    role: z.literal("assistant"),
    content: saidContent.optional(),
    refusal: z.string().optional(),
    tool_calls: z.array(ToolCallPart).max(MAX_TOOLS).optional(),
    ...handedBack,
  }),
  /** `name` is the tool's, which its call has said already. */
  z.strictObject({
    role: z.literal("tool"),
    content,
    tool_call_id: z.string(),
    name: z.string().optional(),
  }),
]);

const ResponseFormat = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({ type: z.literal("json_object") }),
  z.strictObject({
    type: z.literal("json_schema"),
    json_schema: z.strictObject({
      name: z.string(),
      description: z.string().optional(),
      strict: z.boolean().optional(),
      schema: z.json(),
    }),
  }),
]);

export const ChatCall = z.strictObject({
  model: z.string().max(MAX_MODEL_NAME_LENGTH),
  messages: z.array(Message).min(1).max(MAX_MESSAGES),
  max_tokens: z.int().min(1).optional(),
  max_completion_tokens: z.int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  seed: z.int().min(0).optional(),
  reasoning_effort: z.enum(EFFORTS).optional(),
  verbosity: z.enum(VERBOSITIES).optional(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(MAX_STOP_SEQUENCES)]).optional(),
  response_format: ResponseFormat.optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal("function"),
        function: z.strictObject({
          name: z.string(),
          description: z.string().optional(),
          parameters: z.json().optional(),
          strict: z.boolean().optional(),
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
  parallel_tool_calls: z.boolean().optional(),
  stream: z.boolean().optional(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.literal(false).optional() })
    .optional(),
  /** The only value that keeps the prompt away from a provider's storage. */
  store: z.literal(false).optional(),
  // Spelled out though it changes nothing: OpenAI's own defaults.
  n: z.literal(1).optional(),
  frequency_penalty: z.literal(0).optional(),
  presence_penalty: z.literal(0).optional(),
  logprobs: z.literal(false).optional(),
  top_logprobs: z.literal(0).optional(),
  logit_bias: z.strictObject({}).optional(),
  modalities: z.tuple([z.literal("text")]).optional(),
  service_tier: z.enum(["auto", "default"]).optional(),
  ...LABELS,
});
export type ChatCall = z.output<typeof ChatCall>;

/** @throws {InputError} INPUT_INVALID naming the field */
export function parseChatCall(body: Uint8Array): ChatCall {
  const call = parseCall(ChatCall, body);
  const { max_tokens: older, max_completion_tokens: newer } = call;
  if (older === undefined || newer === undefined || older === newer) return call;
  throw new InputError({
    code: "INPUT_INVALID",
    message: "max_tokens and max_completion_tokens are two names of one limit, and differ",
    details: { field: "max_tokens" },
  });
}

const FIELDS: FieldNames = {
  maxOutputTokens: "max_completion_tokens",
  topP: "top_p",
  effort: "reasoning_effort",
  toolChoice: "tool_choice",
  oneToolCall: "parallel_tool_calls",
};

/** @throws {InputError} INPUT_INVALID for what the model does not take */
export function toModelQuestion(call: ChatCall, model: Model): ModelQuestion {
  const choice = call.tool_choice ?? "auto";
  return fitQuestion(
    {
      messages: call.messages.map((message) => toModelMessage(message, call)),
      maxOutputTokens: call.max_completion_tokens ?? call.max_tokens,
      temperature: call.temperature,
      topP: call.top_p,
      seed: call.seed,
      effort: call.reasoning_effort,
      stop: typeof call.stop === "string" ? [call.stop] : (call.stop ?? []),
      verbosity: call.verbosity ?? null,
      oneToolCall: call.parallel_tool_calls === false,
      schema: toSchema(call.response_format),
      tools: (call.tools ?? []).map(({ function: tool }) => ({
        name: tool.name,
        description: tool.description ?? null,
        parameters: tool.parameters ?? { type: "object", properties: {} },
        strict: tool.strict ?? false,
      })),
      toolChoice: typeof choice === "string" ? choice : { name: choice.function.name },
      stream: call.stream ?? false,
    },
    model,
    FIELDS,
  );
}

function toSchema(format: ChatCall["response_format"]): ModelQuestion["schema"] {
  if (format?.type === "json_object") return { json: ANY_OBJECT, strict: false };
  if (format?.type !== "json_schema") return null;
  const { schema, description, strict } = format.json_schema;
  return { json: withDescription(schema, description), strict: strict ?? false };
}

function toModelMessage(message: z.output<typeof Message>, call: ChatCall): ModelMessage {
  switch (message.role) {
    case "system":
    case "developer":
      return { role: "system", content: message.content };
    case "user": {
      const { content: said } = message;
      return toUserMessage(typeof said === "string" ? [{ text: said }] : said.map(toPart), "messages");
    }
    case "tool": {
      return { role: "tool", content: message.content, call: toolCall(call, message.tool_call_id) };
    }
    case "assistant": {
      const toolCalls = (message.tool_calls ?? []).map(({ id, function: made, extra_content: extra }) => {
        checkArguments(made.arguments);
        return { id, name: made.name, arguments: made.arguments, ...fromExtraContent(extra) };
      });
      return { role: "assistant", content: message.content ?? message.refusal ?? "", toolCalls };
    }
  }
}

function toPart(
  part: z.output<typeof textPart> | z.output<typeof imagePart> | z.output<typeof filePart>,
): ContentPart {
  switch (part.type) {
    case "text":
      return { text: part.text };
    case "image_url":
      return { media: part.image_url.url };
    case "file":
      return { media: { ...part.file.file_data, name: part.file.filename ?? null } };
  }
}

function toolCall(call: ChatCall, id: string): ToolCall {
  for (const message of call.messages) {
    const found =
      message.role === "assistant" ? message.tool_calls?.find((made) => made.id === id) : undefined;
    if (found !== undefined) return { id, name: found.function.name, arguments: found.function.arguments };
  }
  throw new InputError({
    code: "INPUT_INVALID",
    message: "a tool's result names no tool call before it",
    details: { field: "messages" },
  });
}
