/** Why a model stopped, from each vendor's words to ours. A word that is not listed is `other`: never a whole answer. */

import type { StopReason } from "./model-format.ts";

export function chatStopReason(reason: string | null): StopReason {
  switch (reason) {
    case "stop":
    case "eos":
      return "complete";
    case "length":
      return "length";
    case "content_filter":
      return "refused";
    case "tool_calls":
    case "function_call":
      return "toolCalls";
    default:
      return "other";
  }
}

export function messagesStopReason(reason: string | null): StopReason {
  switch (reason) {
    case "end_turn":
    case "stop_sequence":
      return "complete";
    case "max_tokens":
    case "model_context_window_exceeded":
      return "length";
    case "refusal":
      return "refused";
    case "tool_use":
      return "toolCalls";
    default:
      return "other";
  }
}

export function geminiStopReason(reason: string, toolCalls: number): StopReason {
  switch (reason) {
    case "STOP":
      return toolCalls > 0 ? "toolCalls" : "complete";
    case "MAX_TOKENS":
      return "length";
    case "SAFETY":
    case "RECITATION":
    case "BLOCKLIST":
    case "PROHIBITED_CONTENT":
    case "SPII":
    case "OTHER":
      return "refused";
    default:
      return "other";
  }
}
