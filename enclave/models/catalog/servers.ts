/** Servers that speak Chat Completions for models of their operator's choice: what they take, and no models. */

import { UNKNOWN_MODEL, type ModelTemplate, type ProviderTemplate } from "./template.ts";

type UnknownModel = Omit<ModelTemplate, "upstreamName">;

/** They enforce a JSON Schema by a grammar, and take sampling for any model. */
const ENFORCING: UnknownModel = {
  ...UNKNOWN_MODEL,
  structuredOutput: "schema",
  sampling: { temperature: true, topP: true, seed: true, efforts: [] },
  options: ["stop"],
};

const server = (
  name: string,
  title: string,
  source: string,
  change: Partial<ProviderTemplate> = {},
): ProviderTemplate => ({
  name,
  title,
  sources: [source],
  readOn: "2026-11-29",
  format: "openai-chat",
  // Weights that think in `<think>` tags do so wherever no parser takes those out.
  dialect: { tokenLimit: "max_tokens", sendsStore: false, reasoningTags: "strip" },
  baseUrl: null,
  keyVariable: null,
  models: [],
  unknownModel: ENFORCING,
  ...change,
});

export const vllm = server(
  "vllm",
  "vLLM",
  "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
);

export const ollama = server("ollama", "Ollama", "https://docs.ollama.com/api/openai-compatibility", {
  baseUrl: "http://127.0.0.1:11434/v1",
});

export const llamaCpp = server(
  "llama.cpp",
  "llama.cpp",
  "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
  { baseUrl: "http://127.0.0.1:8080/v1" },
);

export const openrouter = server(
  "openrouter",
  "OpenRouter",
  "https://openrouter.ai/docs/api/reference/parameters",
  {
    dialect: { tokenLimit: "max_tokens", sendsStore: false },
    baseUrl: "https://openrouter.ai/api/v1",
    keyVariable: "OPENROUTER_API_KEY",
    // Whether a model there enforces a schema is up to whoever serves it.
    unknownModel: UNKNOWN_MODEL,
  },
);

/** The v1 path of Azure OpenAI: `https://RESOURCE.openai.azure.com/openai/v1`; models are called by their deployment. */
export const azure = server(
  "azure",
  "Azure OpenAI",
  "https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle",
  {
    format: "openai-responses",
    dialect: undefined,
    keyVariable: "AZURE_OPENAI_API_KEY",
    unknownModel: { ...UNKNOWN_MODEL, structuredOutput: "schema" },
  },
);

/** Any other: what `ADYTON_MODEL_URL` may lead to. Unknown fields are kept to the fewest. */
export const compatible = server(
  "custom",
  "any server that speaks Chat Completions",
  "https://platform.openai.com/docs/api-reference/chat/create",
  { unknownModel: UNKNOWN_MODEL },
);
