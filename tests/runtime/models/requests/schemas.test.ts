/** Which schemas a provider enforces, and which are told in the prompt. */

import { expect, test } from "vitest";
import { anthropicMessages } from "../../../../runtime/models/anthropic-messages.ts";
import { geminiInteractions } from "../../../../runtime/models/gemini-interactions.ts";
import { gemini } from "../../../../runtime/models/gemini.ts";
import { openaiResponses } from "../../../../runtime/models/openai-responses.ts";
import type { Json } from "../../../../protocol/canonical-json.ts";
import { fromUtf8 } from "../../../../protocol/bytes.ts";
import { codeOf } from "../../../support/code-of.ts";
import { question } from "../../../enclave/support/questions.ts";
import { openaiChat } from "../support/full-question.ts";

type Members = Readonly<Record<string, Json>>;

function closed(properties: Members, $defs?: Members): Members {
  const more = $defs === undefined ? {} : { $defs };
  return {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
    ...more,
  };
}

const RECURSIVE = closed(
  { root: { $ref: "#/$defs/node" } },
  { node: closed({ children: { type: "array", items: { $ref: "#/$defs/node" } } }) },
);

test.for([
  ["recursion", RECURSIVE],
  ["a list of anything", closed({ tags: { type: "array" } })],
  ["a choice that is no text and no number", closed({ yes: { type: "boolean", const: true } })],
  [
    "a reference with anything beside it",
    closed({ who: { $ref: "#/$defs/p", description: "x" } }, { p: closed({}) }),
  ],
  ["a member that is required and not described", { ...closed({ a: {} }), required: ["a", "b"] }],
  [
    "a list of anything among further members",
    { type: "object", properties: {}, additionalProperties: { type: "array" } },
  ],
] as const)("Gemini is told in the prompt of %s", ([, json]) => {
  expect([gemini.takesSchema(json), geminiInteractions.takesSchema(json)]).toEqual([false, false]);
});

test.for([
  ["recursion, which OpenAI takes", openaiChat, RECURSIVE],
  ["references alone", openaiChat, closed({ who: { $ref: "#/$defs/p" } }, { p: closed({}) })],
  [
    "references with a description, which Anthropic takes",
    anthropicMessages,
    closed({ who: { $ref: "#/$defs/p", description: "x" } }, { p: closed({}) }),
  ],
  ["references, which Gemini takes", gemini, closed({ who: { $ref: "#/$defs/p" } }, { p: closed({}) })],
] as const)("%s are enforced by the provider", ([, format, json]) => {
  expect(format.takesSchema(json)).toBe(true);
});

test.for([
  ["Chat Completions", openaiChat, { type: "array", items: {} }],
  ["Responses", openaiResponses, { anyOf: [{ type: "object" }] }],
  ["Chat Completions", openaiChat, closed({ tags: { type: "array" } })],
  [
    "Responses",
    openaiResponses,
    closed({ who: { $ref: "#/$defs/p", description: "the person" } }, { p: closed({}) }),
  ],
  [
    "Chat Completions",
    openaiChat,
    closed({ a: { type: "object", required: [], additionalProperties: false } }),
  ],
  ["Responses", openaiResponses, closed({ a: { enum: [{ b: 1 }, { b: 2 }] } })],
  ["Responses", openaiResponses, closed({ a: { type: "string", enum: ["x", 1] } })],
  ["Anthropic Messages", anthropicMessages, RECURSIVE],
  ["Anthropic Messages", anthropicMessages, closed({ tags: { type: "array" } })],
  ["Anthropic Messages", anthropicMessages, closed({ "a name": { type: "string" } })],
  ["Anthropic Messages", anthropicMessages, closed({ a: { enum: [["x"], ["y"]] } })],
  ["Anthropic Messages", anthropicMessages, { ...closed({ a: { type: "string" } }), required: ["b"] }],
  ["Anthropic Messages", anthropicMessages, { type: "object", properties: {} }],
  [
    "Anthropic Messages",
    anthropicMessages,
    { type: "object", properties: { a: {} }, additionalProperties: false },
  ],
] as const)("%s refuses a schema that it could not enforce as it stands", ([, format, json]) => {
  expect(format.takesSchema(json)).toBe(false);
  expect(codeOf(() => format.encodeQuestion(question({ schema: { json, strict: true } })))).toBe(
    "INPUT_INVALID",
  );
});

test("OpenAI is not told to be strict about a member that is required and not described", () => {
  const json = { ...closed({ a: { type: "string" } }), required: ["a", "b"] };
  const body = fromUtf8(openaiChat.encodeQuestion(question({ schema: { json, strict: true } })).body);
  expect(JSON.parse(body)).toMatchObject({ response_format: { json_schema: { strict: false } } });
});
