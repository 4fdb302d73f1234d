/**
 * `POST /v1/messages` as Anthropic's clients send it. As with OpenAI's two APIs, what is not understood is refused and not dropped,
 * and what changes no answer is taken: docs/reference/enclave-http.md has the table.
 */

import * as z from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { MAX_MODEL_NAME_LENGTH } from "../../protocol/limits.ts";
import type { Model } from "../configuration/behaviour.ts";
import type { ContentPart } from "../../runtime/models/media.ts";
import type { ModelMessage, ModelQuestion, ToolCall, ToolChoice } from "../../runtime/models/model-format.ts";
import {
  fitQuestion,
  MAX_MESSAGES,
  MAX_STOP_SEQUENCES,
  MAX_TOOLS,
  parseCall,
  type FieldNames,
} from "./call-terms.ts";
import { documentSource, fileName, imageSource, toUserMessage } from "./media-parts.ts";

/** Where a provider may cache: it changes the price and no answer, and is not sent on. */
const cacheControl = z.strictObject({ type: z.literal("ephemeral"), ttl: z.string().optional() }).nullish();

const TextBlock = z.strictObject({
  type: z.literal("text"),
  text: z.string(),
  citations: z.null().optional(),
  cache_control: cacheControl,
});
const text = z.union([
  z.string(),
  z.array(TextBlock).transform((blocks) => blocks.map((block) => block.text).join("")),
]);
const ImageBlock = z.strictObject({
  type: z.literal("image"),
  source: imageSource,
  cache_control: cacheControl,
});
const DocumentBlock = z.strictObject({
  type: z.literal("document"),
  source: documentSource,
  title: fileName.nullable(),
  cache_control: cacheControl,
});
const ToolUse = z.strictObject({
  type: z.literal("tool_use"),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.json()),
  cache_control: cacheControl,
});
const ToolResult = z.strictObject({
  type: z.literal("tool_result"),
  tool_use_id: z.string(),
  content: text.optional(),
  is_error: z.literal(false).optional(),
  cache_control: cacheControl,
});

const Message = z.discriminatedUnion("role", [
  z.strictObject({
    role: z.literal("user"),
    content: z.union([
      z.string(),
      z.array(z.discriminatedUnion("type", [TextBlock, ImageBlock, DocumentBlock, ToolResult])).min(1),
    ]),
  }),
  z.strictObject({
    role: z.literal("assistant"),
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [TextBlock, ToolUse])).min(1)]),
  }),
]);

const oneToolCall = { disable_parallel_tool_use: z.boolean().optional() };
const ToolChoiceField = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("auto"), ...oneToolCall }),
  z.strictObject({ type: z.literal("any"), ...oneToolCall }),
  z.strictObject({ type: z.literal("tool"), name: z.string(), ...oneToolCall }),
  z.strictObject({ type: z.literal("none") }),
]);

export const MessagesCall = z.strictObject({
  model: z.string().max(MAX_MODEL_NAME_LENGTH),
  max_tokens: z.int().min(1),
  messages: z.array(Message).min(1).max(MAX_MESSAGES),
  system: text.optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  stop_sequences: z.array(z.string().min(1)).max(MAX_STOP_SEQUENCES).optional(),
  stream: z.boolean().optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal("custom").nullish(),
        name: z.string(),
        description: z.string().optional(),
        input_schema: z.json(),
        cache_control: cacheControl,
      }),
    )
    .max(MAX_TOOLS)
    .optional(),
  tool_choice: ToolChoiceField.optional(),
  /** How much a model thinks is in the behaviour file: a caller may ask for none, or for what it does anyway. */
  thinking: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("disabled") }),
      z.strictObject({ type: z.literal("adaptive") }),
    ])
    .optional(),
  output_config: z
    .strictObject({
      effort: z.enum(["low", "medium", "high", "xhigh", "max"]).nullish(),
      format: z.strictObject({ type: z.literal("json_schema"), schema: z.json() }).nullish(),
    })
    .optional(),
  /** Labels, and where a provider may run it: they change no answer, and are not sent on. */
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  service_tier: z.enum(["auto", "standard_only"]).optional(),
});
export type MessagesCall = z.output<typeof MessagesCall>;

/** @throws {InputError} INPUT_INVALID naming the field */
export function parseMessagesCall(body: Uint8Array): MessagesCall {
  return parseCall(MessagesCall, body);
}

/** @throws {InputError} INPUT_INVALID for what the model does not take */
export function toMessagesQuestion(call: MessagesCall, model: Model): ModelQuestion {
  const { tool_choice: choice, output_config: config } = call;
  return fitQuestion(
    {
      messages: toMessages(call),
      maxOutputTokens: call.max_tokens,
      temperature: call.temperature,
      topP: call.top_p,
      seed: null,
      effort: config?.effort ?? (call.thinking?.type === "disabled" ? "none" : null),
      stop: call.stop_sequences ?? [],
      verbosity: null,
      oneToolCall:
        choice !== undefined && choice.type !== "none" && (choice.disable_parallel_tool_use ?? false),
      schema:
        (config?.format ?? null) === null ? null : { json: config?.format?.schema as Json, strict: true },
      tools: (call.tools ?? []).map(({ name, description, input_schema: parameters }) => ({
        name,
        description: description ?? null,
        parameters,
      })),
      toolChoice: toToolChoice(choice),
      stream: call.stream ?? false,
    },
    model,
    FIELDS,
  );
}

const FIELDS: FieldNames = {
  maxOutputTokens: "max_tokens",
  topP: "top_p",
  effort: "output_config.effort",
  stop: "stop_sequences",
  toolChoice: "tool_choice",
  oneToolCall: "tool_choice.disable_parallel_tool_use",
};

function toToolChoice(choice: MessagesCall["tool_choice"]): ToolChoice {
  switch (choice?.type) {
    case "any":
      return "required";
    case "tool":
      return { name: choice.name };
    case "none":
      return "none";
    default:
      return "auto";
  }
}

function toMessages({ system, messages }: MessagesCall): readonly ModelMessage[] {
  const calls = new Map<string, ToolCall>();
  const said = messages.flatMap((message) => {
    if (typeof message.content === "string") return [{ role: message.role, content: message.content }];
    return message.role === "assistant"
      ? [toAssistant(message.content, calls)]
      : toUser(message.content, calls);
  });
  return [...(system === undefined ? [] : [{ role: "system" as const, content: system }]), ...said];
}

type UserBlock =
  | z.output<typeof TextBlock>
  | z.output<typeof ImageBlock>
  | z.output<typeof DocumentBlock>
  | z.output<typeof ToolResult>;

function toPart(block: UserBlock): readonly ContentPart[] {
  switch (block.type) {
    case "text":
      return [{ text: block.text }];
    case "image":
      return [{ media: block.source }];
    case "document":
      return [{ media: { ...block.source, name: block.title ?? null } }];
    case "tool_result":
      return [];
  }
}

function toAssistant(
  blocks: readonly (z.output<typeof TextBlock> | z.output<typeof ToolUse>)[],
  calls: Map<string, ToolCall>,
): ModelMessage {
  const toolCalls = blocks.flatMap((block) =>
    block.type === "tool_use"
      ? [{ id: block.id, name: block.name, arguments: JSON.stringify(block.input) }]
      : [],
  );
  for (const call of toolCalls) calls.set(call.id, call);
  const content = blocks.map((block) => (block.type === "text" ? block.text : "")).join("");
  return { role: "assistant", content, toolCalls };
}

/** Results come first in a turn, as Anthropic has it; what the user says beside them follows. */
function toUser(blocks: readonly UserBlock[], calls: ReadonlyMap<string, ToolCall>): readonly ModelMessage[] {
  const results = blocks.flatMap((block): readonly ModelMessage[] => {
    if (block.type !== "tool_result") return [];
    const call = calls.get(block.tool_use_id);
    if (call !== undefined) return [{ role: "tool", call, content: block.content ?? "" }];
    throw new InputError({
      code: "INPUT_INVALID",
      message: "a tool's result names no tool call before it",
      details: { field: "messages" },
    });
  });
  const parts = blocks.flatMap(toPart);
  return [...results, ...(parts.length === 0 ? [] : [toUserMessage(parts, "messages")])];
}
