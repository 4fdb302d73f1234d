/** The response object of OpenAI Responses: https://platform.openai.com/docs/api-reference/responses/object */

import * as z from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import type { ModelReply, StopReason, ToolCall } from "./model-format.ts";
import { errorInBody } from "./provider-error.ts";
import { anyJson, malformed, parseProviderJson, readAs, tokenCount } from "./response-body.ts";

const Message = z.object({
  type: z.literal("message"),
  /** `commentary` is said on the way to an answer, and is none. */
  phase: z.string().nullish(),
  content: z
    .array(z.object({ type: z.string(), text: z.string().nullish(), refusal: z.string().nullish() }))
    .nullish(),
});

const FunctionCall = z.object({
  type: z.literal("function_call"),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
});

const CustomToolCall = z.object({
  type: z.literal("custom_tool_call"),
  call_id: z.string(),
  name: z.string(),
  input: z.string(),
});

const KNOWN_ITEMS: Readonly<Record<string, z.ZodType<Item>>> = {
  message: Message,
  function_call: FunctionCall,
  custom_tool_call: CustomToolCall,
};

type Item = z.output<typeof Message> | z.output<typeof FunctionCall> | z.output<typeof CustomToolCall>;

const Response = z.object({
  id: z.string().nullish(),
  model: z.string().nullish(),
  status: z.string().nullish(),
  error: anyJson.nullish(),
  incomplete_details: z.object({ reason: z.string().nullish() }).nullish(),
  output: z.array(z.looseObject({ type: z.string() })).nullish(),
  usage: z.object({ input_tokens: tokenCount, output_tokens: tokenCount }).nullish().catch(null),
});

export function parseResponsesReply(body: Uint8Array): ModelReply {
  return readResponse(parseProviderJson(body));
}

/**
 * @param given items of a stream that were each given whole: some servers leave them out of the response that ends it
 * @throws {UpstreamError} MODEL_RESPONSE_MALFORMED, or the error that the response reports
 */
export function readResponse(json: Json, given: readonly Json[] = []): ModelReply {
  const response = readAs(Response, json);
  const { id, model, status, error, incomplete_details: incomplete, usage } = response;
  const reported = error ?? null;
  if (reported !== null || status === "failed") throw errorInBody(reported);
  const isLeftOut = (response.output?.length ?? 0) === 0 && given.length > 0;
  const output = isLeftOut ? readAs(Response.shape.output, [...given]) : response.output;
  if (output === undefined || output === null) throw malformed("no output in the body");
  const raw = output as readonly Json[];
  const items = output.flatMap((item) => readItem(item as Json & { readonly type: string }));
  const said = items.flatMap((item) =>
    item.type === "message" && !isCommentary(item.phase) ? (item.content ?? []) : [],
  );
  const refusal = said.map((part) => (part.type === "refusal" ? (part.refusal ?? "") : "")).join("");
  const toolCalls = items.flatMap(toToolCall);
  return {
    returnedModel: model ?? null,
    responseId: id ?? null,
    usage: toUsage(usage?.input_tokens ?? null, usage?.output_tokens ?? null),
    stop: stopReason({
      status: status ?? null,
      reason: incomplete?.reason ?? null,
      refused: refusal !== "",
      calls: toolCalls.length > 0,
      said: said.length > 0,
    }),
    text: said.map((part) => (part.type === "output_text" ? (part.text ?? "") : "")).join(""),
    refusal: refusal === "" ? null : refusal,
    toolCalls,
    carry: toolCalls.length === 0 ? null : raw,
  };
}

function toUsage(input: number | null, output: number | null): ModelReply["usage"] {
  return input === null || output === null ? null : { inputTokens: input, outputTokens: output };
}

export function isCommentary(phase: string | null | undefined): boolean {
  return phase === "commentary";
}

/** Items of other types (reasoning, tools that the provider runs itself) are no part of what is said to us. */
function readItem(item: Json & { readonly type: string }): readonly Item[] {
  const schema = Object.hasOwn(KNOWN_ITEMS, item.type) ? KNOWN_ITEMS[item.type] : undefined;
  return schema === undefined ? [] : [readAs(schema, item)];
}

function toToolCall(item: Item): readonly ToolCall[] {
  switch (item.type) {
    case "message":
      return [];
    case "function_call":
      return [{ id: item.call_id, name: item.name, arguments: item.arguments }];
    case "custom_tool_call":
      return [{ id: item.call_id, name: item.name, arguments: item.input }];
  }
}

interface Ending {
  readonly status: string | null;
  readonly reason: string | null;
  readonly refused: boolean;
  readonly calls: boolean;
  readonly said: boolean;
}

function stopReason({ status, reason, refused, calls, said }: Ending): StopReason {
  if (refused || reason === "content_filter") return "refused";
  if (reason === "max_output_tokens") return "length";
  if (status !== "completed") return "other";
  if (calls) return "toolCalls";
  // Completed without a word: it waits for a tool or an approval that we never offer.
  return said ? "complete" : "other";
}
