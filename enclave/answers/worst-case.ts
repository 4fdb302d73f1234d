import { toUtf8 } from "../../protocol/bytes.ts";
import type { Model } from "../configuration/behaviour.ts";
import { tokenLimit, type ModelMessage, type ModelQuestion } from "../models/model-format.ts";

/** Tokens that a provider adds around each message and around a whole conversation. */
const TOKENS_AROUND_MESSAGE = 16;

/** Tokens of what providers tell a model about tools in general, before they name ours. */
const TOKENS_AROUND_TOOLS = 1_024;

/** Input tokens that a question can have at most: no tokenizer in use makes more than one token of one byte. */
export function mostInputTokens({ schema, tools, messages }: ModelQuestion): number {
  const schemaTokens = schema === null ? 0 : bytesOf(schema.json);
  const toolTokens = tools.length === 0 ? 0 : bytesOf(tools) + TOKENS_AROUND_TOOLS;
  return messages.reduce(
    (sum, message) => sum + messageBytes(message) + TOKENS_AROUND_MESSAGE,
    schemaTokens + toolTokens + TOKENS_AROUND_MESSAGE,
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
export function worstCasePrice({ price }: Model, question: ModelQuestion): bigint {
  return (
    price.perRequest +
    price.perInputToken * BigInt(mostInputTokens(question)) +
    price.perOutputToken * BigInt(tokenLimit(question))
  );
}
