import type { Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { PROVIDER_DEFAULT, Role, type Prompt } from "../../protocol/prompt.ts";
import type {
  Effort as ModelEffort,
  ModelMessage,
  ModelQuestion,
} from "../../runtime/models/model-format.ts";
import type { ContentPart } from "../../runtime/models/media.ts";
import type { CatalogModel } from "../models/model-catalog.ts";
import { findRefusal, thinkingOf } from "../../runtime/models/model-limits.ts";
import { fitsSchemaLimits } from "../../runtime/models/schema-measure.ts";
import type { OutputContract } from "../../runtime/output/output-contract.ts";

const ROLES = { [Role.system]: "system", [Role.user]: "user", [Role.assistant]: "assistant" } as const;
/** By `Effort` of a prompt; null leaves it to the provider. */
const EFFORTS: readonly (ModelEffort | null)[] = [null, "none", "low", "medium", "high", "xhigh", "max"];

export interface Asked {
  readonly prompt: Prompt;
  readonly contract: OutputContract;
  readonly contents: readonly ContentPart[];
}

/**
 * The question that a prompt puts to one model.
 *
 * @param contents of the prompt's parts, in their order: read, or as large as they can be
 * @throws {InputError} INPUT_INVALID for sampling or a length that the model does not take: leaving it out silently would
 *   answer another question
 */
export function toQuestion({ prompt, contract, contents }: Asked, target: CatalogModel): ModelQuestion {
  const { model, id } = target;
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
  const mediaTypes = contents.flatMap((part) => ("media" in part ? [part.media.mediaType] : []));
  const refusal = findRefusal({ ...asked, mediaTypes }, model);
  if (refusal !== null) throw unsupported(id, refusal.reason);
  const messages = prompt.messages.map(({ role, content }): ModelMessage => ({ role: ROLES[role], content }));
  return placeSchema(
    {
      ...asked,
      ...thinkingOf(model, effort),
      model: model.upstreamName,
      messages: contents.length === 0 ? messages : withContents(messages, contents),
      schema: contract.schema,
      stream: model.transfer === "stream",
    },
    target,
  );
}

/** What was read stands before the words of the last message of a user, or in a message of its own where there is none. */
function withContents(
  messages: readonly ModelMessage[],
  contents: readonly ContentPart[],
): readonly ModelMessage[] {
  const at = messages.findLastIndex(({ role }) => role === "user");
  const said = messages[at]?.content ?? "";
  const parts = said === "" ? contents : [...contents, { text: said }];
  const message: ModelMessage = {
    role: "user",
    content: parts.flatMap((part) => ("text" in part ? [part.text] : [])).join(""),
    ...(parts.every((part) => "text" in part) ? {} : { parts }),
  };
  return at < 0 ? [...messages, message] : messages.with(at, message);
}

/** The question with its schema where the provider takes it, and else told in words: it would be refused, and nobody asked. */
export function placeSchema(question: ModelQuestion, { model, format }: CatalogModel): ModelQuestion {
  const { schema, messages } = question;
  if (schema === null) return question;
  const isTaken =
    model.structuredOutput === "schema" &&
    format.takesSchema(schema.json) &&
    fitsSchemaLimits(schema.json, model.schemaLimits);
  return isTaken
    ? question
    : { ...question, messages: [schemaInstruction(schema.json), ...messages], schema: null };
}

function schemaInstruction(schema: Json): ModelMessage {
  const text = JSON.stringify(schema);
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
