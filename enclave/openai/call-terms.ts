/** What the two APIs ask in common. */

import { z } from "zod";
import { parseJson, type Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import type { Model } from "../configuration/behaviour.ts";
import type { ModelQuestion } from "../models/model-format.ts";
import { findRefusal, thinkingOf } from "../models/model-limits.ts";

export const MAX_MESSAGES = 1_024;
export const MAX_TOOLS = 128;
/** Characters: those seen have some thousands. */
const MAX_SIGNATURE_LENGTH = 32_768;

/**
 * Gemini refuses the result of a call whose signature is missing. It travels as in Google's own OpenAI-compatible API, and
 * so do the clients that know it.
 */
export const ExtraContent = z.strictObject({
  google: z.strictObject({ thought_signature: z.string().max(MAX_SIGNATURE_LENGTH) }),
});
export type ExtraContent = z.output<typeof ExtraContent>;

export function toExtraContent(signature: string | undefined): { readonly extra_content?: Json } {
  return signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } };
}

export function fromExtraContent(extra: ExtraContent | undefined): { readonly signature?: string } {
  return extra === undefined ? {} : { signature: extra.google.thought_signature };
}

/** @throws {InputError} INPUT_INVALID naming the field */
export function parseCall<Schema extends z.ZodType>(schema: Schema, body: Uint8Array): z.output<Schema> {
  const result = schema.safeParse(parseJson(body));
  if (result.success) return result.data;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `this request cannot be taken: ${z.prettifyError(result.error)}`,
    details: { field: result.error.issues[0]?.path.join(".") ?? "" },
  });
}

/** A question before it is known whether the model takes it; undefined and null where its default holds. */
export interface AskedQuestion extends Pick<
  ModelQuestion,
  "messages" | "schema" | "tools" | "toolChoice" | "stream"
> {
  readonly maxOutputTokens: number | null | undefined;
  readonly temperature: number | null | undefined;
  readonly topP: number | null | undefined;
  readonly seed: number | null | undefined;
  readonly effort: ModelQuestion["effort"] | undefined;
}

/** @throws {InputError} INPUT_INVALID for what the model does not take */
export function fitQuestion(asked: AskedQuestion, model: Model): ModelQuestion {
  const refusal = findRefusal(asked, model);
  if (refusal !== null) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `this model cannot be asked this: ${refusal.reason}`,
      details: { field: refusal.field },
    });
  }
  const effort = asked.effort ?? null;
  return {
    ...asked,
    ...thinkingOf(model, effort),
    model: model.upstreamName,
    maxOutputTokens: asked.maxOutputTokens ?? model.maxOutputTokens,
    temperature: asked.temperature ?? null,
    topP: asked.topP ?? null,
    seed: asked.seed ?? null,
    effort,
  };
}

/** Two of the formats carry arguments as JSON and not as text. @throws {InputError} INPUT_INVALID */
export function checkArguments(text: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "a tool call's arguments are not JSON", cause });
  }
}
