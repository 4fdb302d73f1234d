/** The message object of Anthropic: https://platform.claude.com/docs/en/api/messages#response */

import * as z from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import type { ModelReply, StopReason } from "./model-format.ts";
import { errorInBody } from "./provider-error.ts";
import { anyJson, malformed, parseProviderJson, readAs, tokenCount } from "./response-body.ts";

/** Input that was cached, or read from a cache, is counted beside `input_tokens`, and is input all the same. */
export const AnthropicUsage = z.object({
  input_tokens: tokenCount,
  cache_creation_input_tokens: tokenCount,
  cache_read_input_tokens: tokenCount,
  output_tokens: tokenCount,
});
export type AnthropicUsage = z.output<typeof AnthropicUsage>;

export function toUsage(usage: AnthropicUsage): ModelReply["usage"] {
  const { input_tokens: input, output_tokens: output } = usage;
  if (input === undefined || input === null || output === undefined || output === null) return null;
  const cached = (usage.cache_creation_input_tokens ?? 0) + (usage.cache_read_input_tokens ?? 0);
  return { inputTokens: input + cached, outputTokens: output };
}

export const StopDetails = z.object({ explanation: z.string().nullish() });

const Block = z.looseObject({
  type: z.string(),
  text: z.string().nullish(),
  id: z.string().nullish(),
  name: z.string().nullish(),
  input: anyJson.nullish(),
});
type Block = z.output<typeof Block>;

const Message = z.object({
  type: z.string().nullish(),
  error: anyJson.nullish(),
  id: z.string().nullish(),
  model: z.string().nullish(),
  content: z.array(Block).nullish(),
  stop_reason: z.string().nullish(),
  stop_details: StopDetails.nullish(),
  usage: AnthropicUsage.nullish().catch(null),
});

export function parseAnthropicReply(body: Uint8Array): ModelReply {
  const message = readAs(Message, parseProviderJson(body));
  if (message.type === "error") throw errorInBody(message.error ?? null);
  if (message.type !== "message") throw malformed("the body is not a message");
  const content = message.content ?? [];
  const uses = content.filter(({ type }) => type === "tool_use");
  const stop = stopReason(message.stop_reason ?? null);
  return {
    returnedModel: message.model ?? null,
    responseId: message.id ?? null,
    usage: message.usage === undefined || message.usage === null ? null : toUsage(message.usage),
    stop,
    text: content.map(({ type, text }) => (type === "text" ? (text ?? "") : "")).join(""),
    refusal: stop === "refused" ? (message.stop_details?.explanation ?? null) : null,
    toolCalls: uses.map(toToolCall),
    carry: uses.length === 0 ? null : (content as unknown as Json),
  };
}

function toToolCall({ id, name, input }: Block): ModelReply["toolCalls"][number] {
  if (name === undefined || name === null) throw malformed("a tool call has no name");
  // Here the format carries a value and no text.
  return { id: id ?? null, name, arguments: JSON.stringify(input ?? {}) };
}

export function stopReason(reason: string | null): StopReason {
  switch (reason) {
    case "end_turn":
    case "stop_sequence":
      return "complete";
    case "max_tokens":
    case "model_context_window_exceeded":
      return "length";
    case "tool_use":
      return "toolCalls";
    case "refusal":
      return "refused";
    // `pause_turn` among them: a provider's tool is still at work.
    default:
      return "other";
  }
}
