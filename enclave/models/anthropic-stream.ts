/** Anthropic's stream of events. https://docs.anthropic.com/en/docs/build-with-claude/streaming */

import { z } from "zod";
import { messagesStopReason } from "./stop-reasons.ts";
import type { ModelReply, StreamReader } from "./model-format.ts";
import { malformed, parseText, tokenCount, truncated } from "./response-body.ts";

const usage = z.object({ input_tokens: tokenCount.nullish(), output_tokens: tokenCount.nullish() });
const index = z.int().min(0).max(4_095);

const Event = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("message_start"),
    message: z.object({ id: z.string(), model: z.string(), stop_reason: z.string().nullish(), usage }),
  }),
  z.object({
    type: z.literal("content_block_start"),
    index,
    content_block: z.object({
      type: z.string(),
      text: z.string().nullish(),
      id: z.string().nullish(),
      name: z.string().nullish(),
      input: z.unknown().optional(),
    }),
  }),
  z.object({
    type: z.literal("content_block_delta"),
    index,
    delta: z.object({ type: z.string(), text: z.string().nullish(), partial_json: z.string().nullish() }),
  }),
  z.object({ type: z.literal("content_block_stop"), index }),
  z.object({
    type: z.literal("message_delta"),
    delta: z.object({ stop_reason: z.string().nullish() }),
    usage: usage.nullish(),
  }),
  z.object({ type: z.literal("message_stop") }),
  z.object({ type: z.literal("ping") }),
]);
type Event = z.output<typeof Event>;
type EventOf<Type extends Event["type"]> = Extract<Event, { type: Type }>;

interface Block {
  readonly type: string;
  readonly id: string | null;
  readonly name: string;
  text: string;
  json: string;
  readonly startInput: unknown;
}

export function createMessagesStreamReader(): StreamReader {
  return new MessagesStreamReader();
}

class MessagesStreamReader implements StreamReader {
  readonly #blocks: Block[] = [];
  #start: EventOf<"message_start">["message"] | null = null;
  #input = 0;
  #output = 0;
  #stop: string | null = null;
  #done = false;

  push = (data: string): string => {
    const event = parseText(Event, data);
    if (event.type === "ping") return "";
    if (this.#done) throw malformed("the stream goes on after its end");
    // A proxy that reconnects splices a second message into the first: neither is whole.
    if ((event.type === "message_start") !== (this.#start === null)) {
      throw malformed("the stream's events are out of order");
    }
    return this.#take(event);
  };

  #take(event: Exclude<Event, { type: "ping" }>): string {
    switch (event.type) {
      case "message_start":
        this.#start = event.message;
        this.#stop = event.message.stop_reason ?? null;
        this.#count(event.message.usage);
        return "";
      case "content_block_start":
        return this.#startBlock(event);
      case "content_block_delta":
        return this.#extendBlock(event);
      case "content_block_stop":
        return "";
      case "message_delta":
        this.#stop = event.delta.stop_reason ?? this.#stop;
        this.#count(event.usage);
        return "";
      case "message_stop":
        this.#done = true;
        return "";
    }
  }

  #startBlock({ index: at, content_block: block }: EventOf<"content_block_start">): string {
    if (at !== this.#blocks.length) throw malformed("a block of the stream is missing");
    this.#blocks.push({
      type: block.type,
      id: block.id ?? null,
      name: block.name ?? "",
      text: block.type === "text" ? (block.text ?? "") : "",
      json: "",
      startInput: block.input,
    });
    return this.#blocks[at]?.text ?? "";
  }

  #extendBlock({ index: at, delta }: EventOf<"content_block_delta">): string {
    const block = this.#blocks[at];
    if (block === undefined) throw malformed("a block of the stream has no start");
    if (delta.type === "input_json_delta") block.json += delta.partial_json ?? "";
    if (delta.type !== "text_delta" || block.type !== "text") return "";
    block.text += delta.text ?? "";
    return delta.text ?? "";
  }

  /** Each count is the total so far; the last one holds. */
  #count(counted: z.output<typeof usage> | null | undefined): void {
    this.#input = counted?.input_tokens ?? this.#input;
    this.#output = counted?.output_tokens ?? this.#output;
  }

  finish = (): ModelReply => {
    if (this.#start === null || !this.#done) throw truncated();
    return {
      returnedModel: this.#start.model,
      responseId: this.#start.id,
      usage: { inputTokens: this.#input, outputTokens: this.#output },
      stop: messagesStopReason(this.#stop),
      text: this.#blocks.map(({ text }) => text).join(""),
      toolCalls: this.#blocks
        .filter(({ type }) => type === "tool_use")
        .map(({ id, name, json, startInput }) => ({
          id,
          name,
          arguments: json === "" ? JSON.stringify(startInput ?? {}) : json,
        })),
    };
  };
}
