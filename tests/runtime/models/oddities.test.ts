/** Oddities of real services: what cannot change an answer is taken, what can ends it (docs/reference/models.md). */

import { describe, expect, test } from "vitest";
import { gemini } from "../../../runtime/models/gemini.ts";
import { geminiInteractions } from "../../../runtime/models/gemini-interactions.ts";
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

describe("arguments of a call that are no text", () => {
  test.for([
    ["an object", { x: 1 }, '{"x":1}'],
    ["nothing", null, "{}"],
    ["a text, which stays as it is", '{"x": 1.0}', '{"x": 1.0}'],
  ] as const)("%s", ([, given, expected]) => {
    const message = { tool_calls: [{ id: "a", function: { name: "f", arguments: given } }] };
    const choices = [{ index: 0, finish_reason: "tool_calls", message }];
    expect(whole(chat, { choices }).toolCalls[0]?.arguments).toBe(expected);
  });

  test("come in a stream, and twice are several", () => {
    const piece = delta({
      tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: { x: 1 } } }],
    });
    expect(streamed(chat, [piece, delta({}, "tool_calls")]).toolCalls[0]?.arguments).toBe('{"x":1}');
    expect(codeOf(() => streamed(chat, [piece, piece, delta({}, "tool_calls")]))).toBe(
      "MODEL_RESPONSE_MALFORMED",
    );
  });
});

test("a refusal among the parts of a content is one", () => {
  const content = [{ type: "refusal", refusal: "I cannot." }];
  expect(whole(chat, completion(content, "stop"))).toMatchObject({ stop: "refused", refusal: "I cannot." });
  expect(streamed(chat, [delta({ content }), delta({}, "stop")])).toMatchObject({
    stop: "refused",
    refusal: "I cannot.",
  });
});

test("a response that failed is an outage, whether or not it says why", () => {
  const failed = { status: "failed", output: [] };
  expect(codeOf(() => whole(openaiResponses, failed))).toBe("MODEL_HTTP_ERROR");
  expect(codeOf(() => streamed(openaiResponses, [{ type: "response.failed", response: failed }]))).toBe(
    "MODEL_HTTP_ERROR",
  );
});

test("a byte order mark before a body is no part of it", () => {
  const body = `\ufeff${JSON.stringify(completion("Yes", "stop"))}`;
  expect(chat.parseReply(toUtf8(body)).text).toBe("Yes");
  expect(codeOf(() => chat.parseReply(toUtf8(`\ufeff${body}`)))).toBe("MODEL_RESPONSE_MALFORMED");
});

test("an empty id of a call is none, whole and streamed", () => {
  const call = { id: "", function: { name: "f", arguments: "{}" } };
  const message = { tool_calls: [call, { ...call, id: "a" }] };
  const replies = [
    whole(chat, { choices: [{ index: 0, finish_reason: "tool_calls", message }] }),
    streamed(chat, [
      ...message.tool_calls.map((each, index) => delta({ tool_calls: [{ ...each, index }] })),
      delta({}, "tool_calls"),
    ]),
  ];
  for (const { toolCalls } of replies) expect(toolCalls.map(({ id }) => id)).toEqual([null, "a"]);
});

test("a message without content says nothing", () => {
  const output = [{ type: "message", content: null }];
  expect(whole(openaiResponses, { status: "completed", output })).toMatchObject({ text: "", stop: "other" });
  expect(whole(chat, completion(null, "stop"))).toMatchObject({ text: "", stop: "complete" });
});

test("spaces around the marker of the end are none of it", () => {
  const reader = chat.createStreamReader();
  reader.read(toUtf8(`data: ${JSON.stringify(delta({ content: "Yes" }, "stop"))}\n\ndata:  [DONE] \n\n`));
  expect(reader.finish().text).toBe("Yes");
});

test("a reason to stop counts inside its message alone", () => {
  const reason = { type: "message_delta", delta: { stop_reason: "end_turn" } };
  const start = { type: "message_start", message: { id: "m" } };
  for (const events of [
    [reason, start, { type: "message_stop" }],
    [start, { type: "message_stop" }, reason],
  ])
    expect(codeOf(() => streamed(anthropicMessages, events))).toBe("MODEL_RESPONSE_MALFORMED");
  const usage = { type: "message_delta", delta: {}, usage: { output_tokens: 2 } };
  expect(streamed(anthropicMessages, [start, reason, { type: "message_stop" }, usage]).stop).toBe("complete");
});

describe("an interaction", () => {
  const of = (event_type: string, status: string, id = "i"): object => ({
    event_type,
    interaction: { id, status },
  });
  const step = (event_type: string, more: object = {}): object => ({ event_type, index: 0, ...more });
  const words = [
    step("step.start", { step: { type: "model_output" } }),
    step("step.delta", { delta: { type: "text", text: "Yes" } }),
    step("step.stop"),
  ];
  const begun = of("interaction.created", "in_progress");
  const ended = of("interaction.completed", "completed");

  test("goes on after whatever says that it does, and hears signs of life after its end", () => {
    const events = [
      begun,
      of("interaction.status_update", "in_progress"),
      ...words,
      ended,
      { event_type: "ping" },
    ];
    expect(streamed(geminiInteractions, events)).toMatchObject({ text: "Yes", stop: "complete" });
  });

  test.for([
    ["another one inside of it", [begun, ...words, of("interaction.completed", "completed", "j")]],
    ["a step that ends and never began", [begun, step("step.stop"), ended]],
    ["an event after its end", [begun, ...words, ended, ...words]],
    ["one that never ends", [begun, ...words, of("interaction.completed", "in_progress")]],
  ] as const)("is no reply with %s", ([, events]) => {
    expect(codeOf(() => streamed(geminiInteractions, events))).toMatch(
      /^MODEL_RESPONSE_(?:MALFORMED|TRUNCATED)$/,
    );
  });
});

describe("ids of the chunks of a stream", () => {
  const chunks = (...ids: readonly string[]): readonly object[] =>
    ids.map((id, at) => ({ ...delta({ content: String(at) }, at === ids.length - 1 ? "stop" : null), id }));

  test.for([
    ["one throughout", ["x", "x", "x"], "x"],
    ["one, and none at first", ["", "x", "x"], "x"],
    ["one, and none after it", ["x", "", ""], "x"],
    ["none", ["", "", ""], null],
    ["another for each", ["x", "y", "z"], null],
    ["another for each, and none at first", ["", "x", "y", "z"], null],
  ] as const)("are no reason to lose an answer: %s", ([, ids, responseId]) => {
    expect(streamed(chat, chunks(...ids))).toMatchObject({
      text: ids.map((_, at) => at).join(""),
      stop: "complete",
      responseId,
    });
  });

  test.for([
    ["one that comes back beside another", ["x", "x", "y"]],
    ["one that comes back after another", ["x", "y", "x"]],
    ["one chunk, and several of another response", ["x", "y", "y"]],
    ["one chunk of each", ["x", "y"]],
    ["one id for each of three, and chunks without one", ["x", "", "y", "", "z"]],
  ] as const)("show a splice of two responses: %s", ([, ids]) => {
    expect(codeOf(() => streamed(chat, chunks(...ids)))).toBe("MODEL_RESPONSE_MALFORMED");
  });
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
