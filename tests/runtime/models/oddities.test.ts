/** Oddities of real services: what cannot change an answer is taken, what can ends it (docs/reference/models.md). */

import { describe, expect, test } from "vitest";
import { gemini } from "../../../runtime/models/gemini.ts";
import { anthropicMessages } from "../../../runtime/models/anthropic-messages.ts";
import type { ModelFormat, ModelReply } from "../../../runtime/models/model-format.ts";
import { createOpenaiChat, DEFAULT_CHAT_DIALECT } from "../../../runtime/models/openai-chat.ts";
import { openaiResponses } from "../../../runtime/models/openai-responses.ts";
import { errorOfResponse } from "../../../runtime/models/provider-error.ts";
import { ReasoningFilter, withoutReasoning } from "../../../runtime/models/reasoning-tags.ts";
import { retryAfterMs } from "../../../enclave/models/retry-after.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

const chat = createOpenaiChat(DEFAULT_CHAT_DIALECT);
const thinking = createOpenaiChat({ ...DEFAULT_CHAT_DIALECT, reasoningTags: "strip" });

const whole = (format: ModelFormat, body: unknown): ModelReply =>
  format.parseReply(toUtf8(JSON.stringify(body)));

/** The reply, and the text that a listener heard. */
function streamed(format: ModelFormat, events: readonly unknown[]): ModelReply & { readonly heard: string } {
  const reader = format.createStreamReader();
  const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
  const pieces = reader.read(toUtf8(body));
  const heard = pieces.map((piece) => (piece.kind === "text" ? piece.text : "")).join("");
  return { ...reader.finish(), heard };
}

const completion = (content: unknown, finish_reason: string, more: object = {}): object => ({
  id: "x",
  model: "m",
  choices: [{ index: 0, finish_reason, message: { content } }],
  ...more,
});
const delta = (change: object, finish_reason: string | null = null): object => ({
  id: "x",
  choices: [{ index: 0, delta: change, finish_reason }],
});
const call = (id: string | undefined, name: string | undefined, text: string): object =>
  delta({ tool_calls: [{ index: 0, id, function: { name, arguments: text } }] });

describe("parallel calls under one index", () => {
  test("are told apart by their ids", () => {
    const { toolCalls } = streamed(chat, [
      call("a", "f", '{"x":'),
      call(undefined, undefined, "1}"),
      call("b", "g", '{"y":2}'),
      delta({}, "tool_calls"),
    ]);
    expect(toolCalls).toEqual([
      { id: "a", name: "f", arguments: '{"x":1}' },
      { id: "b", name: "g", arguments: '{"y":2}' },
    ]);
  });

  test("are no reply where nothing tells them apart", () => {
    const events = [call("a", "f", '{"x":1}'), call(undefined, "f", '{"y":2}'), delta({}, "tool_calls")];
    expect(codeOf(() => streamed(chat, events))).toBe("MODEL_RESPONSE_MALFORMED");
    // One bit away: braces and quotes inside one object.
    const one = [call("a", "f", '{"x":"}{"'), call(undefined, undefined, "} "), delta({}, "tool_calls")];
    expect(streamed(chat, one).toolCalls[0]?.arguments).toBe('{"x":"}{"} ');
  });
});

describe("the first final reason", () => {
  test("stands, whatever reason follows", () => {
    expect(streamed(chat, [delta({ content: "Ye" }, "length"), delta({}, "stop")])).toMatchObject({
      stop: "length",
    });
    const candidate = (text: string, finishReason?: string): object => ({
      candidates: [{ content: { parts: [{ text }] }, finishReason }],
    });
    expect(streamed(gemini, [candidate("Ye", "MAX_TOKENS"), candidate("", "STOP")])).toMatchObject({
      stop: "length",
    });
    expect(codeOf(() => streamed(gemini, [candidate("Ye", "STOP"), candidate("s")]))).toBe(
      "MODEL_RESPONSE_MALFORMED",
    );
  });

  test("is followed by no word", () => {
    const events = [delta({ content: "Yes" }, "stop"), delta({ content: " but no" })];
    expect(codeOf(() => streamed(chat, events))).toBe("MODEL_RESPONSE_MALFORMED");
    const message = [
      { type: "message_start", message: { id: "m" } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "Yes" } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn" } },
    ];
    const late = { type: "content_block_start", index: 1, content_block: { type: "text", text: "!" } };
    expect(codeOf(() => streamed(anthropicMessages, [...message, late]))).toBe("MODEL_RESPONSE_MALFORMED");
    expect(streamed(anthropicMessages, [...message, { type: "message_stop" }]).text).toBe("Yes");
  });
});

describe("usage is never a reason to lose an answer", () => {
  test.for([
    ["nothing in it", {}, null],
    ["null counts", { prompt_tokens: 3, completion_tokens: null, total_tokens: 3 }, null],
    ["negative counts", { prompt_tokens: -1, completion_tokens: 1 }, null],
    ["no object", "many", null],
    ["other names", { input_tokens: 3, output_tokens: 1 }, { inputTokens: 3, outputTokens: 1 }],
  ] as const)("with %s", ([, usage, expected]) => {
    expect(whole(chat, completion("Yes", "stop", { usage }))).toMatchObject({ text: "Yes", usage: expected });
    expect(streamed(chat, [delta({ content: "Yes" }, "stop"), { id: "x", usage }])).toMatchObject({
      text: "Yes",
      usage: expected,
    });
    const content = [{ type: "text", text: "Yes" }];
    expect(whole(anthropicMessages, { type: "message", content, stop_reason: "end_turn", usage }).text).toBe(
      "Yes",
    );
    const output = [{ type: "message", content: [{ type: "output_text", text: "Yes" }] }];
    expect(whole(openaiResponses, { status: "completed", output, usage }).text).toBe("Yes");
    const candidates = [{ content: { parts: [{ text: "Yes" }] }, finishReason: "STOP" }];
    expect(whole(gemini, { candidates, usageMetadata: usage }).text).toBe("Yes");
  });
});

describe("a finish reason in other servers' words", () => {
  test.for([
    ["end_turn", "complete"],
    ["eos_token", "complete"],
    ["STOP", "complete"],
    ["model_context_window_exceeded", "length"],
    ["MAX_TOKENS", "length"],
    ["sensitive", "refused"],
    ["tool_use", "toolCalls"],
    ["something new", "other"],
  ] as const)("%s", ([reason, stop]) => {
    expect(whole(chat, completion("Yes", reason)).stop).toBe(stop);
    expect(streamed(chat, [delta({ content: "Yes" }), delta({}, reason)]).stop).toBe(stop);
  });

  test("an error in an event's place is one", () => {
    const error = { object: "error", message: "x", type: "InternalServerError", code: 500 };
    expect(codeOf(() => streamed(chat, [delta({ content: "Ye" }), error]))).toBe("MODEL_HTTP_ERROR");
  });

  test("events with nothing in them are signs of life, also after the end", () => {
    const reader = chat.createStreamReader();
    const events = [delta({ content: "Yes" }), delta({}, "stop")].map(
      (event) => `data: ${JSON.stringify(event)}\n\n`,
    );
    reader.read(toUtf8(["data: \n\n", ...events, "data: [DONE]\n\n", "data:\n\n"].join("")));
    expect(reader.finish().text).toBe("Yes");
  });

  test.for(["insufficient_system_resource", "network_error", "error"] as const)(
    "%s is an outage, which is asked again",
    (reason) => {
      expect(codeOf(() => whole(chat, completion("Ye", reason)))).toBe("MODEL_HTTP_ERROR");
      expect(codeOf(() => streamed(chat, [delta({ content: "Ye" }, reason)]))).toBe("MODEL_HTTP_ERROR");
    },
  );

  test("an error in the choice is one of the response", () => {
    const choices = [{ index: 0, finish_reason: "error", error: { code: 429 }, message: { content: "Ye" } }];
    expect(codeOf(() => whole(chat, { choices }))).toBe("MODEL_RATE_LIMITED");
  });
});

describe("a refusal that comes as an error", () => {
  test.for([
    ["cyber_policy", { error: { code: "cyber_policy" } }],
    ["moderation", { error: { code: "moderation_blocked" } }],
    ["Azure's inner error", { error: { code: null, innererror: { code: "ResponsibleAIPolicyViolation" } } }],
    ["OpenRouter's moderation", { error: { code: 403, metadata: { reasons: ["violence"] } } }],
  ] as const)("by %s", ([, body]) => {
    expect(errorOfResponse(400, toUtf8(JSON.stringify(body))).code).toBe("MODEL_REFUSED");
  });
});

test("Google's wait is in the body", () => {
  const wait = (retryDelay: string): number => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay }];
    return retryAfterMs({ headers: {}, body: toUtf8(JSON.stringify({ error: { code: 429, details } })) });
  };
  expect(wait("34.4s")).toBe(34_400);
  expect(wait("soon")).toBe(0);
  expect(retryAfterMs({ headers: {}, body: toUtf8("<html>") })).toBe(0);
});

describe("oddities that cannot change an answer", () => {
  test("Mistral's stream gives its reasoning as parts", () => {
    const thought = { content: [{ type: "thinking", thinking: [{ type: "text", text: "hm" }] }] };
    const events = [
      delta(thought),
      delta({ content: [{ type: "text", text: "Ye" }] }),
      delta({ content: "s" }),
    ];
    expect(streamed(chat, [...events, delta({}, "stop")])).toMatchObject({ text: "Yes", heard: "Yes" });
  });

  test("the response that ends a stream leaves out the items that were given whole", () => {
    const item = { type: "message", content: [{ type: "output_text", text: "Yes" }] };
    const done = { type: "response.output_item.done", output_index: 0, item };
    const completed = { type: "response.completed", response: { status: "completed", output: [] } };
    const text = { type: "response.output_text.delta", output_index: 0, delta: "Yes" };
    expect(streamed(openaiResponses, [text, done, completed])).toMatchObject({
      text: "Yes",
      stop: "complete",
    });
    expect(codeOf(() => streamed(openaiResponses, [text, done, done, completed]))).toBe(
      "MODEL_RESPONSE_MALFORMED",
    );
  });

  test("a sign of life follows the end", () => {
    const output = [{ type: "message", content: [{ type: "output_text", text: "Yes" }] }];
    const completed = { type: "response.completed", response: { status: "completed", output } };
    expect(streamed(openaiResponses, [completed, { type: "keepalive", sequence_number: 3 }]).text).toBe(
      "Yes",
    );
  });

  test("the choice that counts is not the first of the list", () => {
    const choice = (index: number, content: string): object => ({
      index,
      finish_reason: "stop",
      message: { content },
    });
    expect(whole(chat, { choices: [choice(1, "second"), choice(0, "first")] }).text).toBe("first");
  });
});

test("a stream that goes on with another response is a splice", () => {
  const events = [delta({ content: "Ye" }), { ...delta({ content: "s" }, "stop"), id: "y" }];
  expect(codeOf(() => streamed(chat, events))).toBe("MODEL_RESPONSE_MALFORMED");
});

describe("reasoning in tags", () => {
  test.for([
    ["before the answer", '<think>\nhm</think>\n\n{"a":1}', '{"a":1}'],
    ["begun by the template", "hm</think> Yes", "Yes"],
    ["that never ends", "<think>hm", ""],
    ["none at all", "Yes, 1 < 2", "Yes, 1 < 2"],
    ["named in the answer", "<think>hm</think>Use </think> so", "Use </think> so"],
  ] as const)("%s", ([, content, answer]) => {
    expect(withoutReasoning(content)).toBe(answer);
    expect(whole(thinking, completion(content, "stop")).text).toBe(answer);
    for (const size of [1, 3, 7]) {
      const pieces = content.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
      const events = [...pieces.map((piece) => delta({ content: piece })), delta({}, "stop")];
      expect(streamed(thinking, events)).toMatchObject({ text: answer, heard: answer });
    }
  });

  test("is kept where the dialect says nothing of it", () => {
    expect(whole(chat, completion("<think>hm</think>Yes", "stop")).text).toBe("<think>hm</think>Yes");
    expect(new ReasoningFilter().finish()).toBe("");
  });
});
