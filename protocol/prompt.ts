/** The question of payload type 1, as a contract builds it: plain structs, no JSON. */

import * as AbiParameters from "ox/AbiParameters";
import * as z from "zod";
import { equalBytes, fromHex, isPlainText } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { refusedField, uint32 } from "./fields.ts";
import {
  MAX_CHOICES,
  MAX_MESSAGES,
  MAX_MODEL_NAME_LENGTH,
  MAX_PANEL_MODELS,
  MAX_PAYLOAD_BYTES,
  MIN_CHOICES,
} from "./limits.ts";
import { parseOutputType } from "./output-type.ts";

export const Role = { system: 1, user: 2, assistant: 3 } as const;
export const PanelRule = { none: 0, majority: 1, median: 2, unanimous: 3 } as const;
export const Effort = { default: 0, minimal: 1, low: 2, medium: 3, high: 4 } as const;
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

const plainText = z
  .string()
  .refine(isPlainText, { error: "expected well-formed Unicode that does not begin with a byte order mark" });

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
  effort: z.int().min(Effort.default).max(Effort.high),
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
    maxOutputTokens: uint32.min(1),
    sampling: Sampling,
    format: OutputFormat,
  })
  .refine(
    ({ models, panelRule, panelQuorum }) =>
      models.length === 1
        ? panelRule === PanelRule.none && panelQuorum === 0
        : panelRule !== PanelRule.none && panelQuorum >= 1 && panelQuorum <= models.length,
    { error: "one model has no panel rule and quorum 0; a panel has a rule and a quorum of 1 to its size" },
  );
export type Prompt = z.output<typeof Prompt>;

/** Field by field as in docs/reference/protocol.md, Prompt. */
const PROMPT_ABI = [
  {
    name: "prompt",
    type: "tuple",
    components: [
      { name: "models", type: "string[]" },
      { name: "panelRule", type: "uint8" },
      { name: "panelQuorum", type: "uint8" },
      {
        name: "messages",
        type: "tuple[]",
        components: [
          { name: "role", type: "uint8" },
          { name: "content", type: "string" },
        ],
      },
      { name: "maxOutputTokens", type: "uint32" },
      {
        name: "sampling",
        type: "tuple",
        components: [
          { name: "temperatureMilli", type: "int32" },
          { name: "topPMilli", type: "int32" },
          { name: "seed", type: "int64" },
          { name: "effort", type: "uint8" },
        ],
      },
      {
        name: "format",
        type: "tuple",
        components: [
          { name: "kind", type: "uint8" },
          { name: "schema", type: "string" },
          { name: "choices", type: "string[]" },
        ],
      },
    ],
  },
] as const;

/** The body of payload type 1. @throws {InputError} INPUT_INVALID naming the field that is wrong */
export function encodePrompt(prompt: Prompt): Uint8Array<ArrayBuffer> {
  return encodeChecked(checkPrompt(prompt));
}

function encodeChecked(prompt: Prompt): Uint8Array<ArrayBuffer> {
  return fromHex(AbiParameters.encode(PROMPT_ABI, [prompt]).toLowerCase());
}

/**
 * A prompt from a payload's body.
 *
 * @throws {InputError} INPUT_INVALID when the bytes do not decode, are not the canonical encoding, or break a rule
 */
export function decodePrompt(body: Uint8Array): Prompt {
  let decoded: unknown;
  try {
    // A body inside the limit may still claim enormous arrays; the decoder's own cursor limits end those.
    if (body.length > MAX_PAYLOAD_BYTES) throw new RangeError("longer than any payload");
    [decoded] = AbiParameters.decode(PROMPT_ABI, new Uint8Array(body));
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "the body is not an ABI-encoded Prompt", cause });
  }
  const prompt = checkPrompt(decoded);
  if (!equalBytes(encodeChecked(prompt), body)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the body is not the canonical encoding of its Prompt",
    });
  }
  return prompt;
}

function checkPrompt(value: unknown): Prompt {
  const result = Prompt.safeParse(value);
  if (result.success) return result.data;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `the prompt breaks a rule: ${z.prettifyError(result.error)}`,
    details: { field: refusedField(result.error) },
  });
}
