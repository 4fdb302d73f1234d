/** Every template by its name, and how one becomes a provider of a behaviour file. */

import type { BehaviourFile } from "../../configuration/behaviour.ts";
import { anthropic } from "./anthropic.ts";
import { deepseek } from "./deepseek.ts";
import { google } from "./google.ts";
import { mistral } from "./mistral.ts";
import { openai } from "./openai.ts";
import { azure, compatible, llamaCpp, ollama, openrouter, vllm } from "./servers.ts";
import type { ProviderTemplate } from "./template.ts";
import { xai } from "./xai.ts";

export const PROVIDER_TEMPLATES: readonly ProviderTemplate[] = [
  openai,
  anthropic,
  google,
  xai,
  mistral,
  deepseek,
  openrouter,
  azure,
  vllm,
  ollama,
  llamaCpp,
  compatible,
];

type ProviderFile = BehaviourFile["providers"][string];
type ModelFile = ProviderFile["models"][string];

export interface ProviderChoice {
  readonly baseUrl: string;
  /** Upstream names; none: all of the template's. Names that the template does not know get its `unknownModel`. */
  readonly models: readonly string[];
  readonly price: ModelFile["price"];
  /** Name of the secret that holds the key; null where the server asks for none. */
  readonly secret: string | null;
  /** For a server on the loopback, whose models are named by their weights. */
  readonly weightsSha256: string | null;
}

export function toProvider(template: ProviderTemplate, choice: ProviderChoice): ProviderFile {
  const { format, dialect, models, unknownModel } = template;
  const names = choice.models.length === 0 ? models.map(({ upstreamName }) => upstreamName) : choice.models;
  const terms = names.map((upstreamName): [string, ModelFile] => [
    upstreamName,
    {
      ...(models.find((model) => model.upstreamName === upstreamName) ?? { ...unknownModel, upstreamName }),
      price: choice.price,
      ...(choice.weightsSha256 === null ? {} : { weightsSha256: choice.weightsSha256 }),
    },
  ]);
  return {
    format,
    baseUrl: choice.baseUrl,
    ...(dialect === undefined ? {} : { dialect }),
    secret: choice.secret,
    connection: "fresh",
    minimumTls: "TLSv1.2",
    minimumScts: 0,
    models: Object.fromEntries(terms),
  };
}
