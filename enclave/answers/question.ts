import { InputError } from "../../protocol/errors.ts";
import { PartKind } from "../../protocol/prompt-part.ts";
import { Effort, PROVIDER_DEFAULT, Role, type Prompt } from "../../protocol/prompt.ts";
import type { Effort as ModelEffort, ModelMessage, ModelQuestion } from "../models/model-format.ts";
import type { CatalogModel } from "../models/model-catalog.ts";
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
  const { temperatureMilli, topPMilli, seed, effort } = prompt.sampling;
  const asked = {
    temperature: temperatureMilli !== PROVIDER_DEFAULT,
    topP: topPMilli !== PROVIDER_DEFAULT,
    seed: seed !== BigInt(PROVIDER_DEFAULT),
    effort: effort !== Effort.default,
  };
  for (const name of ["temperature", "topP", "seed", "effort"] as const) {
    if (asked[name] && !model.sampling[name]) throw unsupported(id, `it takes no ${name}`);
  }
  if (prompt.maxOutputTokens > model.maxOutputTokens) {
    throw unsupported(id, `it writes at most ${model.maxOutputTokens} tokens`);
  }
  if (seed > BigInt(Number.MAX_SAFE_INTEGER)) throw unsupported(id, "its seeds end at 2^53 - 1");
  const [part] = prompt.parts;
  if (part !== undefined) throw unsupported(id, `this enclave serves no ${PART_NAMES[part.kind]} yet`);
  const messages = prompt.messages.map(({ role, content }) => ({ role: ROLES[role], content }));
  const { schema } = contract;
  const enforced = schema !== null && format.takesSchema(schema.json);
  const instructed = schema !== null && (model.structuredOutput === "instruction" || !enforced);
  return {
    model: model.upstreamName,
    messages: instructed ? [schemaInstruction(contract), ...messages] : messages,
    maxOutputTokens: prompt.maxOutputTokens,
    temperature: asked.temperature ? temperatureMilli / 1000 : null,
    topP: asked.topP ? topPMilli / 1000 : null,
    seed: asked.seed ? Number(seed) : null,
    effort: EFFORTS[effort] ?? null,
    schema: instructed ? null : schema,
    tools: [],
    toolChoice: "auto",
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
