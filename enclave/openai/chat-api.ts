import { toErrorReply } from "../api/error-reply.ts";
import { parseChatCall, toModelQuestion, type ChatCall } from "./chat-call.ts";
import { firstChunk, lastChunks, textChunk, toCompletion } from "./chat-reply.ts";
import type { OpenaiApi } from "./openai-api.ts";

/** `POST /v1/chat/completions` */
export const chatApi: OpenaiApi<ChatCall> = {
  parse: parseChatCall,
  toQuestion: toModelQuestion,
  createWriter: (head, call) => ({
    whole: (reply) => toCompletion(head, reply),
    begin: () => [{ data: firstChunk(head) }],
    text: (text) => [{ data: textChunk(head, text) }],
    end: (reply) =>
      lastChunks(head, reply, call.stream_options?.include_usage ?? false).map((data) => ({ data })),
    fail: (error) => [{ data: toErrorReply(error) }],
  }),
  streamEnd: "data: [DONE]\n\n",
};
