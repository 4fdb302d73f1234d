/** A program's calls: the arguments of each, as the host reads them. */

import * as z from "zod";
import { HTTP_METHODS } from "../../protocol/agent-program.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { address, bytes32 } from "../../protocol/fields.ts";
import { MAX_MODEL_NAME_LENGTH, MAX_OUTPUT_TYPE_BYTES } from "../../protocol/limits.ts";
import { OutputKind, PanelRule, type OutputFormat } from "../../protocol/prompt.ts";
import { BlockDescription } from "../evm/block-header.ts";
import { ShownState } from "../evm/proven-call.ts";
import { ShownReceipt } from "../evm/receipts.ts";
import { StateProof } from "../evm/proven-state.ts";

export const OPS = ["http", "mcp", "model", "agree", "prove", "view", "logs", "clock"] as const;

const MAX_URL_LENGTH = 2_048;
const MAX_HEADERS = 32;
const MAX_HEADER_LENGTH = 4_096;
const MAX_MESSAGES = 1_024;
const MAX_TOOLS = 128;
const MAX_SLOTS = 64;
const MAX_SIGNATURE_LENGTH = 2_048;
const MAX_VIEW_ARGS = 32;

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/);
const headers = z
  .record(
    headerName,
    z
      .string()
      .regex(/^[\t\x20-\x7e]*$/)
      .max(MAX_HEADER_LENGTH),
  )
  .refine((record) => Object.keys(record).length <= MAX_HEADERS, { error: "too many headers" });

export const HttpArgs = z.strictObject({
  url: z.string().max(MAX_URL_LENGTH),
  method: z.enum(HTTP_METHODS).default("GET"),
  headers: headers.default({}),
  body: z.json().optional(),
  secrets: z.record(headerName, z.string().max(64)).default({}),
});
export type HttpArgs = z.output<typeof HttpArgs>;

/** The bytes of a request's body: a text as it is, anything else as JSON. */
export function bodyOf({ body }: HttpArgs): Uint8Array<ArrayBuffer> {
  if (body === undefined) return new Uint8Array();
  return toUtf8(typeof body === "string" ? body : JSON.stringify(body));
}

const ToolCall = z.strictObject({
  id: z.string().nullable(),
  name: z.string(),
  arguments: z.string(),
  signature: z.string().optional(),
});

const Message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.literal("system"), content: z.string() }),
  z.strictObject({ role: z.literal("user"), content: z.string() }),
  z.strictObject({
    role: z.literal("assistant"),
    content: z.string(),
    reply: z.object({ toolCalls: z.array(ToolCall), carry: z.json() }).optional(),
  }),
  z.strictObject({ role: z.literal("tool"), call: ToolCall, content: z.string() }),
]);

export const ModelArgs = z.strictObject({
  model: z.string().max(MAX_MODEL_NAME_LENGTH).optional(),
  messages: z.array(Message).min(1).max(MAX_MESSAGES),
  maxOutputTokens: z.int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  seed: z.int().min(0).optional(),
  effort: z.enum(["none", "low", "medium", "high", "xhigh", "max"]).optional(),
  tools: z
    .record(
      z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
      z.strictObject({ description: z.string(), parameters: z.json() }),
    )
    .refine((tools) => Object.keys(tools).length <= MAX_TOOLS, { error: "too many tools" })
    .default({}),
  returns: z.string().max(MAX_OUTPUT_TYPE_BYTES).optional(),
});
export type ModelArgs = z.output<typeof ModelArgs>;

const RULES = {
  majority: PanelRule.majority,
  median: PanelRule.median,
  unanimous: PanelRule.unanimous,
} as const;

export const AgreeArgs = z.strictObject({
  returns: z.string().max(MAX_OUTPUT_TYPE_BYTES),
  rule: z.enum(["majority", "median", "unanimous"]),
  /** In the order of the models; null of one that gave none. */
  answers: z.array(z.json()).min(1).max(16),
});
export type AgreeArgs = z.output<typeof AgreeArgs>;

/** What a server of a chain showed, to be proven. */
export const ProveArgs = z.strictObject({
  block: BlockDescription,
  /** That the block must have; null where the program takes the server's word for which block there is. */
  hash: bytes32.nullable(),
  /** Of one account and of slots of its storage; null for the block alone. */
  state: z
    .strictObject({ address, slots: z.array(bytes32).max(MAX_SLOTS), proof: StateProof })
    .refine(({ slots, proof }) => slots.length === proof.storageProof.length, {
      error: "expected a proof for each slot",
    })
    .nullable(),
});
export type ProveArgs = z.output<typeof ProveArgs>;

/** A view of a contract, with what a server showed of the state that it needs. */
export const ViewArgs = z.strictObject({
  block: BlockDescription,
  hash: bytes32.nullable(),
  /** null: a view that asks for it is refused. */
  chainId: z.int().min(1).nullable(),
  to: address,
  signature: z.string().max(MAX_SIGNATURE_LENGTH),
  args: z.array(z.json()).max(MAX_VIEW_ARGS),
  shown: ShownState,
});
export type ViewArgs = z.output<typeof ViewArgs>;

/** A block's logs that fit, with its receipts as a server showed them. */
export const LogsArgs = z.strictObject({
  block: BlockDescription,
  hash: bytes32,
  /** null: only whether the block may have any. */
  receipts: z.array(ShownReceipt).nullable(),
  filter: z.strictObject({ address, topics: z.array(bytes32.nullable()).max(4) }),
});
export type LogsArgs = z.output<typeof LogsArgs>;

export function panelRuleOf({ rule }: AgreeArgs): (typeof RULES)[keyof typeof RULES] {
  return RULES[rule];
}

/** The output format of an output type. */
export function typedFormat(schema: string): OutputFormat {
  return { kind: OutputKind.abi, schema, choices: [] };
}

/** @throws {InputError} INPUT_INVALID, saying what cannot be taken */
export function parseArgs<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "the arguments are no JSON", cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new InputError({ code: "INPUT_INVALID", message: z.prettifyError(result.error) });
}
