/**
 * `POST /v1/responses` as OpenAI's clients send it. The API keeps conversations at the provider; here nothing is kept, so that each
 * call brings the whole of its own, and what would refer to a kept one is refused.
 */

import * as z from "zod";
import { InputError } from "../../protocol/errors.ts";
import { MAX_MODEL_NAME_LENGTH } from "../../protocol/limits.ts";
import type { Model } from "../configuration/behaviour.ts";
import type { ContentPart } from "../../runtime/models/media.ts";
import {
  EFFORTS,
  mediaOf,
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
  MAX_TOOLS,
  parseCall,
  withDescription,
  type FieldNames,
} from "./call-terms.ts";
import { autoDetail, fileName, fileUrl, imageUrl, toUserMessage } from "./media-parts.ts";

/** Of a reply that is handed back: about its text, and no part of it. */
const about = z.array(z.json()).optional();
const textParts = [
  z.strictObject({ type: z.literal("input_text"), text: z.string() }),
  z.strictObject({ type: z.literal("output_text"), text: z.string(), annotations: about, logprobs: about }),
  z.strictObject({ type: z.literal("refusal"), refusal: z.string() }),
] as const;
const textPart = z.discriminatedUnion("type", textParts);
const imagePart = z.strictObject({ type: z.literal("input_image"), image_url: imageUrl, detail: autoDetail });
const filePart = z.strictObject({ type: z.literal("input_file"), filename: fileName, file_data: fileUrl });
const textOf = (parts: readonly z.output<typeof textPart>[]): string =>
  parts.map((part) => (part.type === "refusal" ? part.refusal : part.text)).join("");
const content = z.union([z.string(), z.array(textPart).transform(textOf)]);

/** Of an item of a reply that a caller hands back: names that mean nothing here. */
const handedBack = { id: z.string().nullish(), status: z.string().nullish() };

const Message = z.strictObject({
  type: z.literal("message").optional(),
  role: z.enum(["system", "developer", "user", "assistant"]),
  content: z.union([z.string(), z.array(z.discriminatedUnion("type", [...textParts, imagePart, filePart]))]),
  phase: z.string().optional(),
  ...handedBack,
});
/** Another model's encrypted thoughts, readable to its own provider alone: this enclave gives none out, and drops those it is given. */
const Reasoning = z.looseObject({ type: z.literal("reasoning"), summary: z.array(z.json()).optional() });
const FunctionCall = z.strictObject({
  type: z.literal("function_call"),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
  extra_content: ExtraContent.optional(),
  ...handedBack,
});
const FunctionCallOutput = z.strictObject({
  type: z.literal("function_call_output"),
  call_id: z.string(),
  output: content,
  ...handedBack,
});
/** Read, so that it can be refused in words that help. */
const ItemReference = z.looseObject({ type: z.literal("item_reference") });
const Item = z.union([Message, FunctionCall, FunctionCallOutput, Reasoning, ItemReference]);
type Item = z.output<typeof Item>;

const TextFormat = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({ type: z.literal("json_object") }),
  z.strictObject({
    type: z.literal("json_schema"),
    name: z.string(),
    description: z.string().optional(),
    strict: z.boolean().nullish(),
    schema: z.json(),
  }),
]);

export const ResponsesCall = z.strictObject({
  model: z.string().max(MAX_MODEL_NAME_LENGTH),
  input: z.union([z.string(), z.array(Item).min(1).max(MAX_MESSAGES)]),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  reasoning: z
    .strictObject({
      effort: z.enum(EFFORTS).nullish(),
      /** None is given: a model's thoughts are no part of its answer. */
      summary: z.enum(["auto", "concise", "detailed"]).optional(),
    })
    .nullish(),
  text: z
    .strictObject({ format: TextFormat.optional(), verbosity: z.enum(VERBOSITIES).optional() })
    .optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal("function"),
        name: z.string(),
        description: z.string().nullish(),
        parameters: z.json().optional(),
        strict: z.boolean().nullish(),
      }),
    )
    .max(MAX_TOOLS)
    .optional(),
  tool_choice: z
    .union([
      z.enum(["auto", "required", "none"]),
      z.strictObject({ type: z.literal("function"), name: z.string() }),
    ])
    .optional(),
  parallel_tool_calls: z.boolean().optional(),
  stream: z.boolean().nullish(),
  /** There is none that could be shown: accepted, since clients that keep nothing at the provider always ask for it. */
  include: z.array(z.literal("reasoning.encrypted_content")).nullish(),
  /** Nothing is kept here or at the provider, whatever the caller says or leaves unsaid; it may not ask for the contrary. */
  store: z.literal(false).nullish(),
  background: z.literal(false).nullish(),
  truncation: z.literal("disabled").nullish(),
  // Spelled out though it changes nothing: OpenAI's own defaults.
  top_logprobs: z.literal(0).optional(),
  service_tier: z.enum(["auto", "default"]).optional(),
  stream_options: z.strictObject({ include_obfuscation: z.literal(false).optional() }).optional(),
  ...LABELS,
});
export type ResponsesCall = z.output<typeof ResponsesCall>;

/** @throws {InputError} INPUT_INVALID naming the field */
export function parseResponsesCall(body: Uint8Array): ResponsesCall {
  return parseCall(ResponsesCall, body);
}

/** @throws {InputError} INPUT_INVALID for what the model does not take */
export function toResponsesQuestion(call: ResponsesCall, model: Model): ModelQuestion {
  const choice = call.tool_choice ?? "auto";
  return fitQuestion(
    {
      messages: toMessages(call),
      maxOutputTokens: call.max_output_tokens,
      temperature: call.temperature,
      topP: call.top_p,
      seed: null,
      effort: call.reasoning?.effort,
      stop: [],
      verbosity: call.text?.verbosity ?? null,
      oneToolCall: call.parallel_tool_calls === false,
      schema: toSchema(call.text?.format),
      tools: (call.tools ?? []).map((tool) => ({
        name: tool.name,
        description: tool.description ?? null,
        parameters: tool.parameters ?? { type: "object", properties: {} },
        strict: tool.strict ?? false,
      })),
      toolChoice: typeof choice === "string" ? choice : { name: choice.name },
      stream: call.stream ?? false,
    },
    model,
    FIELDS,
  );
}

const FIELDS: FieldNames = {
  maxOutputTokens: "max_output_tokens",
  mediaTypes: "input",
  topP: "top_p",
  effort: "reasoning.effort",
  verbosity: "text.verbosity",
  toolChoice: "tool_choice",
  oneToolCall: "parallel_tool_calls",
};

function toSchema(format: z.output<typeof TextFormat> | undefined): ModelQuestion["schema"] {
  if (format?.type === "json_object") return { json: ANY_OBJECT, strict: false };
  if (format?.type !== "json_schema") return null;
  return { json: withDescription(format.schema, format.description), strict: format.strict ?? false };
}

function toMessages({ instructions, input }: ResponsesCall): readonly ModelMessage[] {
  const system: ModelMessage[] =
    (instructions ?? null) === null ? [] : [{ role: "system", content: instructions ?? "" }];
  if (typeof input === "string") return [...system, { role: "user", content: input }];
  const dialogue = new Dialogue();
  for (const item of input) dialogue.add(item);
  return [...system, ...dialogue.messages];
}

function toPart(
  part: z.output<typeof textPart> | z.output<typeof imagePart> | z.output<typeof filePart>,
): ContentPart {
  switch (part.type) {
    case "input_image":
      return { media: part.image_url };
    case "input_file":
      return { media: { ...part.file_data, name: part.filename ?? null } };
    default:
      return { text: textOf([part]) };
  }
}

function saidByNoUser(): InputError {
  return new InputError({
    code: "INPUT_INVALID",
    message: "images and documents are said by users alone",
    details: { field: "input" },
  });
}

/** An assistant's text and calls of one turn are items of their own here, and one message elsewhere. */
class Dialogue {
  readonly messages: ModelMessage[] = [];
  readonly #calls = new Map<string, ToolCall>();

  add(item: Item): void {
    switch (item.type) {
      case "reasoning":
        break;
      case "function_call":
        this.#addCall(item);
        break;
      case "function_call_output":
        this.#addResult(item);
        break;
      case "item_reference":
        throw new InputError({
          code: "INPUT_INVALID",
          message: `nothing of earlier calls is kept: tell your client "store": false, and it brings them along`,
          details: { field: "input" },
        });
      default:
        this.#addMessage(item);
    }
  }

  #addMessage({ role, content: said }: z.output<typeof Message>): void {
    const message = toUserMessage(typeof said === "string" ? [{ text: said }] : said.map(toPart), "input");
    if (role === "user") this.messages.push(message);
    else if (mediaOf([message]).length > 0) throw saidByNoUser();
    else if (role === "assistant") this.messages.push({ role, content: message.content });
    else this.messages.push({ role: "system", content: message.content });
  }

  #addCall(item: z.output<typeof FunctionCall>): void {
    checkArguments(item.arguments);
    const { call_id: id, name, arguments: written, extra_content: extra } = item;
    const call = { id, name, arguments: written, ...fromExtraContent(extra) };
    this.#calls.set(id, call);
    const last = this.messages.at(-1);
    if (last?.role !== "assistant") {
      this.messages.push({ role: "assistant", content: "", toolCalls: [call] });
      return;
    }
    this.messages.pop();
    this.messages.push({ ...last, toolCalls: [...(last.toolCalls ?? []), call] });
  }

  #addResult({ call_id: id, output }: z.output<typeof FunctionCallOutput>): void {
    const call = this.#calls.get(id);
    if (call === undefined) {
      throw new InputError({
        code: "INPUT_INVALID",
        message:
          "a tool's result names no tool call before it: nothing of earlier calls is kept, bring it along",
        details: { field: "input" },
      });
    }
    this.messages.push({ role: "tool", content: output, call });
  }
}
