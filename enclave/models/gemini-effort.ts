import { InputError } from "../../protocol/errors.ts";
import type { Effort } from "./model-format.ts";

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
