/**
 * Streams of model APIs, cut, repeated, spliced and put in another order, event by event. What a format gives no means to see is
 * left out: in Chat Completions, Gemini and Anthropic a word that changed its place within the text, or came twice, is another
 * text, and only TLS and the provider keep the order.
 */

import { anthropicMessages } from "../../runtime/models/anthropic-messages.ts";
import { geminiInteractions } from "../../runtime/models/gemini-interactions.ts";
import { gemini } from "../../runtime/models/gemini.ts";
import type { ModelFormat } from "../../runtime/models/model-format.ts";
import { createOpenaiChat, DEFAULT_CHAT_DIALECT } from "../../runtime/models/openai-chat.ts";
import { openaiResponses } from "../../runtime/models/openai-responses.ts";
import { fromUtf8, toUtf8 } from "../../protocol/bytes.ts";
import type { Random } from "./mutation.ts";
import type { FuzzTarget } from "./target.ts";

type Events = readonly string[];

const data = (event: unknown): string => `data: ${JSON.stringify(event)}\n\n`;
const DONE = "data: [DONE]\n\n";

/** Two answers of each kind: a text, and a call of a tool; two texts to splice. */
const chat = (id: string, deltas: readonly unknown[], reason: string): Events => [
  ...deltas.map((delta) => data({ id, model: "m", choices: [{ index: 0, delta, finish_reason: null }] })),
  data({ id, model: "m", choices: [{ index: 0, delta: {}, finish_reason: reason }] }),
  data({ id, model: "m", choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } }),
  DONE,
];
const CHATS = [
  chat("a", [{ role: "assistant", content: "" }, { content: "Ye" }, { content: "s" }], "stop"),
  chat("b", [{ content: "No, " }, { content: "not at " }, { content: "all" }], "length"),
  chat(
    "c",
    [
      { tool_calls: [{ index: 0, id: "x", function: { name: "f", arguments: '{"x":' } }] },
      { tool_calls: [{ index: 0, function: { arguments: "1}" } }] },
      { tool_calls: [{ index: 0, id: "y", function: { name: "g", arguments: '{"y":2}' } }] },
    ],
    "tool_calls",
  ),
];

/** As of servers that give each chunk an id of its own. */
const withChunkIds = (events: Events, name: string): Events =>
  events.map((event, at) => event.replace(/"id":"[abc]"/, `"id":"${name}${at}"`));
const CHATS_OF_CHUNKS = CHATS.map((events, at) => withChunkIds(events, `chunk${at}-`));

/** As of servers that count their chunks where the number of the choice belongs: of these a lost or a moved one is seen, too. */
const CHATS_OF_NUMBERS = CHATS.map((events) =>
  events.map((event, at) => event.replace(/"index":0,"delta"/, `"index":${at},"delta"`)),
);

const responses = (id: string, words: readonly string[]): Events => {
  const item = { type: "message", id: `i${id}`, content: [{ type: "output_text", text: words.join("") }] };
  const response = {
    id,
    model: "m",
    status: "completed",
    output: [item],
    usage: { input_tokens: 3, output_tokens: 2 },
  };
  return [
    data({ type: "response.created", response: { id, model: "m", output: [] } }),
    data({ type: "response.output_item.added", output_index: 0, item: { ...item, content: [] } }),
    ...words.map((delta) => data({ type: "response.output_text.delta", output_index: 0, delta })),
    data({ type: "response.output_item.done", output_index: 0, item }),
    data({ type: "response.completed", response }),
  ];
};
const RESPONSES = [responses("a", ["Ye", "s"]), responses("b", ["No, ", "not at ", "all"])];

const messages = (id: string, words: readonly string[], reason: string): Events => [
  data({ type: "message_start", message: { id, model: "m", usage: { input_tokens: 3, output_tokens: 1 } } }),
  data({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
  ...words.map((text) =>
    data({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
  ),
  data({ type: "content_block_stop", index: 0 }),
  data({ type: "message_delta", delta: { stop_reason: reason }, usage: { output_tokens: 2 } }),
  data({ type: "message_stop" }),
];
const MESSAGES = [messages("a", ["Ye", "s"], "end_turn"), messages("b", ["No, ", "not"], "max_tokens")];

const geminis = (responseId: string, words: readonly string[], reason: string): Events =>
  words.map((text, at) =>
    data({
      responseId,
      modelVersion: "m",
      candidates: [
        { content: { parts: [{ text }] }, ...(at === words.length - 1 ? { finishReason: reason } : {}) },
      ],
      usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2 },
    }),
  );
const GEMINIS = [geminis("a", ["Ye", "s"], "STOP"), geminis("b", ["No, ", "not", ""], "MAX_TOKENS")];

const interaction = (event_type: string, id: string, status: string): string =>
  data({ event_type, interaction: { id, model: "m", status } });
const interactions = (id: string, words: readonly string[]): Events => [
  interaction("interaction.created", id, "in_progress"),
  data({ event_type: "step.start", index: 0, step: { type: "thought" } }),
  data({ event_type: "step.delta", index: 0, delta: { type: "thought_signature", signature: "s" } }),
  data({ event_type: "step.stop", index: 0 }),
  data({ event_type: "step.start", index: 1, step: { type: "model_output" } }),
  ...words.map((text) => data({ event_type: "step.delta", index: 1, delta: { type: "text", text } })),
  data({ event_type: "step.stop", index: 1 }),
  interaction("interaction.completed", id, "completed"),
];
const INTERACTIONS = [
  interactions("a", ["Ye", "s"]),
  interactions("b", ["No, ", "not"]),
  [
    interaction("interaction.created", "c", "in_progress"),
    data({ event_type: "step.start", index: 0, step: { type: "function_call", id: "x", name: "f" } }),
    ...['{"x":', "1}"].map((text) =>
      data({ event_type: "step.delta", index: 0, delta: { type: "arguments_delta", arguments: text } }),
    ),
    data({ event_type: "step.stop", index: 0 }),
    interaction("interaction.completed", "c", "requires_action"),
  ],
];

/** One event in the place of a stream's text carries a piece of it: only formats that repeat the whole see it move. */
type Mutator = (events: Events, others: readonly Events[], random: Random) => Events | string;

const cut: Mutator = (events, _others, random) => events.slice(0, random(events.length));
const cutInside: Mutator = (events, _others, random) => {
  const text = events.join("");
  return text.slice(0, random(text.length));
};
const append: Mutator = (events, others, random) => [...events, ...others[random(others.length)]!];
const prepend: Mutator = (events, others, random) => {
  const other = others[random(others.length)]!;
  return [...other.slice(0, random(other.length)), ...events];
};
const repeatLast: Mutator = (events, _others, random) => [...events, ...events.slice(-1 - random(2))];
const splice: Mutator = (events, others, random) => {
  const other = others[random(others.length)]!;
  return [...events.slice(0, random(events.length)), ...other.slice(random(other.length))];
};
/** Something of one stream, and then something of another's end: where the id of each response is in all of its events. */
const join: Mutator = (events, others, random) => {
  const other = others[random(others.length)]!;
  return [...events.slice(0, 1 + random(events.length)), ...other.slice(random(other.length))];
};
const swap: Mutator = (events, _others, random) => {
  const [a, b] = [random(events.length), random(events.length)];
  const moved = [...events];
  [moved[a], moved[b]] = [moved[b]!, moved[a]!];
  return moved;
};
const repeat: Mutator = (events, _others, random) => {
  const at = random(events.length);
  return [...events.slice(0, at), events[at]!, ...events.slice(at)];
};
const drop: Mutator = (events, _others, random) => {
  const at = random(events.length);
  return events.filter((_, index) => index !== at);
};

/** Events that tell of an interaction, and change nothing of it. */
const signOfLife: Mutator = (events, _others, random) => {
  const at = random(events.length + 1);
  const sign = [
    { event_type: "interaction.status_update", interaction_id: "a", status: "in_progress" },
    { event_type: "interaction.status_update", interaction: { status: "in_progress" } },
    { event_type: "ping" },
  ][random(3)];
  return [...events.slice(0, at), data(sign), ...events.slice(at)];
};
/** The end of the interaction ends its steps, too. */
const unstop: Mutator = (events) => events.filter((event) => !event.includes("step.stop"));

/** As it was: what is dressed otherwise is the same answer still. */
const keep: Mutator = (events) => events;

/** The same events in other clothes: what the standard of event streams allows, and servers do. */
type Dress = (text: string, random: Random) => string;

/** Before an event, here and there. */
const between =
  (...signs: readonly string[]): Dress =>
  (text, random) =>
    text.replaceAll(/^data:/gm, (data) =>
      random(3) === 0 ? `${signs[random(signs.length)]!}${data}` : data,
    );
const DRESSES: readonly Dress[] = [
  (text) => text,
  (text) => text.replaceAll("\n", "\r\n"),
  (text) => text.replaceAll("\n", "\r"),
  (text) => `\ufeff${text}`,
  (text) => `${text}${DONE}`,
  (text) => text.replaceAll(/^data: /gm, "data:"),
  between(": keep-alive\n", ": keep-alive\n\n", "\n\n"),
  between("data:\n\n", "data: \n\n"),
  between("event: message\n", "id: 7\n", "retry: 5\n", "unknown\n"),
];

/** Bytes that arrive together: of no character, line or event need they be all. */
function inPieces(input: Uint8Array): readonly Uint8Array[] {
  const size = 1 + (input.length % 61);
  return Array.from({ length: Math.ceil(input.length / size) }, (_, at) =>
    input.subarray(at * size, (at + 1) * size),
  );
}

function streamTarget(
  name: string,
  format: ModelFormat,
  streams: readonly Events[],
  mutators: readonly Mutator[],
): FuzzTarget {
  return {
    kind: `model-streams/${name}`,
    seeds: () => Promise.resolve(streams.map((events) => toUtf8(events.join("")))),
    mutate: (genuine, random) => {
      const text = fromUtf8(genuine);
      const events = streams.find((stream) => stream.join("") === text) ?? [];
      const others = streams.filter((stream) => stream !== events);
      const mutated = mutators[random(mutators.length)]!(events, others, random);
      const plain = typeof mutated === "string" ? mutated : mutated.join("");
      return toUtf8(DRESSES[random(DRESSES.length)]!(plain, random));
    },
    run: (input) => {
      const reader = format.createStreamReader();
      const pieces = inPieces(input).flatMap((piece) => reader.read(piece));
      const { text, stop, toolCalls, refusal } = reader.finish();
      const heard = pieces.map((piece) => (piece.kind === "text" ? piece.text : "")).join("");
      if (heard !== text) throw new Error("a listener heard another text");
      return Promise.resolve({ text, stop, toolCalls, refusal });
    },
  };
}

/** What every format shows: what is missing, what comes too late, and what is only dressed otherwise. */
const SEEN_BY_ALL = [keep, cut, cutInside, append, repeatLast] as const;

export const MODEL_STREAM_TARGETS: readonly FuzzTarget[] = [
  streamTarget("openai-chat", createOpenaiChat(DEFAULT_CHAT_DIALECT), CHATS, [...SEEN_BY_ALL, join]),
  streamTarget(
    "openai-chat-of-chunk-ids",
    createOpenaiChat(DEFAULT_CHAT_DIALECT),
    CHATS_OF_CHUNKS,
    SEEN_BY_ALL,
  ),
  streamTarget("openai-chat-of-chunk-numbers", createOpenaiChat(DEFAULT_CHAT_DIALECT), CHATS_OF_NUMBERS, [
    ...SEEN_BY_ALL,
    join,
    splice,
    swap,
    repeat,
    drop,
  ]),
  streamTarget("openai-responses", openaiResponses, RESPONSES, [
    ...SEEN_BY_ALL,
    prepend,
    splice,
    swap,
    repeat,
    drop,
  ]),
  streamTarget("anthropic-messages", anthropicMessages, MESSAGES, [...SEEN_BY_ALL, prepend]),
  streamTarget("gemini", gemini, GEMINIS, SEEN_BY_ALL),
  streamTarget("gemini-interactions", geminiInteractions, INTERACTIONS, [
    ...SEEN_BY_ALL,
    prepend,
    signOfLife,
    unstop,
  ]),
];
