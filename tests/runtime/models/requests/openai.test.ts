/** What OpenAI's formats send, to the last field: whatever is not in these bodies is never sent. */

import type OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { EFFORTS, type ModelMessage } from "../../../../runtime/models/model-format.ts";
import { openaiResponses } from "../../../../runtime/models/openai-responses.ts";
import { createOpenaiChat } from "../../../../runtime/models/openai-chat.ts";
import { call, full, openaiChat, openaiDialect, schemaJson, sent } from "../support/full-question.ts";

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
