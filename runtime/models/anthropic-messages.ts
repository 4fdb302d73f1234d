/** Anthropic Messages: https://platform.claude.com/docs/en/api/messages */

import type { Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { parseAnthropicReply } from "./anthropic-messages-reply.ts";
import { createAnthropicStreamReader } from "./anthropic-messages-stream.ts";
import { splitSystem, type DialogueMessage } from "./dialogue.ts";
import { isDocument, type ContentPart } from "./media.ts";
import { tokenLimit, type EncodedQuestion, type ModelFormat, type ModelQuestion } from "./model-format.ts";
import { adaptSchema, ANTHROPIC_SCHEMAS, checkTakesSchema, isAnthropicSchema } from "./provider-schema.ts";
import { encodeBody, parseArguments } from "./response-body.ts";

/** The version of the API that this file is written to. */
const API_VERSION = "2023-06-01";

export const anthropicMessages: ModelFormat = {
  takesSchema: isAnthropicSchema,
  encodeQuestion,
  credentialHeaders: (credential) => ({ "x-api-key": credential }),
  parseReply: parseAnthropicReply,
  createStreamReader: createAnthropicStreamReader,
};

function encodeQuestion(question: ModelQuestion): EncodedQuestion {
  const { stream } = question;
  if (question.seed !== null) throw cannotSay("a seed");
  if ((question.verbosity ?? null) !== null) throw cannotSay("verbosity");
  if (question.effort === "minimal") throw cannotSay("minimal effort");
  if (question.temperature !== null && question.temperature > 1) throw cannotSay("a temperature above 1");
  const { system, dialogue } = splitSystem(question.messages);
  const body: Json = {
    model: question.model,
    max_tokens: tokenLimit(question),
    messages: groupResults(dialogue).map(encodeTurn),
    stream,
    ...(system.length === 0 ? {} : { system: system.map((text) => ({ type: "text", text })) }),
    ...(question.temperature === null ? {} : { temperature: question.temperature }),
    ...(question.topP === null ? {} : { top_p: question.topP }),
    ...((question.stop ?? []).length === 0 ? {} : { stop_sequences: question.stop ?? [] }),
    ...encodeThinking(question),
    ...encodeOutputConfig(question),
    ...encodeTools(question),
  };
  return {
    path: "/messages",
    headers: {
      "content-type": "application/json",
      accept: stream ? "text/event-stream" : "application/json",
      "anthropic-version": API_VERSION,
    },
    body: encodeBody(body),
  };
}

function encodeThinking({ effort, asksToThink }: ModelQuestion): Readonly<Record<string, Json>> {
  if (effort === "none") return { thinking: { type: "disabled" } };
  return asksToThink ? { thinking: { type: "adaptive" } } : {};
}

function cannotSay(what: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `Anthropic Messages has no field for ${what}` });
}

/** Results of tools that were called together belong into one message of the user. */
function groupResults(dialogue: readonly DialogueMessage[]): readonly (readonly DialogueMessage[])[] {
  const turns: DialogueMessage[][] = [];
  for (const message of dialogue) {
    const last = turns.at(-1);
    if (message.role === "tool" && last?.[0]?.role === "tool") last.push(message);
    else turns.push([message]);
  }
  return turns;
}

function encodeTurn(turn: readonly DialogueMessage[]): Json {
  const [first] = turn;
  if (first === undefined || first.role === "tool")
    return { role: "user", content: turn.flatMap(encodeResult) };
  if (first.role === "user")
    return { role: "user", content: first.parts === undefined ? first.content : first.parts.map(encodePart) };

  const carry = first.carry ?? null;
  const calls = first.toolCalls ?? [];
  if (carry === null && calls.length === 0) return { role: "assistant", content: first.content };
  const said: Json[] = first.content === "" ? [] : [{ type: "text", text: first.content }];
  const uses = calls.map((call) => ({
    type: "tool_use",
    id: call.id ?? "",
    name: call.name,
    input: parseArguments(call),
  }));
  return { role: "assistant", content: carry ?? [...said, ...uses] };
}

function encodePart(part: ContentPart): Json {
  if ("text" in part) return { type: "text", text: part.text };
  const { media } = part;
  const source = { type: "base64", media_type: media.mediaType, data: media.base64 };
  if (!isDocument(media)) return { type: "image", source };
  return { type: "document", source, ...(media.name === null ? {} : { title: media.name }) };
}

function encodeResult(message: DialogueMessage): readonly Json[] {
  if (message.role !== "tool") return [];
  return [{ type: "tool_result", tool_use_id: message.call.id ?? "", content: message.content }];
}

function encodeOutputConfig({ schema, effort }: ModelQuestion): Readonly<Record<string, Json>> {
  if (schema !== null) checkTakesSchema(isAnthropicSchema, schema.json);
  const format =
    schema === null
      ? {}
      : { format: { type: "json_schema", schema: adaptSchema(schema.json, ANTHROPIC_SCHEMAS) } };
  const config = { ...(effort === null || effort === "none" ? {} : { effort }), ...format };
  return Object.keys(config).length === 0 ? {} : { output_config: config };
}

function encodeTools({ tools, toolChoice, oneToolCall }: ModelQuestion): Readonly<Record<string, Json>> {
  if (tools.length === 0) return {};
  const choices = { auto: "auto", required: "any", none: "none" } as const;
  const choice =
    typeof toolChoice === "string" ? { type: choices[toolChoice] } : { type: "tool", name: toolChoice.name };
  const isLimited = oneToolCall === true && toolChoice !== "none";
  return {
    tools: tools.map(({ name, description, parameters, strict }) => ({
      name,
      ...(description === null ? {} : { description }),
      input_schema: parameters,
      ...(strict === true ? { strict } : {}),
    })),
    ...(toolChoice === "auto" && !isLimited
      ? {}
      : { tool_choice: { ...choice, ...(isLimited ? { disable_parallel_tool_use: true } : {}) } }),
  };
}
