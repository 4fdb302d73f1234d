/** The question of payload type 1, as a contract builds it: plain structs, no JSON. Its bytes are packed-prompt.ts. */

import * as z from "zod";
import { InputError } from "./errors.ts";
import { plainText, refusedField, uint24 } from "./fields.ts";
import {
  MAX_CHOICES,
  MAX_MESSAGES,
  MAX_MODEL_NAME_LENGTH,
  MAX_PANEL_MODELS,
  MAX_PARTS,
  MIN_CHOICES,
} from "./limits.ts";
import { parseOutputType } from "./output-type.ts";
import { PromptPart } from "./prompt-part.ts";

export const Role = { system: 1, user: 2, assistant: 3 } as const;
export const PanelRule = { none: 0, majority: 1, median: 2, unanimous: 3 } as const;
/** Reasoning, from none at all to the most that the model has. */
export const Effort = { default: 0, none: 1, low: 2, medium: 3, high: 4, xhigh: 5, max: 6 } as const;
export const OutputKind = { text: 1, json: 2, choice: 3, abi: 4 } as const;

/** In `Sampling`: leave it to the provider. */
export const PROVIDER_DEFAULT = -1;

/** `provider/model`; the model's part may hold slashes itself. */
export const ModelName = z
  .string()
  .max(MAX_MODEL_NAME_LENGTH)
  .regex(/^[a-z0-9][a-z0-9.-]*\/[A-Za-z0-9][A-Za-z0-9._:/@-]*$/, {
    error: "expected provider/model, such as openai/gpt-5.1",
  });

const Message = z.strictObject({
  role: z.union([z.literal(Role.system), z.literal(Role.user), z.literal(Role.assistant)]),
  content: plainText,
});

const Sampling = z.strictObject({
  temperatureMilli: z.int().min(PROVIDER_DEFAULT).max(2_000),
  topPMilli: z.int().min(PROVIDER_DEFAULT).max(1_000),
  seed: z
    .bigint()
    .min(BigInt(PROVIDER_DEFAULT))
    .max(2n ** 63n - 1n),
  effort: z.int().min(Effort.default).max(Effort.max),
});
export type Sampling = z.output<typeof Sampling>;

export const PROVIDER_DEFAULT_SAMPLING: Sampling = {
  temperatureMilli: PROVIDER_DEFAULT,
  topPMilli: PROVIDER_DEFAULT,
  seed: BigInt(PROVIDER_DEFAULT),
  effort: Effort.default,
};

const noChoices = z.array(z.string()).length(0);

export const OutputFormat = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal(OutputKind.text), schema: z.literal(""), choices: noChoices }),
  z.strictObject({
    kind: z.literal(OutputKind.json),
    schema: plainText.refine(isJsonObject, { error: "expected a JSON Schema, which is a JSON object" }),
    choices: noChoices,
  }),
  z.strictObject({
    kind: z.literal(OutputKind.choice),
    schema: z.literal(""),
    choices: z
      .array(plainText.min(1).max(256))
      .min(MIN_CHOICES)
      .max(MAX_CHOICES)
      .refine((names) => new Set(names).size === names.length, { error: "two choices are the same" }),
  }),
  z.strictObject({
    kind: z.literal(OutputKind.abi),
    schema: plainText.superRefine((text, context) => {
      try {
        parseOutputType(text);
      } catch (cause) {
        // The parser throws nothing else.
        context.addIssue({ code: "custom", message: (cause as InputError).message });
      }
    }),
    choices: noChoices,
  }),
]);
export type OutputFormat = z.output<typeof OutputFormat>;

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

export const Prompt = z
  .strictObject({
    models: z.array(ModelName).min(1).max(MAX_PANEL_MODELS),
    panelRule: z.int().min(PanelRule.none).max(PanelRule.unanimous),
    panelQuorum: z.int().min(0).max(MAX_PANEL_MODELS),
    messages: z.array(Message).min(1).max(MAX_MESSAGES),
    maxOutputTokens: uint24.min(1),
    sampling: Sampling,
    format: OutputFormat,
    parts: z.array(PromptPart).max(MAX_PARTS),
  })
  .refine(
    ({ models, panelRule, panelQuorum }) =>
      models.length === 1
        ? panelRule === PanelRule.none && panelQuorum === 0
        : panelRule !== PanelRule.none && panelQuorum >= 1 && panelQuorum <= models.length,
    { error: "one model has no panel rule and quorum 0; a panel has a rule and a quorum of 1 to its size" },
  );
export type Prompt = z.output<typeof Prompt>;

/** @throws {InputError} INPUT_INVALID naming the field that is wrong */
export function checkPrompt(value: unknown): Prompt {
  const result = Prompt.safeParse(value);
  if (result.success) return result.data;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `the prompt breaks a rule: ${z.prettifyError(result.error)}`,
    details: { field: refusedField(result.error) },
  });
}
