import { InputError } from "../../protocol/errors.ts";
import type { Effort, ModelQuestion } from "./model-format.ts";

const LEVELS: ReadonlySet<Effort> = new Set<Effort>(["minimal", "low", "medium", "high"]);

/**
 * Gemini's thinking levels: https://ai.google.dev/gemini-api/docs/thinking
 *
 * @throws {InputError} INPUT_INVALID for an effort that Gemini has no level for
 */
export function toThinkingLevel(effort: Effort): string {
  if (LEVELS.has(effort)) return effort;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `Gemini has no thinking level for the effort "${effort}"`,
  });
}

/** @throws {InputError} INPUT_INVALID for what neither of Gemini's APIs has a field for */
export function checkGeminiOptions({ verbosity, oneToolCall, tools }: ModelQuestion): void {
  if ((verbosity ?? null) !== null) throw cannotSay("verbosity");
  if (oneToolCall === true) throw cannotSay("one call of a tool at a time");
  if (tools.some(({ strict }) => strict === true)) throw cannotSay("tools held to their schemas");
}

function cannotSay(what: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `Gemini has no field for ${what}` });
}
