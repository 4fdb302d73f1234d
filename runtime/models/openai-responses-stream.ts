/** The stream of OpenAI Responses: https://platform.openai.com/docs/api-reference/responses-streaming */

import * as z from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import { createJsonStreamReader, SIGNS_OF_LIFE } from "./json-stream-reader.ts";
import type { ModelReply, ReplyPiece, StreamReader } from "./model-format.ts";
import { isCommentary, readResponse } from "./openai-responses-reply.ts";
import { errorInBody } from "./provider-error.ts";
import { ReplyBuilder } from "./reply-builder.ts";
import { anyJson, malformed, readAs, truncated } from "./response-body.ts";

const Event = z.object({
  type: z.string(),
  output_index: z.int().nullish(),
  delta: anyJson.nullish(),
  item: z
    .object({
      type: z.string(),
      phase: z.string().nullish(),
      call_id: z.string().nullish(),
      name: z.string().nullish(),
    })
    .nullish(),
  response: anyJson.nullish(),
  error: anyJson.nullish(),
});
type Event = z.output<typeof Event>;

const ENDINGS = new Set(["response.completed", "response.incomplete", "response.failed"]);
const CALLS = new Set(["function_call", "custom_tool_call"]);

export function createResponsesStreamReader(): StreamReader {
  const passed = new ReplyBuilder();
  /** Items of the output that are commentary, by their index. */
  const commentary = new Set<number>();
  /** Items that were given whole, by their index. */
  const given = new Map<number, Json>();
  let reply: ModelReply | null = null;
  return createJsonStreamReader({
    onEvent: (json) => {
      const event = readAs(Event, json);
      if (SIGNS_OF_LIFE.has(event.type)) return [];
      if (reply !== null) throw malformed("an event follows the whole response");
      if (event.type === "error") throw errorInBody(event.error ?? json);
      if (event.type === "response.output_item.done") keepItem(given, json, event.output_index ?? 0);
      if (!ENDINGS.has(event.type)) return onPart(event, passed, commentary);
      const items = [...given].sort(([a], [b]) => a - b).map(([, item]) => item);
      reply = readResponse(event.response ?? null, items);
      return [...restOfText(reply, passed), ...restOfCalls(reply, passed)];
    },
    finish: () => {
      if (reply === null) throw truncated("the stream ended before the whole response");
      return reply;
    },
  });
}

function keepItem(given: Map<number, Json>, event: Json, index: number): void {
  if (given.has(index)) throw malformed("an item of the response is given twice");
  const { item } = event as { readonly item?: Json };
  if (item !== undefined) given.set(index, item);
}

function onPart(event: Event, passed: ReplyBuilder, commentary: Set<number>): readonly ReplyPiece[] {
  const index = event.output_index ?? 0;
  const text = typeof event.delta === "string" ? event.delta : "";
  switch (event.type) {
    case "response.output_item.added":
      if (isCommentary(event.item?.phase)) commentary.add(index);
      return event.item !== undefined && event.item !== null && CALLS.has(event.item.type)
        ? passed.beginCall(index, { id: event.item.call_id ?? null, name: event.item.name ?? "" })
        : [];
    case "response.output_text.delta":
      return commentary.has(index) ? [] : passed.addText(text);
    case "response.refusal.delta":
      return passed.addRefusal(text);
    case "response.function_call_arguments.delta":
    case "response.custom_tool_call_input.delta":
      return passed.addArguments(index, text);
    default:
      return [];
  }
}

/** The last event repeats the whole, and whoever was passed the parts must have seen the same. */
function restOfText(reply: ModelReply, passed: ReplyBuilder): readonly ReplyPiece[] {
  const said = passed.text;
  if (!reply.text.startsWith(said)) throw malformed("the parts of the stream are not its whole");
  return said === reply.text ? [] : [{ kind: "text", text: reply.text.slice(said.length) }];
}

/** Servers may give short arguments only with the whole: passed on then, so that a listener has every call. */
function restOfCalls(reply: ModelReply, passed: ReplyBuilder): readonly ReplyPiece[] {
  const pieces: ReplyPiece[] = [];
  const known = passed.toolCalls;
  for (const [index, call] of reply.toolCalls.entries()) {
    const before = known[index];
    const said = before?.arguments ?? "";
    if ((before !== undefined && before.id !== call.id) || !call.arguments.startsWith(said))
      throw malformed("the calls of the stream are not those of its whole");
    if (before === undefined) pieces.push({ kind: "toolCall", index, id: call.id, name: call.name });
    if (said !== call.arguments)
      pieces.push({ kind: "toolArguments", index, text: call.arguments.slice(said.length) });
  }
  if (known.length > reply.toolCalls.length) throw malformed("a call of the stream is not in its whole");
  return pieces;
}
