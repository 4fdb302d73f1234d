/** An interaction of Gemini's: https://ai.google.dev/api/interactions-api */

import * as z from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import type { ModelReply, StopReason } from "./model-format.ts";
import { errorInBody } from "./provider-error.ts";
import { anyJson, malformed, parseProviderJson, readAs, tokenCount } from "./response-body.ts";

export const Step = z.looseObject({
  type: z.string(),
  content: z
    .array(z.object({ type: z.string(), text: z.string().nullish() }))
    .nullish()
    .catch(null),
  id: z.string().nullish(),
  name: z.string().nullish(),
  arguments: anyJson.nullish(),
  /** Of a thought. */
  signature: z.string().nullish(),
});
export type Step = z.output<typeof Step>;

export const Interaction = z.object({
  error: anyJson.nullish(),
  id: z.string().nullish(),
  model: z.string().nullish(),
  status: z.string().nullish(),
  steps: z.array(Step).nullish(),
  usage: z
    .object({
      total_input_tokens: tokenCount,
      total_tool_use_tokens: tokenCount,
      total_output_tokens: tokenCount,
      total_thought_tokens: tokenCount,
    })
    .nullish()
    .catch(null),
});
export type Interaction = z.output<typeof Interaction>;

export function parseInteraction(body: Uint8Array): ModelReply {
  const interaction = readAs(Interaction, parseProviderJson(body));
  throwFailure(interaction);
  const { steps, id, model, status } = interaction;
  if (steps === undefined || steps === null) throw malformed("no steps in the body");
  const signatures = callSignatures(steps);
  const toolCalls = steps
    .filter(({ type }) => type === "function_call")
    .map((step, index) => ({ ...toToolCall(step), ...signatures[index] }));
  return {
    returnedModel: model ?? null,
    responseId: id ?? null,
    usage: toUsage(interaction),
    stop: stopReason(status ?? null, toolCalls.length > 0),
    text: steps.map(textOf).join(""),
    refusal: null,
    toolCalls,
    carry: toolCalls.length === 0 ? null : (steps as unknown as Json),
  };
}

/** Of the calls in their order: that of the thought which stands right before it, where one does. */
export function callSignatures(
  steps: readonly Pick<Step, "type" | "signature">[],
): readonly { readonly signature?: string }[] {
  return steps.flatMap(({ type }, index) => {
    if (type !== "function_call") return [];
    const before = steps[index - 1];
    const signature = before?.type === "thought" ? (before.signature ?? null) : null;
    return [signature === null ? {} : { signature }];
  });
}

/** @throws {UpstreamError} for an interaction that failed */
export function throwFailure({ status, error }: Interaction): void {
  const reported = error ?? null;
  if (reported !== null || status === "failed") throw errorInBody(reported);
}

export function textOf({ type, content }: Step): string {
  if (type !== "model_output") return "";
  return (content ?? []).map((part) => (part.type === "text" ? (part.text ?? "") : "")).join("");
}

function toToolCall({ id, name, arguments: value }: Step): ModelReply["toolCalls"][number] {
  if (name === undefined || name === null) throw malformed("a function call has no name");
  // The format carries a value and no text.
  return { id: id ?? null, name, arguments: JSON.stringify(value ?? {}) };
}

export function toUsage({ usage }: Interaction): ModelReply["usage"] {
  const input = usage?.total_input_tokens ?? null;
  const output = usage?.total_output_tokens ?? null;
  if (input === null || output === null) return null;
  return {
    inputTokens: input + (usage?.total_tool_use_tokens ?? 0),
    outputTokens: output + (usage?.total_thought_tokens ?? 0),
  };
}

export function stopReason(status: string | null, calls: boolean): StopReason {
  switch (status) {
    case "completed":
      return calls ? "toolCalls" : "complete";
    case "requires_action":
      return calls ? "toolCalls" : "other";
    case "budget_exceeded":
      return "length";
    default:
      return "other";
  }
}
