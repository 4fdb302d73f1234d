import { toUtf8 } from "../../protocol/bytes.ts";
import type { Model } from "../configuration/behaviour.ts";
import type { ModelQuestion } from "../models/model-format.ts";

/** Tokens that a provider adds around each message and around a whole conversation. */
const TOKENS_AROUND_MESSAGE = 16;

/** Input tokens that a question can have at most: no tokenizer in use makes more than one token of one byte. */
export function mostInputTokens(question: ModelQuestion): number {
  const schema = question.schema === null ? 0 : toUtf8(JSON.stringify(question.schema.json)).length;
  return question.messages.reduce(
    (sum, message) => sum + toUtf8(message.content).length + TOKENS_AROUND_MESSAGE,
    schema + TOKENS_AROUND_MESSAGE,
  );
}

/** Wei: the most that one exchange can cost by the behaviour file's prices. */
export function worstCasePrice({ price }: Model, question: ModelQuestion): bigint {
  return (
    price.perRequest +
    price.perInputToken * BigInt(mostInputTokens(question)) +
    price.perOutputToken * BigInt(question.maxOutputTokens)
  );
}
