import { toUtf8 } from "../../protocol/bytes.ts";
import type { Model } from "../configuration/behaviour.ts";
import { isDocument } from "../../runtime/models/media.ts";
import {
  mediaOf,
  tokenLimit,
  type ModelMessage,
  type ModelQuestion,
} from "../../runtime/models/model-format.ts";

/** Tokens that a provider adds around each message and around a whole conversation. */
const TOKENS_AROUND_MESSAGE = 16;

/** Tokens of what providers tell a model about tools in general, before they name ours. */
const TOKENS_AROUND_TOOLS = 1_024;

/** Input tokens that a question can have at most: no tokenizer in use makes more than one token of one byte. */
export function mostInputTokens(
  { schema, tools, messages }: ModelQuestion,
  { media }: Pick<Model, "media">,
): number {
  const mediaTokens = mediaOf(messages).reduce(
    (sum, one) => sum + (isDocument(one) ? media.documentTokens : media.imageTokens),
    0,
  );
  const schemaTokens = schema === null ? 0 : bytesOf(schema.json);
  const toolTokens = tools.length === 0 ? 0 : bytesOf(tools) + TOKENS_AROUND_TOOLS;
  return messages.reduce(
    (sum, message) => sum + messageBytes(message) + TOKENS_AROUND_MESSAGE,
    schemaTokens + toolTokens + mediaTokens + TOKENS_AROUND_MESSAGE,
  );
}

function messageBytes(message: ModelMessage): number {
  const text = toUtf8(message.content).length;
  if (message.role === "tool") return text + bytesOf(message.call);
  return message.role === "assistant"
    ? text + bytesOf(message.toolCalls ?? []) + bytesOf(message.carry ?? null)
    : text;
}

function bytesOf(value: unknown): number {
  return toUtf8(JSON.stringify(value)).length;
}

/** Wei: the most that one exchange can cost by the behaviour file's prices. */
export function worstCasePrice(model: Pick<Model, "price" | "media">, question: ModelQuestion): bigint {
  const { price } = model;
  return (
    price.perRequest +
    price.perInputToken * BigInt(mostInputTokens(question, model)) +
    price.perOutputToken * BigInt(tokenLimit(question))
  );
}
