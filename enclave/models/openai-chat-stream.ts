import { z } from "zod";
import { chatStopReason } from "./stop-reasons.ts";
import type { ModelReply, StreamReader } from "./model-format.ts";
import { malformed, parseText, tokenCount, truncated } from "./response-body.ts";

const Chunk = z.object({
  id: z.string().nullish(),
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        index: z.int().nullish(),
        finish_reason: z.string().nullish(),
        delta: z
          .object({
            content: z.string().nullish(),
            refusal: z.string().nullish(),
            tool_calls: z
              .array(
                z.object({
                  index: z.int().min(0).max(255).nullish(),
                  id: z.string().nullish(),
                  function: z
                    .object({ name: z.string().nullish(), arguments: z.string().nullish() })
                    .nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
      }),
    )
    .nullish(),
  usage: z.object({ prompt_tokens: tokenCount, completion_tokens: tokenCount }).nullish(),
});
type Chunk = z.output<typeof Chunk>;
type Choice = NonNullable<Chunk["choices"]>[number];

export function createChatStreamReader(): StreamReader {
  return new ChatStreamReader();
}

class ChatStreamReader implements StreamReader {
  readonly #calls = new Map<number, { id: string | null; name: string; arguments: string }>();
  #id: string | null = null;
  #model: string | null = null;
  #usage: ModelReply["usage"] = null;
  #finish: string | null = null;
  #text = "";
  #refused = false;
  #done = false;

  push = (data: string): string => {
    if (this.#done) throw malformed("the stream goes on after its end");
    if (data === "[DONE]") {
      this.#done = true;
      return "";
    }
    const { id, model, choices, usage } = parseText(Chunk, data);
    this.#id ??= named(id);
    this.#model ??= named(model);
    if (usage) this.#usage = { inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens };
    const choice = choices?.find(({ index }) => (index ?? 0) === 0);
    return choice === undefined ? "" : this.#take(choice);
  };

  #take({ delta, finish_reason: finish }: Choice): string {
    this.#finish ??= finish ?? null;
    if (typeof delta?.refusal === "string") this.#refused = true;
    for (const call of delta?.tool_calls ?? []) this.#takeCall(call);
    const text = delta?.content ?? "";
    this.#text += text;
    return text;
  }

  #takeCall({
    index,
    id,
    function: part,
  }: NonNullable<NonNullable<Choice["delta"]>["tool_calls"]>[number]): void {
    // Some servers count blocks of text among the calls: an index names a call, it does not order them densely.
    const at = index ?? this.#calls.size;
    const call = this.#calls.get(at) ?? { id: id ?? null, name: "", arguments: "" };
    this.#calls.set(at, call);
    call.name ||= part?.name ?? "";
    call.arguments += part?.arguments ?? "";
  }

  finish = (): ModelReply => {
    if (this.#finish === null) throw truncated();
    return {
      returnedModel: this.#model,
      responseId: this.#id,
      usage: this.#usage,
      stop: this.#refused ? "refused" : chatStopReason(this.#finish),
      text: this.#text,
      toolCalls: [...this.#calls.values()],
    };
  };
}

/** Azure's first event names neither. */
function named(text: string | null | undefined): string | null {
  return text === undefined || text === "" ? null : text;
}
