import { thinkingModel, UNKNOWN_MODEL, type ProviderTemplate } from "./template.ts";

export const mistral: ProviderTemplate = {
  name: "mistral",
  title: "Mistral",
  sources: ["https://docs.mistral.ai/api/", "https://docs.mistral.ai/resources/cookbooks/mistral-reasoning"],
  readOn: "2026-11-29",
  format: "openai-chat",
  // Mistral answers fields that it does not know, `store` among them, with 422.
  dialect: { tokenLimit: "max_tokens", sendsStore: false },
  baseUrl: "https://api.mistral.ai/v1",
  keyVariable: "MISTRAL_API_KEY",
  models: [
    thinkingModel({
      mode: "default",
      upstreamName: "mistral-medium-2604",
      contextTokens: 262_144,
      outputTokens: 131_072,
      efforts: ["none", "high"],
      change: {
        sampling: { temperature: true, topP: true, seed: false, efforts: ["none", "high"] },
        options: ["stop", "oneToolCall"],
      },
    }),
    {
      upstreamName: "mistral-large-2512",
      contextTokens: 262_144,
      maxOutputTokens: 131_072,
      structuredOutput: "schema",
      sampling: { temperature: true, topP: true, seed: false, efforts: [] },
    },
  ],
  unknownModel: UNKNOWN_MODEL,
};
