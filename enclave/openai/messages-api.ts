import { parseMessagesCall, toMessagesQuestion, type MessagesCall } from "./messages-call.ts";
import { createMessagesWriter } from "./messages-reply.ts";
import type { OpenaiApi } from "./openai-api.ts";

/** `POST /v1/messages` */
export const messagesApi: OpenaiApi<MessagesCall> = {
  parse: parseMessagesCall,
  toQuestion: toMessagesQuestion,
  createWriter: createMessagesWriter,
  streamEnd: "",
};
