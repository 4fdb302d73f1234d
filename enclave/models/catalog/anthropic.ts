/** Anthropic's models: limits, prices and what each takes. */

import { SEES, thinkingModel, UNKNOWN_MODEL, type ModelTemplate, type ProviderTemplate } from "./template.ts";

const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const;

/** https://platform.claude.com/docs/en/build-with-claude/structured-outputs, Schema complexity limits */
const SCHEMA_LIMITS: ModelTemplate["schemaLimits"] = { optionalProperties: 24, unions: 16 };

/** @param thinks `always`: it refuses to be told not to, and to be told which tool to call; `unless told`: it takes both */
function claude(
  upstreamName: string,
  thinks: "always" | "unless told",
  mode: "default" | "adaptive" = "default",
): ModelTemplate {
  return thinkingModel({
    mode,
    upstreamName,
    contextTokens: 1_000_000,
    outputTokens: 128_000,
    efforts: thinks === "always" ? [...EFFORTS] : ["none", ...EFFORTS],
    change: {
      schemaLimits: SCHEMA_LIMITS,
      // While they think, they choose for themselves.
      toolChoices: ["auto", "none"],
      options: ["stop", "oneToolCall", "strictTools"],
      media: SEES,
    },
  });
}

export const anthropic: ProviderTemplate = {
  name: "anthropic",
  title: "Anthropic",
  sources: [
    "https://platform.claude.com/docs/en/models/overview",
    "https://platform.claude.com/docs/en/models/opus-5-5/migration-guide",
    "https://platform.claude.com/docs/en/models/haiku-5-5/overview",
    "https://platform.claude.com/docs/en/build-with-claude/structured-outputs",
  ],
  readOn: "2026-11-29",
  format: "anthropic-messages",
  baseUrl: "https://api.anthropic.com/v1",
  keyVariable: "ANTHROPIC_API_KEY",
  models: [
    claude("claude-opus-5-5", "always"),
    claude("claude-haiku-5-5", "unless told"),
    claude("claude-sonnet-5", "unless told"),
    // These think only when they are asked.
    claude("claude-opus-4-8", "unless told", "adaptive"),
  ],
  unknownModel: { ...UNKNOWN_MODEL, schemaLimits: SCHEMA_LIMITS, toolChoices: ["auto", "none"] },
};
