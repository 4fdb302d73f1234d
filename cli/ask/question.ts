/** What `adyton ask` asks, as the prompt that goes on chain. Refused here is what no enclave would take. */

import {
  checkPrompt,
  Effort,
  OutputKind,
  PanelRule,
  PROVIDER_DEFAULT_SAMPLING,
  Role,
  type Prompt,
} from "../../protocol/prompt.ts";
import type { PromptPart } from "../../protocol/prompt-part.ts";
import { InputError } from "../../protocol/errors.ts";
import type { EffortName, PanelRuleName } from "./settings.ts";

/** `Inference.DEFAULT_MAX_OUTPUT_TOKENS`. */
const DEFAULT_MAX_OUTPUT_TOKENS = 1_024;

export interface Question {
  readonly question: string;
  /** Several make a panel. */
  readonly models: readonly string[];
  /** null: text. */
  readonly outputType: string | null;
  readonly system?: string | undefined;
  readonly panel?: PanelRuleName | undefined;
  readonly quorum?: number | undefined;
  readonly effort?: EffortName | undefined;
  readonly temperatureMilli?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly parts?: readonly PromptPart[];
}

/** @throws {InputError} INPUT_INVALID saying what is wrong */
export function toPrompt(asked: Question): Prompt {
  const { question, models, outputType, system, effort, temperatureMilli } = asked;
  return checkPrompt({
    models: [...models],
    ...toPanel(asked),
    messages: [
      ...(system === undefined ? [] : [{ role: Role.system, content: system }]),
      { role: Role.user, content: question },
    ],
    maxOutputTokens: asked.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS,
    sampling: {
      ...PROVIDER_DEFAULT_SAMPLING,
      ...(temperatureMilli === undefined ? {} : { temperatureMilli }),
      ...(effort === undefined ? {} : { effort: Effort[effort] }),
    },
    format:
      outputType === null
        ? { kind: OutputKind.text, schema: "", choices: [] }
        : { kind: OutputKind.abi, schema: outputType, choices: [] },
    parts: [...(asked.parts ?? [])],
  });
}

/** Without a word on it, more than half decide; the other rules hear everybody, since a host can cut members off. */
function toPanel({ models, panel, quorum }: Question): Pick<Prompt, "panelRule" | "panelQuorum"> {
  if (models.length === 1) {
    if (panel === undefined && quorum === undefined) return { panelRule: PanelRule.none, panelQuorum: 0 };
    throw new InputError({
      code: "INPUT_INVALID",
      message: "--panel and --quorum are for several models: name each with a --model of its own",
    });
  }
  const rule = panel ?? "majority";
  const enough = rule === "majority" ? Math.floor(models.length / 2) + 1 : models.length;
  return { panelRule: PanelRule[rule], panelQuorum: quorum ?? enough };
}

/** Whether the plainest entry of a contract asks it: one model, one text, and every setting its default. */
export function isPlain({ models, messages, maxOutputTokens, sampling, parts }: Prompt): boolean {
  return (
    models.length === 1 &&
    messages.length === 1 &&
    maxOutputTokens === DEFAULT_MAX_OUTPUT_TOKENS &&
    sampling.temperatureMilli === PROVIDER_DEFAULT_SAMPLING.temperatureMilli &&
    sampling.effort === Effort.default &&
    parts.length === 0
  );
}
