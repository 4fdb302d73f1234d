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

const interactions = (id: string, words: readonly string[]): Events => [
  data({ event_type: "interaction.created", interaction: { id, model: "m", status: "in_progress" } }),
  data({ event_type: "step.start", index: 0, step: { type: "model_output", content: [] } }),
  ...words.map((text) => data({ event_type: "step.delta", index: 0, delta: { type: "text", text } })),
  data({ event_type: "step.stop", index: 0 }),
  data({ event_type: "interaction.completed", interaction: { id, model: "m", status: "completed" } }),
];
const INTERACTIONS = [interactions("a", ["Ye", "s"]), interactions("b", ["No, ", "not"])];

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
      return toUtf8(typeof mutated === "string" ? mutated : mutated.join(""));
    },
    run: (input) => {
      const reader = format.createStreamReader();
      const pieces = reader.read(input);
      const { text, stop, toolCalls, refusal } = reader.finish();
      const heard = pieces.map((piece) => (piece.kind === "text" ? piece.text : "")).join("");
      if (heard !== text) throw new Error("a listener heard another text");
      return Promise.resolve({ text, stop, toolCalls, refusal });
    },
  };
}

export const MODEL_STREAM_TARGETS: readonly FuzzTarget[] = [
  streamTarget("openai-chat", createOpenaiChat(DEFAULT_CHAT_DIALECT), CHATS, [
    cut,
    cutInside,
    append,
    repeatLast,
  ]),
  streamTarget("openai-responses", openaiResponses, RESPONSES, [
    cut,
    cutInside,
    append,
    prepend,
    repeatLast,
    splice,
    swap,
    repeat,
    drop,
  ]),
  streamTarget("anthropic-messages", anthropicMessages, MESSAGES, [
    cut,
    cutInside,
    append,
    prepend,
    repeatLast,
  ]),
  streamTarget("gemini", gemini, GEMINIS, [cut, cutInside, append, repeatLast]),
  streamTarget("gemini-interactions", geminiInteractions, INTERACTIONS, [cut, cutInside, append, repeatLast]),
];
