/** A question with everything that a format knows, and what is sent of it. */

import {
  type ModelFormat,
  type ModelMessage,
  type ModelQuestion,
} from "../../../../runtime/models/model-format.ts";
import { createOpenaiChat, DEFAULT_CHAT_DIALECT } from "../../../../runtime/models/openai-chat.ts";
import { fromUtf8 } from "../../../../protocol/bytes.ts";
import { question } from "../../../enclave/support/questions.ts";

export const openaiChat = createOpenaiChat(DEFAULT_CHAT_DIALECT);
/** As OpenAI's own newer models have it. */
export const openaiDialect = createOpenaiChat({ tokenLimit: "max_completion_tokens", sendsStore: true });

export const sent = (format: ModelFormat, change: Partial<ModelQuestion>): unknown =>
  JSON.parse(fromUtf8(format.encodeQuestion(question(change)).body));

export const call = { id: "call_1", name: "weather", arguments: '{"city":"Delphi"}' };

const conversation: readonly ModelMessage[] = [
  { role: "system", content: "Be brief." },
  { role: "system", content: "Be kind." },
  { role: "user", content: "hello" },
  { role: "assistant", content: "One moment.", toolCalls: [call, { ...call, id: "call_2" }] },
  { role: "tool", call, content: "sun" },
  { role: "tool", call: { ...call, id: "call_2" }, content: "rain" },
  { role: "assistant", content: "Both." },
  { role: "user", content: "thanks" },
];

export const schemaJson = {
  type: "object",
  properties: {
    n: { type: "array", items: { type: "string", maxLength: 3 }, minItems: 2, maxItems: 2 },
    k: { const: "fixed" },
  },
  required: ["n", "k"],
  additionalProperties: false,
} as const;

export const full: Partial<ModelQuestion> = {
  messages: conversation,
  temperature: 0.5,
  topP: 0.9,
  effort: "low",
  schema: { json: schemaJson, strict: true },
  tools: [{ name: "weather", description: "The weather", parameters: { type: "object", properties: {} } }],
  toolChoice: "required",
  stream: true,
};
