/** The behaviour file's entry for one model: its inputs, its outputs and its prices. */

import * as z from "zod";
import { MEDIA_TYPES } from "./media.ts";
import { EFFORTS } from "./model-format.ts";

const wei = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,38})$/, { error: "expected wei as a decimal string" })
  .transform((text) => BigInt(text));

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const SAMPLINGS = ["temperature", "topP", "seed", "effort"] as const;

/** A request for a setting that the entry does not list is invalid: leaving it out would answer another question. */
const Sampling = z.strictObject({
  temperature: z.boolean(),
  topP: z.boolean(),
  seed: z.boolean(),
  efforts: z
    .array(z.enum(EFFORTS))
    .refine((efforts) => new Set(efforts).size === efforts.length, { error: "an effort is listed twice" }),
  /** Of each group one at most: some models refuse `temperature` beside `top_p`. */
  exclusive: z
    .array(z.array(z.enum(SAMPLINGS)).min(2))
    .max(6)
    .default([]),
});

/**
 * `off`: it never thinks. `default`: it thinks unless it is told not to. `adaptive`: it thinks when it is asked, with
 * `thinking: {type: "adaptive"}`, and is asked.
 */
const Thinking = z
  .strictObject({
    mode: z.enum(["off", "default", "adaptive"]),
    /** Tokens for thinking, beside those of the answer: providers bound both by one number, and are sent the sum. */
    budgetTokens: z.int().min(0),
  })
  .refine(({ mode, budgetTokens }) => mode !== "off" || budgetTokens === 0, {
    error: "a model that never thinks has a budget of 0",
    path: ["budgetTokens"],
  });

/** A schema beyond these is put into the prompt instead of being refused by the provider. */
const SchemaLimits = z.strictObject({
  /** Objects and lists inside each other, the root being the first. */
  depth: z.int().min(1).optional(),
  /** Properties of all objects together. */
  properties: z.int().min(0).optional(),
  /** Properties that an object does not require, of all objects together. */
  optionalProperties: z.int().min(0).optional(),
  /** `anyOf`s and lists of types, together. */
  unions: z.int().min(0).optional(),
  /** Values of all `enum`s together. */
  enumValues: z.int().min(0).optional(),
  /** Characters of all names of properties and definitions, and of all values of `enum` and `const`, together. */
  characters: z.int().min(0).optional(),
});
export type SchemaLimits = z.output<typeof SchemaLimits>;

/** Fields of a call that not every model takes: stop sequences, how wordy it is, one call of a tool at a time, tools held to schemas. */
export const OPTIONS = ["stop", "verbosity", "oneToolCall", "strictTools"] as const;

/** Images and documents that it takes, and the most tokens that one of them costs: the worst-case price counts with these. */
const MediaTerms = z.strictObject({
  types: z
    .array(z.enum(MEDIA_TYPES))
    .refine((types) => new Set(types).size === types.length, { error: "a type is listed twice" }),
  imageTokens: z.int().min(0),
  /** Of a whole document, at the most pages that the provider takes. */
  documentTokens: z.int().min(0),
});

export const TOOL_CHOICES = ["auto", "none", "required", "named"] as const;

export const Model = z
  .strictObject({
    /** What the provider calls it. */
    upstreamName: z.string().min(1).max(256),
    contextTokens: z.int().min(1),
    /** Of an answer. With `thinking.budgetTokens`, at most what the model writes. */
    maxOutputTokens: z.int().min(1),
    price: z.strictObject({ perRequest: wei, perInputToken: wei, perOutputToken: wei }),
    /** `schema`: the provider enforces a JSON Schema; `instruction`: the schema is put into the prompt. */
    structuredOutput: z.enum(["schema", "instruction"]),
    schemaLimits: SchemaLimits.default({}),
    sampling: Sampling,
    thinking: Thinking.default({ mode: "off", budgetTokens: 0 }),
    /** Ways to be told of tools that it takes. */
    toolChoices: z.array(z.enum(TOOL_CHOICES)).default([...TOOL_CHOICES]),
    options: z.array(z.enum(OPTIONS)).default([]),
    /**
     * `stream`: the answer is asked for as it is written, whatever the caller wants. Then `firstByteMs` and `stallMs` bound the provider's
     * silence, and a model that thinks and writes for long is not cut off for being silent until it has done.
     */
    transfer: z.enum(["whole", "stream"]).default("whole"),
    media: MediaTerms.default({ types: [], imageTokens: 0, documentTokens: 0 }),
    /**
     * For a model that runs on this enclave's loopback, and for no other: SHA-256 of its weights. Whoever builds the image
     * puts them there, and the image's measurement vouches for it.
     */
    weightsSha256: sha256.optional(),
  })
  .refine(
    ({ maxOutputTokens, thinking, contextTokens }) =>
      maxOutputTokens + thinking.budgetTokens <= contextTokens,
    { error: "answer and thinking exceed the context", path: ["maxOutputTokens"] },
  );
export type Model = z.output<typeof Model>;
