/** Checks a question against a model's limits: before anyone is asked, and in words that a requester can act on. */

import type { Model, SAMPLINGS } from "./model-terms.ts";
import type { MediaType } from "./media.ts";
import type { Effort, ModelQuestion, ToolChoice } from "./model-format.ts";

/** null and undefined: left to the provider. */
export interface AskedOfModel {
  readonly maxOutputTokens: number | null | undefined;
  readonly temperature: number | null | undefined;
  readonly topP: number | null | undefined;
  readonly seed: number | null | undefined;
  readonly effort: Effort | null | undefined;
  readonly tools: ModelQuestion["tools"];
  readonly toolChoice: ToolChoice;
  readonly stop?: readonly string[];
  readonly verbosity?: ModelQuestion["verbosity"];
  readonly oneToolCall?: boolean;
  readonly mediaTypes?: readonly MediaType[];
}

/** What the model does not take, and which of the fields asks for it. */
export interface Refusal {
  readonly field: keyof AskedOfModel;
  readonly reason: string;
}

const NAMES = {
  temperature: "temperature",
  topP: "top_p",
  seed: "seed",
  effort: "reasoning effort",
} as const;

/** The first thing that `model` does not take; null when it takes everything. */
export function findRefusal(asked: AskedOfModel, model: Model): Refusal | null {
  return (
    refusedSampling(asked, model) ??
    refusedLength(asked, model) ??
    refusedTools(asked, model) ??
    refusedOption(asked, model) ??
    refusedMedia(asked, model)
  );
}

function refusedOption(asked: AskedOfModel, { options }: Model): Refusal | null {
  if ((asked.stop ?? []).length > 0 && !options.includes("stop"))
    return { field: "stop", reason: "it takes no stop sequences" };
  if ((asked.verbosity ?? null) !== null && !options.includes("verbosity"))
    return { field: "verbosity", reason: "its verbosity cannot be chosen" };
  if (asked.tools.length === 0) return null;
  if (asked.oneToolCall === true && !options.includes("oneToolCall"))
    return { field: "oneToolCall", reason: "it cannot be kept to one call of a tool" };
  if (asked.tools.some(({ strict }) => strict === true) && !options.includes("strictTools"))
    return { field: "tools", reason: "it cannot be held to the schema of a tool (strict)" };
  return null;
}

function refusedMedia({ mediaTypes = [] }: AskedOfModel, { media }: Model): Refusal | null {
  const stranger = mediaTypes.find((type) => !media.types.includes(type));
  if (stranger === undefined) return null;
  const taken = media.types.length === 0 ? "neither images nor documents" : `only ${media.types.join(", ")}`;
  return { field: "mediaTypes", reason: `it takes no ${stranger}: ${taken}` };
}

function refusedSampling(asked: AskedOfModel, { sampling }: Model): Refusal | null {
  const isAsked = (name: (typeof SAMPLINGS)[number]): boolean => (asked[name] ?? null) !== null;
  for (const field of ["temperature", "topP", "seed"] as const)
    if (isAsked(field) && !sampling[field]) return { field, reason: `it takes no ${NAMES[field]}` };
  const { effort } = asked;
  if (effort !== null && effort !== undefined && !sampling.efforts.includes(effort)) {
    const taken =
      sampling.efforts.length === 0 ? "none can be chosen" : `it takes ${sampling.efforts.join(", ")}`;
    return { field: "effort", reason: `it has no reasoning effort "${effort}": ${taken}` };
  }
  for (const group of sampling.exclusive) {
    const [first, second] = group.filter(isAsked);
    if (first !== undefined && second !== undefined)
      return { field: second, reason: `it takes ${NAMES[first]} or ${NAMES[second]}, not both` };
  }
  return null;
}

function refusedLength({ maxOutputTokens }: AskedOfModel, model: Model): Refusal | null {
  if ((maxOutputTokens ?? 0) <= model.maxOutputTokens) return null;
  return { field: "maxOutputTokens", reason: `it answers with at most ${model.maxOutputTokens} tokens` };
}

function refusedTools({ tools, toolChoice }: AskedOfModel, { toolChoices }: Model): Refusal | null {
  if (tools.length === 0) return null;
  const wanted = typeof toolChoice === "string" ? toolChoice : "named";
  if (toolChoices.includes(wanted)) return null;
  const taken =
    toolChoices.length === 0 ? "it takes no tools" : `its tool choices are ${toolChoices.join(", ")}`;
  return { field: "toolChoice", reason: `it cannot be told that a tool is ${wanted}: ${taken}` };
}

/** How much a question's model thinks, and whether it has to be asked to. */
export function thinkingOf(
  { thinking: { mode, budgetTokens } }: Model,
  effort: Effort | null,
): Pick<ModelQuestion, "thinkingTokens" | "asksToThink"> {
  const thinks = effort !== "none";
  return { thinkingTokens: thinks ? budgetTokens : 0, asksToThink: thinks && mode === "adaptive" };
}
