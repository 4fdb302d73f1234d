/** The stream of Chat Completions: https://platform.openai.com/docs/api-reference/chat-streaming */

import { z } from "zod";
import { createJsonStreamReader } from "./json-stream-reader.ts";
import type { ModelReply, ReplyPiece, StreamReader } from "./model-format.ts";
import { ChatUsage, stopReason } from "./openai-chat-reply.ts";
import { errorInBody } from "./provider-error.ts";
import { ReplyBuilder } from "./reply-builder.ts";
import { anyJson, readAs, truncated } from "./response-body.ts";

const CallDelta = z.object({
  index: z.int().min(0).nullish(),
  id: z.string().nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
});

const Chunk = z.object({
  error: anyJson.nullish(),
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
            tool_calls: z.array(CallDelta).nullish(),
          })
          .nullish(),
      }),
    )
    .nullish(),
  usage: ChatUsage.nullish(),
});

export function createChatStreamReader(): StreamReader {
  const reply = new ReplyBuilder();
  let finishReason: string | null = null;
  return createJsonStreamReader({
    onEvent: (event) => {
      const { error, id, model, choices, usage } = readAs(Chunk, event);
      if (error !== undefined && error !== null) throw errorInBody(error);
      reply.identify({ responseId: id, returnedModel: model });
      if (usage !== undefined && usage !== null) reply.usage = usage;
      const choice = choices?.find(({ index }) => (index ?? 0) === 0);
      // Some servers say "" for a reason that is still to come.
      if (typeof choice?.finish_reason === "string" && choice.finish_reason !== "") {
        finishReason = choice.finish_reason;
      }
      const { content, refusal, tool_calls: calls } = choice?.delta ?? {};
      return [
        ...reply.addText(content ?? ""),
        ...reply.addRefusal(refusal ?? ""),
        ...(calls ?? []).flatMap((call) => addCall(reply, call)),
      ];
    },
    finish: (): ModelReply => {
      if (finishReason === null) throw truncated("the stream ended before its finish_reason");
      return reply.build((refusal) => stopReason(finishReason, refusal));
    },
  });
}

/** Without an index, a piece that has an id begins a call, and one that has none goes on with the last. */
function addCall(reply: ReplyBuilder, call: z.output<typeof CallDelta>): readonly ReplyPiece[] {
  const { index, id, function: said } = call;
  const key = index ?? (id === undefined || id === null ? reply.lastCall : `call ${id}`);
  return [
    ...reply.beginCall(key, { id: id ?? null, name: said?.name ?? "" }),
    ...reply.addArguments(key, said?.arguments ?? ""),
  ];
}
