/** The response of Gemini generateContent, whole or one event of a stream: https://ai.google.dev/api/generate-content */

import * as z from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import type { ModelReply, StopReason } from "./model-format.ts";
import { errorInBody } from "./provider-error.ts";
import { anyJson, malformed, parseProviderJson, readAs, tokenCount } from "./response-body.ts";

const PartialArgument = z.object({
  jsonPath: z.string(),
  stringValue: z.string().nullish(),
  numberValue: z.number().nullish(),
  boolValue: z.boolean().nullish(),
  willContinue: z.boolean().nullish(),
});
export type PartialArgument = z.output<typeof PartialArgument>;

const FunctionCall = z.object({
  id: z.string().nullish(),
  name: z.string().nullish(),
  args: anyJson.nullish(),
  partialArgs: z.array(PartialArgument).nullish(),
  willContinue: z.boolean().nullish(),
});
export type GeminiCall = z.output<typeof FunctionCall>;

export const Part = z.looseObject({
  text: z.string().nullish(),
  /** Reasoning, shown. */
  thought: z.boolean().nullish(),
  functionCall: FunctionCall.nullish(),
  thoughtSignature: z.string().nullish(),
});
export type Part = z.output<typeof Part>;

export const GeminiResponse = z.object({
  error: anyJson.nullish(),
  candidates: z
    .array(
      z.object({
        index: z.int().nullish(),
        finishReason: z.string().nullish(),
        content: z.object({ parts: z.array(Part).nullish() }).nullish(),
      }),
    )
    .nullish(),
  promptFeedback: z.object({ blockReason: z.string().nullish() }).nullish(),
  usageMetadata: z
    .object({
      promptTokenCount: tokenCount,
      toolUsePromptTokenCount: tokenCount,
      candidatesTokenCount: tokenCount,
      thoughtsTokenCount: tokenCount,
    })
    .nullish()
    .catch(null),
  modelVersion: z.string().nullish(),
  responseId: z.string().nullish(),
});
export type GeminiResponse = z.output<typeof GeminiResponse>;

export function parseGeminiReply(body: Uint8Array): ModelReply {
  const response = readAs(GeminiResponse, parseProviderJson(body));
  if (response.error !== undefined && response.error !== null) throw errorInBody(response.error);
  const candidate = response.candidates?.find(({ index }) => (index ?? 0) === 0);
  const blocked = response.promptFeedback?.blockReason ?? null;
  if (candidate === undefined && blocked === null) throw malformed("no candidate in the body");
  const parts = candidate?.content?.parts ?? [];
  const toolCalls = parts.flatMap((part) => {
    const call = part.functionCall ?? null;
    if (call === null) return [];
    if (call.name === undefined || call.name === null) throw malformed("a function call has no name");
    // The format carries a value and no text.
    const written = JSON.stringify(call.args ?? {});
    return [{ id: call.id ?? null, name: call.name, arguments: written, ...signatureOf(part) }];
  });
  return {
    returnedModel: response.modelVersion ?? null,
    responseId: response.responseId ?? null,
    usage: toUsage(response),
    stop: stopReason({ reason: candidate?.finishReason ?? null, blocked, calls: toolCalls.length > 0 }),
    text: parts.map((part) => (part.thought === true ? "" : (part.text ?? ""))).join(""),
    refusal: null,
    toolCalls,
    carry: toolCalls.length === 0 ? null : (parts as unknown as Json),
  };
}

/** Parallel calls have one, at the first of them. */
export function signatureOf({ thoughtSignature }: Part): { readonly signature?: string } {
  return thoughtSignature === undefined || thoughtSignature === null ? {} : { signature: thoughtSignature };
}

/** Streams name the counts only at their end; until then some are missing. */
export function toUsage({ usageMetadata: usage }: GeminiResponse): ModelReply["usage"] {
  const prompt = usage?.promptTokenCount;
  if (usage === undefined || usage === null || prompt === undefined || prompt === null) return null;
  return {
    inputTokens: prompt + (usage.toolUsePromptTokenCount ?? 0),
    outputTokens: (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
  };
}

export interface GeminiEnding {
  readonly reason: string | null;
  /** Why the prompt itself was not answered. */
  readonly blocked: string | null;
  readonly calls: boolean;
}

export function stopReason({ reason, blocked, calls }: GeminiEnding): StopReason {
  if (blocked !== null) return "refused";
  switch (reason) {
    case "STOP":
      return calls ? "toolCalls" : "complete";
    case "MAX_TOKENS":
      return "length";
    case "SAFETY":
    case "RECITATION":
    case "BLOCKLIST":
    case "PROHIBITED_CONTENT":
    case "SPII":
    case "IMAGE_SAFETY":
    case "IMAGE_RECITATION":
    case "IMAGE_PROHIBITED_CONTENT":
    case "MODEL_ARMOR":
      return "refused";
    default:
      return "other";
  }
}
