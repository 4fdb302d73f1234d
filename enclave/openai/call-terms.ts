/** The settings that the three APIs have in common. */

import * as z from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { parseUniqueJson } from "../../protocol/unique-json.ts";
import type { Model } from "../configuration/behaviour.ts";
import { mediaOf, type ModelQuestion, type Verbosity } from "../../runtime/models/model-format.ts";
import { isObject } from "../../runtime/output/json-schema.ts";
import { findRefusal, thinkingOf } from "../../runtime/models/model-limits.ts";

export const MAX_MESSAGES = 1_024;
export const MAX_TOOLS = 128;
/** OpenAI takes four; others some more. */
export const MAX_STOP_SEQUENCES = 16;
/** Whose call it is, and where a provider may cache it: they change no answer, and are not sent on. The receipt's payload has them. */
export const LABELS = {
  metadata: z.record(z.string(), z.string()).optional(),
  user: z.string().optional(),
  safety_identifier: z.string().optional(),
  prompt_cache_key: z.string().optional(),
  prompt_cache_retention: z.string().optional(),
} as const;
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
  const result = schema.safeParse(withoutNulls(parseUniqueJson(body)));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `this request cannot be taken: ${z.prettifyError(result.error)}`,
    details: { field: issue === undefined ? "" : fieldOf(issue).join(".") },
  });
}

/** Members that are the requester's own JSON, in which null is a value. */
const OWN_JSON = new Set(["schema", "parameters", "input_schema"]);

/** In all three APIs null says what leaving a member out says. */
function withoutNulls(json: Json): Json {
  if (Array.isArray(json)) return (json as readonly Json[]).map(withoutNulls);
  if (json === null || typeof json !== "object") return json;
  const object = json as { readonly [key: string]: Json };
  const isToolUse = object["type"] === "tool_use";
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [
        key,
        OWN_JSON.has(key) || (isToolUse && key === "input") ? value : withoutNulls(value),
      ]),
  );
}

type Path = readonly PropertyKey[];

/** The member that is wrong: of one that nobody knows its own name, of alternatives what the closest of them says. */
function fieldOf(issue: z.core.$ZodIssue): Path {
  if (issue.code === "unrecognized_keys") return [...issue.path, issue.keys[0] ?? ""];
  if (issue.code !== "invalid_union") return issue.path;
  const inner = issue.errors.flatMap(([first]) => (first === undefined ? [] : [fieldOf(first)]));
  const deepest = inner.reduce<Path>((best, path) => (path.length > best.length ? path : best), []);
  return [...issue.path, ...deepest];
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
  readonly stop: readonly string[];
  readonly verbosity: Verbosity | null;
  readonly oneToolCall: boolean;
}

/** An API's names for the fields that a model may refuse. */
export type FieldNames = Readonly<Partial<Record<keyof AskedQuestion | "mediaTypes", string>>>;

/** @throws {InputError} INPUT_INVALID for what the model does not take */
export function fitQuestion(asked: AskedQuestion, model: Model, names: FieldNames = {}): ModelQuestion {
  const fieldNames: FieldNames = { mediaTypes: "messages", ...names };
  const mediaTypes = mediaOf(asked.messages).map(({ mediaType }) => mediaType);
  const refusal = findRefusal({ ...asked, mediaTypes }, model);
  if (refusal !== null) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `this model cannot be asked this: ${refusal.reason}`,
      details: { field: fieldNames[refusal.field] ?? refusal.field },
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

/** As a field of the model's answer, beside its schema: what the words say of it is said there. */
export function withDescription(schema: Json, description: string | undefined): Json {
  return description === undefined || !isObject(schema) || "description" in schema
    ? schema
    : { ...schema, description };
}

/** The schema that any JSON object fits: the older way to ask for JSON, which names no schema. */
export const ANY_OBJECT: Json = { type: "object" };

/** Two of the formats carry arguments as JSON and not as text. @throws {InputError} INPUT_INVALID */
export function checkArguments(text: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "a tool call's arguments are not JSON", cause });
  }
}
