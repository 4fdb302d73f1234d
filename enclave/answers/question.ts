import { InputError } from "../../protocol/errors.ts";
import { PartKind } from "../../protocol/prompt-part.ts";
import { PROVIDER_DEFAULT, Role, type Prompt } from "../../protocol/prompt.ts";
import type { Effort as ModelEffort, ModelMessage, ModelQuestion } from "../models/model-format.ts";
import type { CatalogModel } from "../models/model-catalog.ts";
import { findRefusal, thinkingOf } from "../models/model-limits.ts";
import { fitsSchemaLimits } from "../models/schema-measure.ts";
import type { OutputContract } from "../output/output-contract.ts";

const PART_NAMES = {
  [PartKind.page]: "pages",
  [PartKind.image]: "images",
  [PartKind.document]: "documents",
  [PartKind.read]: "chain reads",
} as const;
const ROLES = { [Role.system]: "system", [Role.user]: "user", [Role.assistant]: "assistant" } as const;
/** By `Effort` of a prompt; null leaves it to the provider. */
const EFFORTS: readonly (ModelEffort | null)[] = [null, "none", "low", "medium", "high", "xhigh", "max"];

/**
 * The question that a prompt puts to one model.
 *
 * @throws {InputError} INPUT_INVALID for sampling or a length that the model does not take: leaving it out silently would
 *   answer another question
 */
export function toQuestion(
  prompt: Prompt,
  { model, id, format }: CatalogModel,
  contract: OutputContract,
): ModelQuestion {
  const { temperatureMilli, topPMilli, seed } = prompt.sampling;
  if (seed > BigInt(Number.MAX_SAFE_INTEGER)) throw unsupported(id, "its seeds end at 2^53 - 1");
  const effort = EFFORTS[prompt.sampling.effort] ?? null;
  const asked = {
    maxOutputTokens: prompt.maxOutputTokens,
    temperature: temperatureMilli === PROVIDER_DEFAULT ? null : temperatureMilli / 1000,
    topP: topPMilli === PROVIDER_DEFAULT ? null : topPMilli / 1000,
    seed: seed === BigInt(PROVIDER_DEFAULT) ? null : Number(seed),
    effort,
    tools: [],
    toolChoice: "auto",
  } as const;
  const refusal = findRefusal(asked, model);
  if (refusal !== null) throw unsupported(id, refusal.reason);
  const [part] = prompt.parts;
  if (part !== undefined) throw unsupported(id, `this enclave serves no ${PART_NAMES[part.kind]} yet`);
  const messages = prompt.messages.map(({ role, content }) => ({ role: ROLES[role], content }));
  const { schema } = contract;
  // What the provider would refuse is told instead: the answer is checked by ourselves either way.
  const enforced =
    schema !== null &&
    model.structuredOutput === "schema" &&
    format.takesSchema(schema.json) &&
    fitsSchemaLimits(schema.json, model.schemaLimits);
  const instructed = schema !== null && !enforced;
  return {
    ...asked,
    ...thinkingOf(model, effort),
    model: model.upstreamName,
    messages: instructed ? [schemaInstruction(contract), ...messages] : messages,
    schema: instructed ? null : schema,
    stream: false,
  };
}

function schemaInstruction({ schema }: OutputContract): ModelMessage {
  const text = JSON.stringify(schema?.json ?? {});
  return {
    role: "system",
    content: `Answer with one JSON value and nothing else. It must fit this JSON Schema: ${text}`,
  };
}

/** The same question once more, with the answer that did not fit and what was wrong with it. */
export function toRepairQuestion(question: ModelQuestion, answer: string, problem: string): ModelQuestion {
  return {
    ...question,
    messages: [
      ...question.messages,
      // Providers refuse a turn without a word in it.
      ...(answer.trim() === "" ? [] : [{ role: "assistant" as const, content: answer }]),
      {
        role: "user",
        content: `That answer does not fit the format: ${problem}. Answer again, with the corrected JSON value and nothing else.`,
      },
    ],
  };
}

function unsupported(model: string, what: string): InputError {
  return new InputError({
    code: "INPUT_INVALID",
    message: `${model} cannot be asked this: ${what}`,
    details: { model },
  });
}
