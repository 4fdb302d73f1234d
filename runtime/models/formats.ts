/** The wire formats by the names that a behaviour file and a transcript have for them. */

import type { RecordedFormat } from "../../protocol/agent-events.ts";
import { InputError } from "../../protocol/errors.ts";
import { anthropicMessages } from "./anthropic-messages.ts";
import { geminiInteractions } from "./gemini-interactions.ts";
import { gemini } from "./gemini.ts";
import type { ModelFormat } from "./model-format.ts";
import { createOpenaiChat, DEFAULT_CHAT_DIALECT, type ChatDialect } from "./openai-chat.ts";
import { openaiResponses } from "./openai-responses.ts";

export const FORMAT_NAMES = [
  "openai-chat",
  "openai-responses",
  "anthropic-messages",
  "gemini",
  "gemini-interactions",
] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

/** @param dialect for `openai-chat`, where a server differs from its default */
export function createFormat(name: FormatName, dialect: ChatDialect = DEFAULT_CHAT_DIALECT): ModelFormat {
  switch (name) {
    case "openai-chat":
      return createOpenaiChat(dialect);
    case "openai-responses":
      return openaiResponses;
    case "anthropic-messages":
      return anthropicMessages;
    case "gemini":
      return gemini;
    case "gemini-interactions":
      return geminiInteractions;
  }
}

/** What a reader of a recorded answer has to know of its format. */
export function toRecordedFormat(name: FormatName, dialect: ChatDialect | undefined): RecordedFormat {
  return { name, stripsReasoning: dialect?.reasoningTags === "strip" };
}

/** Reads what `toRecordedFormat` wrote. @throws {InputError} INPUT_INVALID for a format that this version does not know */
export function fromRecordedFormat({ name, stripsReasoning }: RecordedFormat): ModelFormat {
  const known = FORMAT_NAMES.find((candidate) => candidate === name);
  if (known === undefined)
    throw new InputError({ code: "INPUT_INVALID", message: "unknown model format", details: { name } });
  return createFormat(known, { ...DEFAULT_CHAT_DIALECT, reasoningTags: stripsReasoning ? "strip" : "keep" });
}
