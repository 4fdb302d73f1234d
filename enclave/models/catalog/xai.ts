import { thinkingModel, UNKNOWN_MODEL, type ProviderTemplate } from "./template.ts";

export const xai: ProviderTemplate = {
  name: "xai",
  title: "xAI",
  sources: ["https://docs.x.ai/developers/models/grok-4.3-latest", "https://docs.x.ai/docs/guides/reasoning"],
  readOn: "2026-11-29",
  format: "openai-responses",
  baseUrl: "https://api.x.ai/v1",
  keyVariable: "XAI_API_KEY",
  models: [
    // xAI states no output limit of its own for it; this is what other catalogues measured.
    thinkingModel({
      mode: "default",
      upstreamName: "grok-4.3",
      contextTokens: 1_000_000,
      outputTokens: 30_000,
      efforts: ["none", "low", "medium", "high", "xhigh"],
    }),
  ],
  unknownModel: UNKNOWN_MODEL,
};
