/** Replies in the form of OpenAI's Chat Completions, whole or as a stream. */

import type { Json } from "../../protocol/canonical-json.ts";
import type { ModelReply, StopReason } from "../../runtime/models/model-format.ts";
import { toExtraContent } from "./call-terms.ts";
import { receiptPath, type ReplyHead } from "./openai-api.ts";

const FINISH: Readonly<Record<StopReason, string>> = {
  complete: "stop",
  length: "length",
  refused: "content_filter",
  toolCalls: "tool_calls",
  other: "stop",
};

function common({ requestId, created, model }: ReplyHead, object: string): { readonly [key: string]: Json } {
  return { id: `chatcmpl-${requestId.slice(2, 34)}`, object, created, model };
}

function toolCalls(reply: ModelReply): readonly { readonly [key: string]: Json }[] {
  return reply.toolCalls.map((call, index) => ({
    id: call.id ?? `call_${index}`,
    type: "function",
    function: { name: call.name, arguments: call.arguments },
    ...toExtraContent(call.signature),
  }));
}

function usageOf({ usage }: ModelReply): Json {
  if (usage === null) return null;
  const { inputTokens, outputTokens } = usage;
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

export function toCompletion(head: ReplyHead, reply: ModelReply): Json {
  const refused = reply.stop === "refused";
  const calls = toolCalls(reply);
  const message = {
    role: "assistant",
    content: refused ? null : reply.text,
    refusal: refused ? (reply.refusal ?? "The model declined.") : null,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  return {
    ...common(head, "chat.completion"),
    choices: [{ index: 0, finish_reason: FINISH[reply.stop], logprobs: null, message }],
    usage: usageOf(reply),
    adyton: { receipt: receiptPath(head.requestId) },
  };
}

function chunk(head: ReplyHead, choices: readonly Json[], more: { readonly [key: string]: Json } = {}): Json {
  return { ...common(head, "chat.completion.chunk"), choices, ...more };
}

export function firstChunk(head: ReplyHead): Json {
  return chunk(head, [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]);
}

export function textChunk(head: ReplyHead, text: string): Json {
  return chunk(head, [{ index: 0, delta: { content: text }, finish_reason: null }]);
}

/** The facts known at the end: tool calls, why it stopped, usage, and the receipt in a last event of its own. */
export function lastChunks(head: ReplyHead, reply: ModelReply, withUsage: boolean): readonly Json[] {
  const calls = toolCalls(reply).map((call, index) => ({ index, ...call }));
  return [
    ...(calls.length === 0
      ? []
      : [chunk(head, [{ index: 0, delta: { tool_calls: calls }, finish_reason: null }])]),
    chunk(head, [{ index: 0, delta: {}, finish_reason: FINISH[reply.stop] }]),
    ...(withUsage ? [chunk(head, [], { usage: usageOf(reply) })] : []),
    chunk(head, [], { adyton: { receipt: receiptPath(head.requestId) } }),
  ];
}
