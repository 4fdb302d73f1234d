/** The stream of Anthropic Messages: https://platform.claude.com/docs/en/build-with-claude/streaming */

import * as z from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import { AnthropicUsage, StopDetails, stopReason, toUsage } from "./anthropic-messages-reply.ts";
import { createJsonStreamReader } from "./json-stream-reader.ts";
import type { ModelReply, ReplyPiece, StreamReader } from "./model-format.ts";
import { errorInBody } from "./provider-error.ts";
import { ReplyBuilder } from "./reply-builder.ts";
import { anyJson, malformed, parseJsonOr, readAs, truncated } from "./response-body.ts";

const Block = z.looseObject({
  type: z.string(),
  id: z.string().nullish(),
  name: z.string().nullish(),
  text: z.string().nullish(),
  input: anyJson.nullish(),
  /** A `fallback` block: another model goes on. */
  to: z.object({ model: z.string().nullish() }).nullish().catch(null),
});
type Block = z.output<typeof Block>;

const Event = z.object({
  type: z.string(),
  index: z.int().nullish(),
  message: z
    .object({
      id: z.string().nullish(),
      model: z.string().nullish(),
      usage: AnthropicUsage.nullish().catch(null),
    })
    .nullish(),
  content_block: Block.nullish(),
  delta: z
    .object({
      type: z.string().nullish(),
      text: z.string().nullish(),
      partial_json: z.string().nullish(),
      thinking: z.string().nullish(),
      signature: z.string().nullish(),
      stop_reason: z.string().nullish(),
      stop_details: StopDetails.nullish(),
    })
    .nullish(),
  usage: AnthropicUsage.nullish().catch(null),
  error: anyJson.nullish(),
});
type Event = z.output<typeof Event>;

export function createAnthropicStreamReader(): StreamReader {
  const stream = new MessageStream();
  return createJsonStreamReader({
    onEvent: (json) => stream.onEvent(readAs(Event, json)),
    finish: () => stream.finish(),
  });
}

/** A content block as it grows; `carry` needs it whole. */
interface GrowingBlock {
  readonly start: Block;
  text: string;
  thinking: string;
  signature: string;
  json: string;
  isWhole: boolean;
}

class MessageStream {
  readonly #reply = new ReplyBuilder();
  readonly #blocks = new Map<number, GrowingBlock>();
  #usage: AnthropicUsage = {};
  #stopReason: string | null = null;
  #state: "before" | "inside" | "after" = "before";

  onEvent(event: Event): readonly ReplyPiece[] {
    switch (event.type) {
      case "error":
        throw errorInBody(event.error ?? null);
      case "ping":
        return [];
      case "message_start":
        return this.#start(event);
      case "content_block_start":
        return this.#startBlock(event);
      case "content_block_delta":
        return this.#growBlock(event);
      case "content_block_stop":
        return this.#stopBlock(event.index ?? 0);
      case "message_delta":
        return this.#delta(event);
      case "message_stop":
        if (this.#state !== "inside" || [...this.#blocks.values()].some(({ isWhole }) => !isWhole))
          throw malformed("a message ends that is not open, or before its content");
        this.#state = "after";
        return [];
      default:
        return [];
    }
  }

  finish(): ModelReply {
    if (this.#state !== "after") throw truncated("the stream ended before message_stop");
    const reply = this.#reply.build(() => stopReason(this.#stopReason));
    return { ...reply, carry: reply.toolCalls.length === 0 ? null : this.#content() };
  }

  #start({ message }: Event): readonly ReplyPiece[] {
    // A gateway that begins again after a failure splices two messages, of which a listener has heard the first.
    if (this.#state !== "before") throw malformed("a second message begins in the stream");
    this.#state = "inside";
    this.#reply.identify({ responseId: message?.id, returnedModel: message?.model });
    this.#count(message?.usage);
    return [];
  }

  #startBlock({ index, content_block: block }: Event): readonly ReplyPiece[] {
    if (this.#state !== "inside" || this.#stopReason !== null || block === undefined || block === null)
      throw malformed("a content block is outside a message, or follows its end");
    const key = index ?? 0;
    if (this.#blocks.has(key)) throw malformed("a content block begins twice");
    this.#blocks.set(key, {
      start: block,
      text: block.text ?? "",
      thinking: "",
      signature: "",
      json: "",
      isWhole: false,
    });
    if (block.type === "fallback") this.#reply.identify({ returnedModel: block.to?.model });
    if (block.type === "text") return this.#reply.addText(block.text ?? "");
    if (block.type !== "tool_use") return [];
    return this.#reply.beginCall(key, { id: block.id ?? null, name: block.name ?? "" });
  }

  #growBlock({ index, delta }: Event): readonly ReplyPiece[] {
    const key = index ?? 0;
    const block = this.#blocks.get(key);
    if (block === undefined || block.isWhole || this.#stopReason !== null)
      throw malformed("a delta belongs to no open content block");
    block.thinking += delta?.thinking ?? "";
    block.signature += delta?.signature ?? "";
    if (delta?.type === "text_delta" && block.start.type === "text") {
      block.text += delta.text ?? "";
      return this.#reply.addText(delta.text ?? "");
    }
    if (delta?.type === "input_json_delta" && block.start.type === "tool_use") {
      block.json += delta.partial_json ?? "";
      return this.#reply.addArguments(key, delta.partial_json ?? "");
    }
    return [];
  }

  /** Input that did not come in pieces came with the start of its block. */
  #stopBlock(key: number): readonly ReplyPiece[] {
    const block = this.#blocks.get(key);
    if (block === undefined || block.isWhole) throw malformed("a content block ends that is not open");
    block.isWhole = true;
    if (block.start.type !== "tool_use" || block.json !== "") return [];
    block.json = JSON.stringify(block.start.input ?? {});
    return this.#reply.addArguments(key, block.json);
  }

  #delta({ delta, usage }: Event): readonly ReplyPiece[] {
    this.#count(usage);
    const reason = delta?.stop_reason ?? null;
    // The first reason stands: one that follows it would make a whole answer of a truncated one.
    if (reason === null || this.#stopReason !== null) return [];
    if (this.#state !== "inside") throw malformed("a reason to stop is outside a message");
    this.#stopReason = reason;
    return stopReason(reason) === "refused"
      ? this.#reply.addRefusal(delta?.stop_details?.explanation ?? "")
      : [];
  }

  /** Counts are totals so far: a later one replaces an earlier one. */
  #count(usage: AnthropicUsage | null | undefined): void {
    const said = Object.entries(usage ?? {}).filter(([, count]) => count !== null && count !== undefined);
    this.#usage = { ...this.#usage, ...(Object.fromEntries(said) as AnthropicUsage) };
    this.#reply.usage = toUsage(this.#usage);
  }

  #content(): Json {
    const blocks = [...this.#blocks.values()].map(({ start, text, thinking, signature, json }) => ({
      ...start,
      ...(start.type === "text" ? { text } : {}),
      ...(start.type === "thinking" ? { thinking, signature } : {}),
      ...(json === "" ? {} : { input: parseJsonOr(json, {}) }),
    }));
    return blocks as unknown as Json;
  }
}
