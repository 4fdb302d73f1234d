/** Replies in the form of Anthropic's Messages, whole or as a stream. */

import type { Json } from "../../protocol/canonical-json.ts";
import type { AdytonError } from "../../protocol/errors.ts";
import type { ModelReply, StopReason } from "../../runtime/models/model-format.ts";
import { receiptPath, type ReplyHead, type ReplyWriter, type StreamEvent } from "./openai-api.ts";

interface JsonObject {
  readonly [key: string]: Json;
}

const STOP: Readonly<Record<StopReason, string>> = {
  complete: "end_turn",
  length: "max_tokens",
  refused: "refusal",
  toolCalls: "tool_use",
  other: "end_turn",
};

export function createMessagesWriter(head: ReplyHead): ReplyWriter {
  const stream = new MessageStream(head);
  return {
    whole: (reply) => toMessage(head, reply),
    begin: () => stream.begin(),
    text: (text) => stream.text(text),
    end: (reply) => stream.end(reply),
    fail: (error) => stream.fail(error),
  };
}

function messageOf({ requestId, model }: ReplyHead): JsonObject {
  return { id: `msg_${requestId.slice(2, 34)}`, type: "message", role: "assistant", model };
}

function toMessage(head: ReplyHead, reply: ModelReply): JsonObject {
  const text = reply.stop === "refused" ? (reply.refusal ?? "") : reply.text;
  return {
    ...messageOf(head),
    content: [...(text === "" ? [] : [{ type: "text", text }]), ...toolUses(reply)],
    ...ending(reply),
    usage: usageOf(reply),
    adyton: { receipt: receiptPath(head.requestId) },
  };
}

function toolUses(reply: ModelReply): readonly JsonObject[] {
  return reply.toolCalls.map((call, index) => ({
    type: "tool_use",
    id: call.id ?? `toolu_${index}`,
    name: call.name,
    input: inputOf(call.arguments),
  }));
}

/** A model's arguments need not be JSON; this API has a place for nothing else. The receipt has them as they were written. */
function inputOf(written: string): Json {
  try {
    return JSON.parse(written) as Json;
  } catch {
    return {};
  }
}

function ending({ stop }: ModelReply): JsonObject {
  return { stop_reason: STOP[stop], stop_sequence: null };
}

/** Anthropic's clients expect numbers; zeros stand for what the provider did not say. */
function usageOf({ usage }: ModelReply): JsonObject {
  return { input_tokens: usage?.inputTokens ?? 0, output_tokens: usage?.outputTokens ?? 0 };
}

/** The events of one message: its text is the first block, which is opened when there is a word of it. */
class MessageStream {
  readonly #head: ReplyHead;
  #text = "";
  #blocks = 0;

  constructor(head: ReplyHead) {
    this.#head = head;
  }

  begin(): readonly StreamEvent[] {
    const usage = { input_tokens: 0, output_tokens: 0 };
    const message = { ...messageOf(this.#head), content: [], stop_reason: null, stop_sequence: null, usage };
    return [event("message_start", { message })];
  }

  text(text: string): readonly StreamEvent[] {
    if (text === "") return [];
    const opening = this.#text === "" ? [this.#open({ type: "text", text: "" })] : [];
    this.#text += text;
    return [...opening, this.#delta({ type: "text_delta", text })];
  }

  end(reply: ModelReply): readonly StreamEvent[] {
    const words = reply.stop === "refused" ? (reply.refusal ?? "") : reply.text;
    const rest = words.startsWith(this.#text) ? this.text(words.slice(this.#text.length)) : [];
    return [
      ...rest,
      ...(this.#text === "" ? [] : [this.#close()]),
      ...reply.toolCalls.flatMap((call, index) =>
        this.#toolUse(toolUses(reply)[index] ?? {}, call.arguments),
      ),
      event("message_delta", {
        delta: ending(reply),
        usage: usageOf(reply),
        adyton: { receipt: receiptPath(this.#head.requestId) },
      }),
      event("message_stop", {}),
    ];
  }

  fail({ message }: AdytonError): readonly StreamEvent[] {
    return [event("error", { error: { type: "api_error", message } })];
  }

  #toolUse(block: JsonObject, written: string): readonly StreamEvent[] {
    return [
      this.#open({ ...block, input: {} }),
      this.#delta({ type: "input_json_delta", partial_json: written }),
      this.#close(),
    ];
  }

  #open(block: JsonObject): StreamEvent {
    return event("content_block_start", { index: this.#blocks, content_block: block });
  }

  #delta(delta: JsonObject): StreamEvent {
    return event("content_block_delta", { index: this.#blocks, delta });
  }

  #close(): StreamEvent {
    const closed = event("content_block_stop", { index: this.#blocks });
    this.#blocks += 1;
    return closed;
  }
}

function event(type: string, data: JsonObject): StreamEvent {
  return { name: type, data: { type, ...data } };
}
