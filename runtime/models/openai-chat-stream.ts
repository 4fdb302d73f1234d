/** The stream of Chat Completions: https://platform.openai.com/docs/api-reference/chat-streaming */

import * as z from "zod";
import { createJsonStreamReader } from "./json-stream-reader.ts";
import type { ModelReply, ReplyPiece, StreamReader } from "./model-format.ts";
import {
  CallArguments,
  CallId,
  ChatContent,
  ChatUsage,
  refusalIn,
  stopReason,
  throwError,
  throwOutage,
} from "./openai-chat-reply.ts";
import { errorInBody } from "./provider-error.ts";
import type { ReasoningFilter } from "./reasoning-tags.ts";
import { ReplyBuilder } from "./reply-builder.ts";
import { anyJson, malformed, readAs, truncated } from "./response-body.ts";

const CallDelta = z.object({
  index: z.int().min(0).nullish(),
  id: CallId,
  function: z.object({ name: z.string().nullish(), arguments: CallArguments }).nullish(),
});

const Chunk = z.object({
  object: anyJson.nullish(),
  code: anyJson.nullish(),
  type: anyJson.nullish(),
  error: anyJson.nullish(),
  id: z.string().nullish(),
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        index: z.int().nullish(),
        finish_reason: z.string().nullish(),
        error: anyJson.nullish(),
        delta: z
          .object({
            content: ChatContent.nullish(),
            refusal: z.string().nullish(),
            tool_calls: z.array(CallDelta).nullish(),
          })
          .nullish(),
      }),
    )
    .nullish(),
  usage: ChatUsage,
});

/** @param filter takes the reasoning out of the content; null where none is in it */
export function createChatStreamReader(filter: ReasoningFilter | null = null): StreamReader {
  const reply = new ReplyBuilder();
  const keys = new CallKeys();
  const ids = new ChunkIds();
  const choiceOf = new ChoiceNumbers();
  let finishReason: string | null = null;
  return createJsonStreamReader({
    onEvent: (event) => {
      const { error, id, model, choices, usage, ...rest } = readAs(Chunk, event);
      throwError(error ?? null, rest);
      ids.see(id ?? "");
      reply.identify({ returnedModel: model });
      if (usage !== undefined && usage !== null) reply.usage = usage;
      const choice = choiceOf.pick(choices ?? []);
      if (choice?.error !== undefined && choice.error !== null) throw errorInBody(choice.error);
      throwOutage(choice?.finish_reason ?? null);
      const { content, refusal, tool_calls: calls } = choice?.delta ?? {};
      const isEnd = finishReason === null && (choice?.finish_reason ?? "") !== "";
      const said = content?.text ?? "";
      // A word of reasoning is one, too.
      const isLate = finishReason !== null && said !== "";
      const text = filter === null ? said : filter.push(said) + (isEnd ? filter.finish() : "");
      const pieces = [
        ...reply.addText(text),
        ...reply.addRefusal(refusalIn({ refusal, content })),
        ...(calls ?? []).flatMap((call) => addCall(reply, keys, call)),
      ];
      // The first reason stands: one that follows it, or a word, would make a whole answer of a truncated one.
      if (isLate || (finishReason !== null && pieces.length > 0))
        throw malformed("a word follows the finish_reason");
      // Some servers say "" for a reason that is still to come.
      if (isEnd) finishReason = choice?.finish_reason ?? null;
      return pieces;
    },
    finish: (): ModelReply => {
      if (finishReason === null) throw truncated("the stream ended before its finish_reason");
      reply.identify({ responseId: ids.common() });
      return reply.build((refusal) => stopReason(finishReason, refusal ?? ""));
    },
  });
}

/**
 * One id throughout, as documented, or one for each chunk, as some gateways and older servers do (BerriAI/litellm#14429,
 * ggml-org/llama.cpp#5876): an id changes no answer. A splice of answers shows by an id that comes back beside another, or by chunks
 * that have none after the first that has one. Where each answer has one chunk, none comes back: two ids of two chunks are taken for
 * such a splice.
 */
class ChunkIds {
  readonly #seen = new Set<string>();
  /** The chunks are of one response, by an id that comes back or that later ones do without. */
  #isShared = false;

  /** @param id empty for none. @throws {UpstreamError} MODEL_RESPONSE_MALFORMED */
  see(id: string): void {
    if (id === "" ? this.#seen.size > 0 : this.#seen.has(id)) this.#isShared = true;
    if (id !== "") this.#seen.add(id);
    if (this.#isShared && this.#seen.size > 1) throw malformed("the stream goes on with another response");
  }

  /** The response's; null where each chunk has its own. @throws {UpstreamError} MODEL_RESPONSE_MALFORMED */
  common(): string | null {
    if (this.#seen.size === 2) throw malformed("the stream has chunks of two responses");
    const [id = null] = this.#seen;
    return this.#seen.size === 1 ? id : null;
  }
}

/**
 * One choice is asked for, and its index is 0. Some servers count their chunks there (microsoft/foundry-local#263): one choice in each,
 * from 0 without a gap. The second chunk tells which it is; where they are counted, one that is missing, twice or out of order shows.
 */
class ChoiceNumbers {
  #chunks = 0;
  #means: "unknown" | "choice" | "chunk" = "unknown";

  /** The choice that counts; undefined where there is none. @throws {UpstreamError} MODEL_RESPONSE_MALFORMED */
  pick<Choice extends { readonly index?: number | null | undefined }>(
    choices: readonly Choice[],
  ): Choice | undefined {
    const [first] = choices;
    if (first === undefined) return undefined;
    const isNext = choices.length === 1 && (first.index ?? 0) === this.#chunks;
    if (this.#means === "unknown" && !isNext) this.#means = "choice";
    else if (this.#means === "unknown" && this.#chunks > 0) this.#means = "chunk";
    this.#chunks += 1;
    if (this.#means !== "chunk") return choices.find(({ index }) => (index ?? 0) === 0);
    if (!isNext) throw malformed("a chunk of the stream is missing, or out of order");
    return first;
  }
}

/**
 * Which call a piece belongs to. An index names it, unless another id comes under the same one: Gemini's compatible API numbers
 * all of several calls 0. Without an index, a piece that has an id begins a call, and one that has none goes on with the last.
 */
class CallKeys {
  /** By index: the call that is being written there. */
  readonly #current = new Map<number, { readonly key: string; readonly id: string | null }>();
  #count = 0;

  of({ index, id }: z.output<typeof CallDelta>, last: number | string): number | string {
    if (index === undefined || index === null) return id === null ? last : `call ${id}`;
    const current = this.#current.get(index);
    if (current !== undefined && (id === null || current.id === null || id === current.id)) {
      if (current.id === null && id !== null) this.#current.set(index, { key: current.key, id });
      return current.key;
    }
    const key = `index ${index}, call ${this.#count}`;
    this.#count += 1;
    this.#current.set(index, { key, id });
    return key;
  }
}

function addCall(
  reply: ReplyBuilder,
  keys: CallKeys,
  call: z.output<typeof CallDelta>,
): readonly ReplyPiece[] {
  const key = keys.of(call, reply.lastCall);
  return [
    ...reply.beginCall(key, { id: call.id, name: call.function?.name ?? "" }),
    ...reply.addArguments(key, call.function?.arguments ?? ""),
  ];
}
