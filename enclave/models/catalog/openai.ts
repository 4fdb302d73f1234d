/** OpenAI's models: limits, prices and what each takes. */

import { SEES, thinkingModel, UNKNOWN_MODEL, type ModelTemplate, type ProviderTemplate } from "./template.ts";

/** https://developers.openai.com/api/docs/guides/structured-outputs, Supported schemas */
const SCHEMA_LIMITS: ModelTemplate["schemaLimits"] = {
  depth: 10,
  properties: 5_000,
  enumValues: 1_000,
  characters: 120_000,
};

const gpt = (upstreamName: string, contextTokens: number, most: "xhigh" | "max"): ModelTemplate =>
  thinkingModel({
    mode: "default",
    upstreamName,
    contextTokens,
    outputTokens: 128_000,
    efforts: ["none", "low", "medium", "high", "xhigh", ...(most === "max" ? (["max"] as const) : [])],
    change: {
      schemaLimits: SCHEMA_LIMITS,
      options: ["verbosity", "oneToolCall", "strictTools"],
      media: SEES,
    },
  });

export const openai: ProviderTemplate = {
  name: "openai",
  title: "OpenAI",
  sources: [
    "https://developers.openai.com/api/docs/models",
    "https://developers.openai.com/api/docs/guides/reasoning",
    "https://developers.openai.com/api/docs/guides/structured-outputs",
  ],
  readOn: "2026-11-29",
  // Responses has one field for the token limit, whatever the model.
  format: "openai-responses",
  baseUrl: "https://api.openai.com/v1",
  keyVariable: "OPENAI_API_KEY",
  models: [
    gpt("gpt-5.6-terra", 1_050_000, "max"),
    gpt("gpt-5.6-sol", 1_050_000, "max"),
    gpt("gpt-5.6-luna", 1_050_000, "max"),
    gpt("gpt-5.5", 1_050_000, "xhigh"),
    gpt("gpt-5.4-mini", 400_000, "xhigh"),
  ],
  unknownModel: { ...UNKNOWN_MODEL, structuredOutput: "schema", schemaLimits: SCHEMA_LIMITS },
};
