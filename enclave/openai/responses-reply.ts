/** Replies in the form of OpenAI's Responses, whole or as a stream. */

import type { Json } from "../../protocol/canonical-json.ts";
import type { AdytonError } from "../../protocol/errors.ts";
import type { ModelReply } from "../../runtime/models/model-format.ts";
import { toExtraContent } from "./call-terms.ts";
import { receiptPath, type ReplyHead, type ReplyWriter, type StreamEvent } from "./openai-api.ts";
import type { ResponsesCall } from "./responses-call.ts";

interface JsonObject {
  readonly [key: string]: Json;
}

type Status = "in_progress" | "completed" | "incomplete";

export function createResponsesWriter(head: ReplyHead, call: ResponsesCall): ReplyWriter {
  const stream = new ResponsesStream(head, call);
  return {
    whole: (reply) => toResponse(head, call, reply),
    begin: () => stream.begin(),
    text: (text) => stream.text(text),
    end: (reply) => stream.end(reply),
    fail: (error) => stream.fail(error),
  };
}

function toResponse(head: ReplyHead, call: ResponsesCall, reply: ModelReply): JsonObject {
  return {
    ...common(head, call, statusOf(reply)),
    incomplete_details: incompleteDetails(reply),
    output: [...toMessages(head, reply, "completed"), ...toFunctionCalls(head, reply)],
    usage: usageOf(reply),
    adyton: { receipt: receiptPath(head.requestId) },
  };
}

/** With the terms of the call, as clients expect them back. */
function common({ requestId, created, model }: ReplyHead, call: ResponsesCall, status: Status): JsonObject {
  return {
    id: `resp_${requestId.slice(2, 34)}`,
    object: "response",
    created_at: created,
    status,
    error: null,
    incomplete_details: null,
    instructions: call.instructions ?? null,
    max_output_tokens: call.max_output_tokens ?? null,
    metadata: call.metadata ?? {},
    model,
    output: [],
    parallel_tool_calls: call.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: call.reasoning?.effort ?? null, summary: null },
    store: false,
    temperature: call.temperature ?? null,
    text: { format: (call.text?.format as Json | undefined) ?? { type: "text" } },
    tool_choice: (call.tool_choice as Json | undefined) ?? "auto",
    tools: (call.tools as Json | undefined) ?? [],
    top_p: call.top_p ?? null,
    truncation: "disabled",
    usage: null,
  };
}

/** A refusal is a completed response. One that stopped for a reason unknown to us is not. */
function statusOf({ stop }: ModelReply): Status {
  return stop === "length" || stop === "other" ? "incomplete" : "completed";
}

function incompleteDetails({ stop }: ModelReply): Json {
  return stop === "length" ? { reason: "max_output_tokens" } : null;
}

function usageOf({ usage }: ModelReply): Json {
  if (usage === null) return null;
  const { inputTokens, outputTokens } = usage;
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

function messageId({ requestId }: ReplyHead): string {
  return `msg_${requestId.slice(2, 34)}`;
}

function toMessage(head: ReplyHead, content: readonly Json[], status: Status): JsonObject {
  return { id: messageId(head), type: "message", role: "assistant", status, content };
}

function textPart(text: string): JsonObject {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function refusalPart(reply: ModelReply): JsonObject {
  return { type: "refusal", refusal: reply.refusal ?? "The model declined." };
}

/** None for a reply that only calls tools. */
function toMessages(head: ReplyHead, reply: ModelReply, status: Status): readonly JsonObject[] {
  if (reply.stop === "refused") return [toMessage(head, [refusalPart(reply)], status)];
  if (reply.text === "" && reply.toolCalls.length > 0) return [];
  return [toMessage(head, [textPart(reply.text)], status)];
}

function toFunctionCalls({ requestId }: ReplyHead, reply: ModelReply): readonly JsonObject[] {
  return reply.toolCalls.map((call, index) => ({
    id: `fc_${requestId.slice(2, 34)}_${index}`,
    type: "function_call",
    call_id: call.id ?? `call_${index}`,
    name: call.name,
    arguments: call.arguments,
    status: "completed",
    ...toExtraContent(call.signature),
  }));
}

/** The events of one response, numbered. An item is announced, comes in pieces, and is repeated whole. */
class ResponsesStream {
  readonly #head: ReplyHead;
  readonly #call: ResponsesCall;
  #sequence = 0;
  #text = "";
  #messageOpen = false;

  constructor(head: ReplyHead, call: ResponsesCall) {
    this.#head = head;
    this.#call = call;
  }

  begin(): readonly StreamEvent[] {
    const response = common(this.#head, this.#call, "in_progress");
    return [this.#event("response.created", { response }), this.#event("response.in_progress", { response })];
  }

  text(text: string): readonly StreamEvent[] {
    const opening = this.#openMessage(textPart(""));
    this.#text += text;
    return [...opening, this.#partEvent("response.output_text.delta", { delta: text, logprobs: [] })];
  }

  end(reply: ModelReply): readonly StreamEvent[] {
    const response = toResponse(this.#head, this.#call, reply);
    const name = statusOf(reply) === "completed" ? "response.completed" : "response.incomplete";
    return [...this.#endMessage(reply), ...this.#functionCalls(reply), this.#event(name, { response })];
  }

  fail({ code, message }: AdytonError): readonly StreamEvent[] {
    return [this.#event("error", { error: { type: "server_error", code, message, param: null } })];
  }

  #endMessage(reply: ModelReply): readonly StreamEvent[] {
    const [item] = toMessages(this.#head, reply, "completed");
    if (item === undefined) return [];
    const events: StreamEvent[] = [];
    const refused = reply.stop === "refused";
    const part = refused ? refusalPart(reply) : textPart(reply.text);
    if (refused) {
      events.push(...this.#openMessage({ type: "refusal", refusal: "" }));
      const refusal = part["refusal"] ?? "";
      events.push(this.#partEvent("response.refusal.delta", { delta: refusal }));
      events.push(this.#partEvent("response.refusal.done", { refusal }));
    } else {
      events.push(...this.#openMessage(textPart("")));
      if (this.#text !== reply.text) events.push(...this.text(reply.text.slice(this.#text.length)));
      events.push(this.#partEvent("response.output_text.done", { text: reply.text, logprobs: [] }));
    }
    events.push(this.#partEvent("response.content_part.done", { part }));
    events.push(this.#event("response.output_item.done", { output_index: 0, item }));
    return events;
  }

  #openMessage(part: JsonObject): readonly StreamEvent[] {
    if (this.#messageOpen) return [];
    this.#messageOpen = true;
    const item = toMessage(this.#head, [], "in_progress");
    return [
      this.#event("response.output_item.added", { output_index: 0, item }),
      this.#partEvent("response.content_part.added", { part }),
    ];
  }

  #functionCalls(reply: ModelReply): readonly StreamEvent[] {
    const before = this.#messageOpen ? 1 : 0;
    return toFunctionCalls(this.#head, reply).flatMap((item, index) => {
      const at = { output_index: before + index, item_id: item["id"] ?? "" };
      const written = item["arguments"] ?? "";
      const begun = { ...item, arguments: "", status: "in_progress" };
      return [
        this.#event("response.output_item.added", { output_index: before + index, item: begun }),
        this.#event("response.function_call_arguments.delta", { ...at, delta: written }),
        this.#event("response.function_call_arguments.done", {
          ...at,
          name: item["name"] ?? "",
          arguments: written,
        }),
        this.#event("response.output_item.done", { output_index: before + index, item }),
      ];
    });
  }

  /** About the one part of the one message. */
  #partEvent(type: string, data: JsonObject): StreamEvent {
    return this.#event(type, {
      item_id: messageId(this.#head),
      output_index: 0,
      content_index: 0,
      ...data,
    });
  }

  #event(type: string, data: JsonObject): StreamEvent {
    const event = { type, sequence_number: this.#sequence, ...data };
    this.#sequence += 1;
    return { name: type, data: event };
  }
}
