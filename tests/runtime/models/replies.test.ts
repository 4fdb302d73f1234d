/** Replies that no recording has: refusals, limits, errors in a 2xx, and bodies that are not what they should be. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anthropicMessages } from "../../../runtime/models/anthropic-messages.ts";
import { PartialArguments } from "../../../runtime/models/gemini-arguments.ts";
import { geminiInteractions } from "../../../runtime/models/gemini-interactions.ts";
import { gemini } from "../../../runtime/models/gemini.ts";
import type { ModelFormat } from "../../../runtime/models/model-format.ts";
import { createOpenaiChat, DEFAULT_CHAT_DIALECT } from "../../../runtime/models/openai-chat.ts";
import { openaiResponses } from "../../../runtime/models/openai-responses.ts";
import { errorOfResponse } from "../../../runtime/models/provider-error.ts";
import { retryAfterMs } from "../../../enclave/models/retry-after.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

const openaiChat = createOpenaiChat(DEFAULT_CHAT_DIALECT);
const FORMATS = { openaiChat, openaiResponses, anthropicMessages, gemini, geminiInteractions };

const parse = (format: ModelFormat, body: unknown) => format.parseReply(toUtf8(JSON.stringify(body)));

const chat = (message: unknown, finish_reason: string) => ({ choices: [{ message, finish_reason }] });
const response = (change: object) => ({ status: "completed", output: [], ...change });
const said = (content: unknown) => [{ type: "message", content: [content] }];
const message = (change: object) => ({ type: "message", content: [], ...change });
const candidate = (text: string, finishReason: string) => ({
  candidates: [{ content: { parts: [{ text }] }, finishReason }],
});

describe("a reply", () => {
  test.for([
    [
      "Chat: a refusal",
      openaiChat,
      chat({ content: null, refusal: "No." }, "stop"),
      { stop: "refused", refusal: "No." },
    ],
    [
      "Chat: an empty refusal is none",
      openaiChat,
      chat({ content: "Yes", refusal: "" }, "stop"),
      { stop: "complete" },
    ],
    ["Chat: a filter", openaiChat, chat({ content: "" }, "content_filter"), { stop: "refused" }],
    ["Chat: its limit", openaiChat, chat({ content: "a" }, "length"), { stop: "length" }],
    ["Chat: an unknown reason", openaiChat, chat({ content: "a" }, "abort"), { stop: "other" }],
    [
      "Chat: Mistral's parts",
      openaiChat,
      chat(
        {
          content: [
            { type: "thinking", text: "x" },
            { type: "text", text: "a" },
          ],
        },
        "stop",
      ),
      { text: "a" },
    ],
    [
      "Responses: a refusal",
      openaiResponses,
      response({ output: said({ type: "refusal", refusal: "No." }) }),
      { stop: "refused", refusal: "No.", text: "" },
    ],
    [
      "Responses: its limit",
      openaiResponses,
      response({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }),
      { stop: "length" },
    ],
    [
      "Responses: a filter",
      openaiResponses,
      response({ status: "incomplete", incomplete_details: { reason: "content_filter" } }),
      { stop: "refused" },
    ],
    [
      "Responses: still at work",
      openaiResponses,
      response({ status: "in_progress", output: said({ type: "output_text", text: "a" }) }),
      { stop: "other" },
    ],
    ["Anthropic: its limit", anthropicMessages, message({ stop_reason: "max_tokens" }), { stop: "length" }],
    [
      "Anthropic: a full context",
      anthropicMessages,
      message({ stop_reason: "model_context_window_exceeded" }),
      { stop: "length" },
    ],
    ["Anthropic: a pause", anthropicMessages, message({ stop_reason: "pause_turn" }), { stop: "other" }],
    [
      "Anthropic: cached input",
      anthropicMessages,
      message({
        usage: {
          input_tokens: 1,
          cache_read_input_tokens: 10,
          cache_creation_input_tokens: 100,
          output_tokens: 2,
        },
      }),
      { usage: { inputTokens: 111, outputTokens: 2 } },
    ],
    [
      "Gemini: a blocked prompt",
      gemini,
      { promptFeedback: { blockReason: "SAFETY" } },
      { stop: "refused", text: "" },
    ],
    ["Gemini: a blocked answer", gemini, candidate("half", "PROHIBITED_CONTENT"), { stop: "refused" }],
    [
      "Gemini: an answer that a filter blocked",
      gemini,
      candidate("half", "MODEL_ARMOR"),
      { stop: "refused" },
    ],
    ["Gemini: its limit", gemini, candidate("half", "MAX_TOKENS"), { stop: "length" }],
    ["Gemini: a call that it got wrong", gemini, candidate("", "MALFORMED_FUNCTION_CALL"), { stop: "other" }],
    [
      "Interactions: an empty budget",
      geminiInteractions,
      { status: "budget_exceeded", steps: [] },
      { stop: "length" },
    ],
    [
      "Interactions: a wait for something else",
      geminiInteractions,
      { status: "requires_action", steps: [] },
      { stop: "other" },
    ],
    [
      "Interactions: still at work",
      geminiInteractions,
      { status: "in_progress", steps: [] },
      { stop: "other" },
    ],
    [
      "Gemini: thoughts, which are no answer",
      gemini,
      {
        candidates: [
          { finishReason: "STOP", content: { parts: [{ text: "hm", thought: true }, { text: "a" }] } },
        ],
      },
      { text: "a" },
    ],
  ] as const)("%s", ([, format, body, expected]) => {
    expect(parse(format, body)).toMatchObject(expected);
  });

  test.for([
    ["Chat: an error with status 200", openaiChat, { error: { code: "server_error" } }, "MODEL_HTTP_ERROR"],
    [
      "Chat: a gateway's error that the same call would meet again",
      openaiChat,
      { error: { code: 404 } },
      "MODEL_REQUEST_REJECTED",
    ],
    ["Chat: a gateway's outage", openaiChat, { error: { code: 502 } }, "MODEL_HTTP_ERROR"],
    [
      "Chat: an error in the body's place",
      openaiChat,
      { object: "error", type: "NotFoundError", code: 404 },
      "MODEL_REQUEST_REJECTED",
    ],
    [
      "Chat: an outage in the body's place",
      openaiChat,
      { object: "error", type: "InternalServerError", code: 500 },
      "MODEL_HTTP_ERROR",
    ],
    ["Chat: no choice", openaiChat, { choices: [] }, "MODEL_RESPONSE_MALFORMED"],
    [
      "Chat: a call without a name",
      openaiChat,
      chat({ tool_calls: [{ id: "a", function: { arguments: "{}" } }] }, "tool_calls"),
      "MODEL_RESPONSE_MALFORMED",
    ],
    [
      "Responses: a failure",
      openaiResponses,
      response({ status: "failed", error: { code: "rate_limit_exceeded" } }),
      "MODEL_RATE_LIMITED",
    ],
    [
      "Responses: a flagged prompt",
      openaiResponses,
      response({ status: "failed", error: { code: "invalid_prompt" } }),
      "MODEL_REFUSED",
    ],
    ["Responses: no output", openaiResponses, { status: "completed" }, "MODEL_RESPONSE_MALFORMED"],
    [
      "Anthropic: an error with status 200",
      anthropicMessages,
      { type: "error", error: { type: "overloaded_error" } },
      "MODEL_RATE_LIMITED",
    ],
    ["Anthropic: another object", anthropicMessages, { type: "completion" }, "MODEL_RESPONSE_MALFORMED"],
    ["Interactions: a failure", geminiInteractions, { status: "failed", steps: [] }, "MODEL_HTTP_ERROR"],
    ["Interactions: no steps", geminiInteractions, { status: "completed" }, "MODEL_RESPONSE_MALFORMED"],
    ["Gemini: nothing", gemini, {}, "MODEL_RESPONSE_MALFORMED"],
    [
      "Gemini: an error with status 200",
      gemini,
      { error: { status: "RESOURCE_EXHAUSTED" } },
      "MODEL_RATE_LIMITED",
    ],
  ] as const)("is none: %s", ([, format, body, code]) => {
    expect(codeOf(() => parse(format, body))).toBe(code);
  });

  test.for(Object.entries(FORMATS))(
    "of %s is refused in bad UTF-8, cut short, or as a web page",
    ([, format]) => {
      for (const body of [
        new Uint8Array([0x7b, 0xff, 0x7d]),
        toUtf8('{"id":'),
        toUtf8("<html>"),
        new Uint8Array(),
      ])
        expect(codeOf(() => format.parseReply(body))).toBe("MODEL_RESPONSE_MALFORMED");
    },
  );

  test.for(Object.entries(FORMATS))(
    "of %s is read or refused with a code, whatever the body holds",
    ([, format]) => {
      const keys = fc.constantFrom(
        "choices",
        "output",
        "content",
        "candidates",
        "type",
        "message",
        "error",
        "delta",
        "parts",
        "usage",
        "response",
        "index",
        "tool_calls",
        "functionCall",
        "status",
      );
      const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
        tree: fc.oneof(
          { depthSize: "small" },
          fc.constantFrom<unknown>(
            null,
            0,
            "",
            "message",
            "response.completed",
            "content_block_start",
            "step.start",
            "step.delta",
            true,
          ),
          fc.array(tie("tree"), { maxLength: 2 }),
          fc.dictionary(keys, tie("tree"), { maxKeys: 4 }),
        ),
      }));
      const codes = /^(?:MODEL_[A-Z_]+|nothing thrown)$/u;
      fc.assert(
        fc.property(tree, (body) => {
          expect(codeOf(() => parse(format, body))).toMatch(codes);
          const stream = toUtf8(`data: ${JSON.stringify(body)}\n\n`.repeat(2));
          const streamed = codeOf(() => {
            const reader = format.createStreamReader();
            reader.read(stream);
            reader.finish();
          });
          expect(streamed).toMatch(codes);
        }),
        { numRuns: 300 },
      );
    },
  );
});

test("a call of a streamed interaction carries what the provider wants back", () => {
  const events = [
    { event_type: "interaction.created", interaction: { id: "v1_a", model: "m", status: "in_progress" } },
    { event_type: "step.start", index: 0, step: { type: "thought" } },
    { event_type: "step.delta", index: 0, delta: { type: "thought_signature", signature: "sig" } },
    { event_type: "step.stop", index: 0 },
    { event_type: "step.start", index: 1, step: { type: "function_call", id: "c1", name: "f" } },
    { event_type: "step.delta", index: 1, delta: { type: "arguments_delta", arguments: '{"a":' } },
    { event_type: "step.delta", index: 1, delta: { type: "arguments_delta", arguments: "1}" } },
    { event_type: "step.stop", index: 1 },
    {
      event_type: "interaction.completed",
      interaction: { id: "v1_a", model: "m", status: "requires_action" },
    },
  ];
  const body = toUtf8(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""));
  const reader = geminiInteractions.createStreamReader();
  expect(reader.read(body)).toEqual([
    { kind: "toolCall", index: 0, id: "c1", name: "f" },
    { kind: "toolArguments", index: 0, text: '{"a":' },
    { kind: "toolArguments", index: 0, text: "1}" },
  ]);
  expect(reader.finish()).toMatchObject({
    stop: "toolCalls",
    toolCalls: [{ id: "c1", name: "f", arguments: '{"a":1}' }],
    carry: [
      { type: "thought", signature: "sig" },
      { type: "function_call", id: "c1", name: "f", arguments: { a: 1 } },
    ],
  });
});

describe("an error of a provider", () => {
  test.for([
    ["a redirect", 307, "", "MODEL_REDIRECTED", false],
    ["a rate limit", 429, '{"error":{"type":"rate_limit_error"}}', "MODEL_RATE_LIMITED", true],
    ["Anthropic's overload", 529, "{}", "MODEL_RATE_LIMITED", true],
    [
      "an empty account, told as a rate limit",
      429,
      '{"error":{"code":"insufficient_quota"}}',
      "MODEL_REQUEST_REJECTED",
      false,
    ],
    ["a server's failure", 503, "<html>", "MODEL_HTTP_ERROR", true],
    ["a conflict that passes", 409, "{}", "MODEL_HTTP_ERROR", true],
    ["a wrong key", 401, '{"error":{"type":"authentication_error"}}', "MODEL_REQUEST_REJECTED", false],
    ["Azure's filter", 400, '{"error":{"code":"content_filter"}}', "MODEL_REFUSED", false],
    [
      "Gemini's error in a list",
      429,
      '[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]',
      "MODEL_RATE_LIMITED",
      true,
    ],
    ["Ollama's error, a string", 404, '{"error":"model not found"}', "MODEL_REQUEST_REJECTED", false],
    ["an error of no form", 500, '{"error":{"type":{"a":1}}}', "MODEL_HTTP_ERROR", true],
  ] as const)("is known for what it is: %s", ([, status, body, code, retryable]) => {
    expect(errorOfResponse(status, toUtf8(body))).toMatchObject({ code, retryable });
  });

  test("never carries words that could be a prompt", () => {
    const body = {
      error: {
        message: "the prompt was: my secret",
        code: "my secret plan!",
        type: "x".repeat(65),
        param: "messages[0].content",
      },
    };
    const { details } = errorOfResponse(400, toUtf8(JSON.stringify(body)));
    expect(details).toEqual({ status: 400, provider_param: "messages[0].content" });
  });

  test.for([
    ["seconds", { "retry-after": "7" }, 7_000],
    ["milliseconds", { "retry-after-ms": "250", "retry-after": "1" }, 250],
    [
      "a date, against the response's own",
      { "retry-after": "Sun, 22 Nov 2026 00:00:30 GMT", date: "Sun, 22 Nov 2026 00:00:00 GMT" },
      30_000,
    ],
    [
      "a date that has passed",
      { "retry-after": "Sun, 22 Nov 2026 00:00:00 GMT", date: "Sun, 22 Nov 2026 00:00:30 GMT" },
      0,
    ],
    ["a date against none", { "retry-after": "Sun, 22 Nov 2026 00:00:30 GMT" }, 0],
    ["nothing", {}, 0],
    ["nonsense", { "retry-after": "soon" }, 0],
    ["a negative number", { "retry-after": "-5" }, 0],
  ] as const)("says when to come back in %s", ([, headers, ms]) => {
    expect(retryAfterMs({ headers: { ...headers } })).toBe(ms);
  });
});

describe("arguments that come value by value", () => {
  const built = (...steps: readonly (readonly [string, string | number | boolean | null])[]): unknown => {
    const args = new PartialArguments({});
    for (const [jsonPath, value] of steps) {
      args.add({
        jsonPath,
        ...(typeof value === "string" ? { stringValue: value } : {}),
        ...(typeof value === "number" ? { numberValue: value } : {}),
        ...(typeof value === "boolean" ? { boolValue: value } : {}),
      });
    }
    return JSON.parse(JSON.stringify(args.value));
  };

  test("are put together, strings in pieces", () => {
    expect(
      built(["$.a", "x"], ["$.a", "y"], ["$.b[0].c", 1], ["$.b[1].c", false], ["$['odd name']", null]),
    ).toEqual({
      a: "xy",
      b: [{ c: 1 }, { c: false }],
      "odd name": null,
    });
  });

  test("may be called anything, and change nothing else", () => {
    expect(built(["$.__proto__.polluted", "x"])).toEqual(JSON.parse('{"__proto__":{"polluted":"x"}}'));
    expect(Object.prototype).not.toHaveProperty("polluted");
  });

  test.for([
    ["an enormous list", "$.a[999999]"],
    ["no root", "a.b"],
    ["a path that stops in a step", "$.a["],
    ["only the root", "$"],
    ["steps without end", `$${".a".repeat(65)}`],
  ] as const)("are refused with %s", ([, path]) => {
    expect(codeOf(() => built([path, 1]))).toBe("MODEL_RESPONSE_MALFORMED");
  });

  test("are refused where a value would contain another", () => {
    expect(codeOf(() => built(["$.a", 1], ["$.a.b", 2]))).toBe("MODEL_RESPONSE_MALFORMED");
  });
});
