/**
 * The part of a behaviour file about a provider and its models, without prices and keys: those are the operator's. Figures were gathered from
 * excerpts of vendors' pages and, where those say nothing, from public lists of models; none was tried against the service. So they
 * are a start: compare them with `sources` before you rely on them. Sampling of which nothing is stated counts as not taken.
 */

import { MEDIA_TYPES } from "../../../runtime/models/media.ts";
import type { BehaviourFile } from "../../configuration/behaviour.ts";

type ProviderFile = BehaviourFile["providers"][string];
type ModelFile = ProviderFile["models"][string];

export type ModelTemplate = Omit<ModelFile, "price" | "weightsSha256">;

export interface ProviderTemplate {
  /** In the behaviour file, and so before the slash of a model's name. */
  readonly name: string;
  readonly title: string;
  /** Pages of the vendor's to compare the figures with. */
  readonly sources: readonly string[];
  /** Day on which the figures were gathered. */
  readonly readOn: string;
  readonly format: ProviderFile["format"];
  readonly dialect?: ProviderFile["dialect"];
  /** null where each operator has another. */
  readonly baseUrl: string | null;
  /** Environment variable that holds the key by the vendor's own custom; null for servers that ask for none. */
  readonly keyVariable: string | null;
  /** The first is the one that is meant when none is named. */
  readonly models: readonly [ModelTemplate, ...ModelTemplate[]] | readonly [];
  /** Any other model there, of which nothing is known but what its operator says. */
  readonly unknownModel: Omit<ModelTemplate, "upstreamName">;
}

/**
 * Images and PDFs, which the current models of OpenAI, Anthropic and Google take. The token counts are bounds for the worst-case price
 * and no vendor's figures: a large image costs under 3,000 tokens with each, and a PDF fits in the call's 2 MiB.
 */
export const SEES: ModelTemplate["media"] = {
  types: [...MEDIA_TYPES],
  imageTokens: 4_096,
  documentTokens: 200_000,
};

/** Tokens for thinking that a request may cost beyond its answer: enough for a moderate effort. */
const THINKING_TOKENS = 16_384;

interface ThinkingModel {
  readonly mode: "default" | "adaptive";
  readonly upstreamName: string;
  readonly contextTokens: number;
  /** Of thinking and answer together, as vendors state it. */
  readonly outputTokens: number;
  readonly efforts: ModelTemplate["sampling"]["efforts"];
  readonly change?: Partial<ModelTemplate>;
}

/** A model that thinks, and takes no sampling: what all vendors' current ones have in common. */
export function thinkingModel(model: ThinkingModel): ModelTemplate {
  const { mode, upstreamName, contextTokens, outputTokens, efforts, change = {} } = model;
  return {
    upstreamName,
    contextTokens,
    maxOutputTokens: outputTokens - THINKING_TOKENS,
    structuredOutput: "schema",
    sampling: { temperature: false, topP: false, seed: false, efforts },
    thinking: { mode, budgetTokens: THINKING_TOKENS },
    ...change,
  };
}

/** Of a model nobody described: no field is sent that one may refuse, and the schema is put into the prompt. */
export const UNKNOWN_MODEL: Omit<ModelTemplate, "upstreamName"> = {
  contextTokens: 32_768,
  maxOutputTokens: 4_096,
  structuredOutput: "instruction",
  sampling: { temperature: false, topP: false, seed: false, efforts: [] },
  thinking: { mode: "default", budgetTokens: 8_192 },
};
