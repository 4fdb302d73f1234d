/** What each format sends, to the last field: whatever is not in these bodies is never sent. */

import type OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { anthropicMessages } from "../../../runtime/models/anthropic-messages.ts";
import { geminiInteractions } from "../../../runtime/models/gemini-interactions.ts";
import { gemini } from "../../../runtime/models/gemini.ts";
import {
  EFFORTS,
  type ModelFormat,
  type ModelMessage,
  type ModelQuestion,
} from "../../../runtime/models/model-format.ts";
import { createOpenaiChat, DEFAULT_CHAT_DIALECT } from "../../../runtime/models/openai-chat.ts";
import { openaiResponses } from "../../../runtime/models/openai-responses.ts";
import type { Json } from "../../../protocol/canonical-json.ts";
import { fromUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { question } from "../../enclave/support/questions.ts";

const openaiChat = createOpenaiChat(DEFAULT_CHAT_DIALECT);
/** As OpenAI's own newer models have it. */
const openaiDialect = createOpenaiChat({ tokenLimit: "max_completion_tokens", sendsStore: true });

const sent = (format: ModelFormat, change: Partial<ModelQuestion>): unknown =>
  JSON.parse(fromUtf8(format.encodeQuestion(question(change)).body));

const call = { id: "call_1", name: "weather", arguments: '{"city":"Delphi"}' };

const conversation: readonly ModelMessage[] = [
  { role: "system", content: "Be brief." },
  { role: "system", content: "Be kind." },
  { role: "user", content: "hello" },
  { role: "assistant", content: "One moment.", toolCalls: [call, { ...call, id: "call_2" }] },
  { role: "tool", call, content: "sun" },
  { role: "tool", call: { ...call, id: "call_2" }, content: "rain" },
  { role: "assistant", content: "Both." },
  { role: "user", content: "thanks" },
];

const schemaJson = {
  type: "object",
  properties: {
    n: { type: "array", items: { type: "string", maxLength: 3 }, minItems: 2, maxItems: 2 },
    k: { const: "fixed" },
  },
  required: ["n", "k"],
  additionalProperties: false,
} as const;

const full: Partial<ModelQuestion> = {
  messages: conversation,
  temperature: 0.5,
  topP: 0.9,
  effort: "low",
  schema: { json: schemaJson, strict: true },
  tools: [{ name: "weather", description: "The weather", parameters: { type: "object", properties: {} } }],
  toolChoice: "required",
  stream: true,
};

describe("Chat Completions", () => {
  test("sends what was asked and the refusal to be stored", () => {
    const body: OpenAI.ChatCompletionCreateParams = {
      model: "model-1",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "hello" },
      ],
      max_completion_tokens: 100,
      stream: false,
      store: false,
    };
    expect(sent(openaiDialect, {})).toEqual(body);
  });

  test("sends every field that it knows, and no other", () => {
    const body: OpenAI.ChatCompletionCreateParams = {
      model: "model-1",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "system", content: "Be kind." },
        { role: "user", content: "hello" },
        {
          role: "assistant",
          content: "One moment.",
          tool_calls: ["call_1", "call_2"].map((id) => ({
            id,
            type: "function" as const,
            function: { name: "weather", arguments: '{"city":"Delphi"}' },
          })),
        },
        { role: "tool", tool_call_id: "call_1", content: "sun" },
        { role: "tool", tool_call_id: "call_2", content: "rain" },
        { role: "assistant", content: "Both." },
        { role: "user", content: "thanks" },
      ],
      max_completion_tokens: 100,
      stream: true,
      store: false,
      stream_options: { include_usage: true },
      temperature: 0.5,
      top_p: 0.9,
      reasoning_effort: "low",
      response_format: {
        type: "json_schema",
        json_schema: {
          name: "answer",
          strict: true,
          schema: {
            ...schemaJson,
            properties: {
              ...schemaJson.properties,
              n: { ...schemaJson.properties.n, items: { type: "string", description: "(maxLength 3)" } },
              // OpenAI refuses a choice of values without their type.
              k: { type: "string", const: "fixed" },
            },
          },
        },
      },
      tools: [
        {
          type: "function",
          function: {
            name: "weather",
            description: "The weather",
            parameters: { type: "object", properties: {} },
          },
        },
      ],
      tool_choice: "required",
    };
    // OpenAI has given seeds up; other servers have not.
    expect(sent(openaiDialect, { ...full, seed: 7 })).toEqual({ ...body, seed: 7 });
  });

  test.for(EFFORTS)("asks for %s effort by its own name", (effort) => {
    expect(sent(openaiDialect, { effort })).toMatchObject({ reasoning_effort: effort });
  });

  test("speaks the dialect of a server", () => {
    const strict = createOpenaiChat({ tokenLimit: "max_tokens", sendsStore: false });
    expect(Object.keys(sent(strict, {}) as object)).toEqual(["model", "messages", "max_tokens", "stream"]);
    expect(sent(openaiChat, {})).toMatchObject({ max_tokens: 100, store: false });
  });

  test("asks for no strictness that a schema does not keep", () => {
    const open = { type: "object", properties: { a: { type: "string" } } };
    expect(sent(openaiChat, { schema: { json: open, strict: true } })).toMatchObject({
      response_format: { json_schema: { strict: false, schema: open } },
    });
  });
});

describe("Responses", () => {
  test("sends every field that it knows, and no other", () => {
    const body: OpenAI.Responses.ResponseCreateParams = {
      model: "model-1",
      input: [
        { role: "system", content: "Be brief." },
        { role: "system", content: "Be kind." },
        { role: "user", content: "hello" },
        { role: "assistant", content: "One moment." },
        { type: "function_call", call_id: "call_1", name: "weather", arguments: '{"city":"Delphi"}' },
        { type: "function_call", call_id: "call_2", name: "weather", arguments: '{"city":"Delphi"}' },
        { type: "function_call_output", call_id: "call_1", output: "sun" },
        { type: "function_call_output", call_id: "call_2", output: "rain" },
        { role: "assistant", content: "Both." },
        { role: "user", content: "thanks" },
      ],
      max_output_tokens: 100,
      stream: true,
      store: false,
      temperature: 0.5,
      top_p: 0.9,
      reasoning: { effort: "low" },
      text: {
        format: {
          type: "json_schema",
          name: "answer",
          strict: true,
          schema: {
            ...schemaJson,
            properties: {
              ...schemaJson.properties,
              n: { ...schemaJson.properties.n, items: { type: "string", description: "(maxLength 3)" } },
              // OpenAI refuses a choice of values without their type.
              k: { type: "string", const: "fixed" },
            },
          },
        },
      },
      tools: [
        {
          type: "function",
          name: "weather",
          description: "The weather",
          parameters: { type: "object", properties: {} },
          strict: false,
        },
      ],
      tool_choice: "required",
      include: ["reasoning.encrypted_content"],
    };
    expect(sent(openaiResponses, full)).toEqual(body);
  });

  test("hands back what a reply with calls carried, reasoning included", () => {
    const carry = [{ type: "reasoning", encrypted_content: "x" }, { type: "function_call" }];
    const messages: readonly ModelMessage[] = [
      { role: "user", content: "hello" },
      { role: "assistant", content: "", toolCalls: [call], carry },
    ];
    expect(sent(openaiResponses, { messages })).toMatchObject({
      input: [{ role: "user", content: "hello" }, ...carry],
    });
  });
});

describe("Anthropic Messages", () => {
  test("sends every field that it knows, and no other", () => {
    expect(sent(anthropicMessages, full)).toEqual({
      model: "model-1",
      max_tokens: 100,
      system: [
        { type: "text", text: "Be brief." },
        { type: "text", text: "Be kind." },
      ],
      messages: [
        { role: "user", content: "hello" },
        {
          role: "assistant",
          content: [
            { type: "text", text: "One moment." },
            { type: "tool_use", id: "call_1", name: "weather", input: { city: "Delphi" } },
            { type: "tool_use", id: "call_2", name: "weather", input: { city: "Delphi" } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "call_1", content: "sun" },
            { type: "tool_result", tool_use_id: "call_2", content: "rain" },
          ],
        },
        { role: "assistant", content: "Both." },
        { role: "user", content: "thanks" },
      ],
      stream: true,
      temperature: 0.5,
      top_p: 0.9,
      output_config: {
        effort: "low",
        format: {
          type: "json_schema",
          schema: {
            type: "object",
            properties: {
              n: {
                type: "array",
                items: { type: "string", description: "(maxLength 3)" },
                description: "(minItems 2, maxItems 2)",
              },
              k: { const: "fixed" },
            },
            required: ["n", "k"],
            additionalProperties: false,
          },
        },
      },
      tools: [
        { name: "weather", description: "The weather", input_schema: { type: "object", properties: {} } },
      ],
      tool_choice: { type: "any" },
    });
  });

  test.for(["low", "medium", "high", "xhigh", "max"] as const)("asks for %s effort", (effort) => {
    const body = JSON.parse(fromUtf8(anthropicMessages.encodeQuestion(question({ effort })).body)) as object;
    expect(body).toMatchObject({ output_config: { effort } });
    expect(body).not.toHaveProperty("thinking");
  });

  test("asks for no effort by switching thinking off", () => {
    const { body } = anthropicMessages.encodeQuestion(question({ effort: "none" }));
    expect(JSON.parse(fromUtf8(body))).toMatchObject({ thinking: { type: "disabled" } });
    expect(JSON.parse(fromUtf8(body))).not.toHaveProperty("output_config");
  });

  test("names the version of the API, and the key in its own header", () => {
    expect(anthropicMessages.encodeQuestion(question()).headers["anthropic-version"]).toBe("2023-06-01");
    expect(anthropicMessages.credentialHeaders("k")).toEqual({ "x-api-key": "k" });
  });

  test.for([
    ["a seed", { seed: 1 }],
    ["an effort below low", { effort: "minimal" }],
    ["a temperature above 1", { temperature: 1.5 }],
    [
      "a system message amid the dialogue",
      {
        messages: [
          { role: "user", content: "a" },
          { role: "system", content: "b" },
        ],
      },
    ],
    [
      "arguments of a tool that are no object",
      { messages: [{ role: "assistant", content: "", toolCalls: [{ ...call, arguments: "[1]" }] }] },
    ],
  ] satisfies [string, Partial<ModelQuestion>][])("refuses %s rather than leave it out", ([, change]) => {
    expect(codeOf(() => anthropicMessages.encodeQuestion(question(change)))).toBe("INPUT_INVALID");
  });
});

describe("Gemini", () => {
  test("sends every field that it knows, and no other", () => {
    const encoded = gemini.encodeQuestion(question({ ...full, seed: 7 }));
    expect(encoded.path).toBe("/models/model-1:streamGenerateContent?alt=sse");
    expect(JSON.parse(fromUtf8(encoded.body))).toEqual({
      systemInstruction: { parts: [{ text: "Be brief." }, { text: "Be kind." }] },
      store: false,
      contents: [
        { role: "user", parts: [{ text: "hello" }] },
        {
          role: "model",
          parts: [
            { text: "One moment." },
            { functionCall: { id: "call_1", name: "weather", args: { city: "Delphi" } } },
            { functionCall: { id: "call_2", name: "weather", args: { city: "Delphi" } } },
          ],
        },
        {
          role: "user",
          parts: [{ functionResponse: { id: "call_1", name: "weather", response: { output: "sun" } } }],
        },
        {
          role: "user",
          parts: [{ functionResponse: { id: "call_2", name: "weather", response: { output: "rain" } } }],
        },
        { role: "model", parts: [{ text: "Both." }] },
        { role: "user", parts: [{ text: "thanks" }] },
      ],
      generationConfig: {
        maxOutputTokens: 100,
        temperature: 0.5,
        topP: 0.9,
        seed: 7,
        thinkingConfig: { thinkingLevel: "LOW" },
        responseMimeType: "application/json",
        responseJsonSchema: {
          ...schemaJson,
          properties: {
            n: { ...schemaJson.properties.n, items: { type: "string", description: "(maxLength 3)" } },
            k: { enum: ["fixed"] },
          },
        },
      },
      tools: [
        {
          functionDeclarations: [
            {
              name: "weather",
              description: "The weather",
              parametersJsonSchema: { type: "object", properties: {} },
            },
          ],
        },
      ],
      toolConfig: { functionCallingConfig: { mode: "ANY" } },
    });
  });

  test("keeps the key out of the URL, and a model's name from being more of it", () => {
    expect(gemini.credentialHeaders("k")).toEqual({ "x-goog-api-key": "k" });
    const { path } = gemini.encodeQuestion(question({ model: "tuned/a?key=b" }));
    expect(path).toBe("/models/tuned/a%3Fkey%3Db:generateContent");
  });
});

describe("Gemini Interactions", () => {
  test("sends every field that it knows, and no other", () => {
    const steps = ["call_1", "call_2"].map((id) => ({
      type: "function_call",
      id,
      name: "weather",
      arguments: { city: "Delphi" },
    }));
    const text = (words: string): unknown => [{ type: "text", text: words }];
    expect(sent(geminiInteractions, { ...full, seed: 7 })).toEqual({
      model: "model-1",
      system_instruction: "Be brief.\n\nBe kind.",
      input: [
        { type: "user_input", content: text("hello") },
        { type: "model_output", content: text("One moment.") },
        ...steps,
        { type: "function_result", call_id: "call_1", name: "weather", result: "sun" },
        { type: "function_result", call_id: "call_2", name: "weather", result: "rain" },
        { type: "model_output", content: text("Both.") },
        { type: "user_input", content: text("thanks") },
      ],
      store: false,
      stream: true,
      response_format: {
        type: "text",
        mime_type: "application/json",
        schema: {
          ...schemaJson,
          properties: {
            n: { ...schemaJson.properties.n, items: { type: "string", description: "(maxLength 3)" } },
            k: { enum: ["fixed"] },
          },
        },
      },
      tools: [
        {
          type: "function",
          name: "weather",
          description: "The weather",
          parameters: { type: "object", properties: {} },
        },
      ],
      generation_config: {
        max_output_tokens: 100,
        temperature: 0.5,
        top_p: 0.9,
        seed: 7,
        thinking_level: "low",
        tool_choice: "any",
      },
    });
  });
});

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

describe("every format", () => {
  const formats = { openaiChat, openaiResponses, anthropicMessages, gemini, geminiInteractions };

  test.for(Object.entries(formats))("%s tells a chosen tool by its name", ([, format]) => {
    const body = fromUtf8(format.encodeQuestion(question({ ...full, toolChoice: { name: "weather" } })).body);
    const choice = JSON.parse(body) as Record<string, unknown>;
    const { tool_choice: plain, toolConfig, generation_config: config } = choice;
    expect(JSON.stringify(plain ?? toolConfig ?? config)).toContain("weather");
  });

  test.for(Object.entries(formats))("%s holds no credential in what it encodes", ([, format]) => {
    const { headers, path } = format.encodeQuestion(question());
    expect(Object.keys(headers).some((name) => /auth|key/iu.test(name))).toBe(false);
    expect(path).not.toContain("key");
  });
});

describe("Gemini's thinking levels", () => {
  const formats = [
    ["gemini", gemini],
    ["gemini-interactions", geminiInteractions],
  ] as const;

  test.for(formats.flatMap(([name, format]) => EFFORTS.map((effort) => [name, effort, format] as const)))(
    "%s asked for %s effort: sent where there is a level of that name, else refused",
    ([, effort, format]) => {
      const encode = (): string => fromUtf8(format.encodeQuestion(question({ effort })).body);
      if (["minimal", "low", "medium", "high"].includes(effort))
        expect(encode().toLowerCase()).toContain(`"${effort}"`);
      else expect(codeOf(encode)).toBe("INPUT_INVALID");
    },
  );
});
