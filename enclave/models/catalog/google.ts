import { SEES, thinkingModel, UNKNOWN_MODEL, type ModelTemplate, type ProviderTemplate } from "./template.ts";

const gemini = (upstreamName: string, lowest: "minimal" | "low"): ModelTemplate =>
  thinkingModel({
    mode: "default",
    upstreamName,
    contextTokens: 1_048_576,
    outputTokens: 65_536,
    efforts: [...(lowest === "minimal" ? (["minimal"] as const) : []), "low", "medium", "high"],
    // Google states no number for the depth of its schemas, and refuses deep ones.
    change: { schemaLimits: { depth: 5 }, options: ["stop"], media: SEES },
  });

export const google: ProviderTemplate = {
  name: "google",
  title: "Google Gemini",
  sources: [
    "https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/guides/gemini-3-8-flash",
    "https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/guides/gemini-3-5-flash",
    "https://ai.google.dev/gemini-api/docs/models/gemini-3.1-pro-preview",
  ],
  readOn: "2026-11-29",
  format: "gemini",
  baseUrl: "https://generativelanguage.googleapis.com/v1beta",
  keyVariable: "GEMINI_API_KEY",
  models: [
    gemini("gemini-3.8-flash", "low"),
    gemini("gemini-3.7-flash", "low"),
    gemini("gemini-3.1-pro-preview", "low"),
    gemini("gemini-3.5-flash", "minimal"),
    gemini("gemini-3.1-flash-lite", "minimal"),
  ],
  unknownModel: { ...UNKNOWN_MODEL, structuredOutput: "schema" },
};
