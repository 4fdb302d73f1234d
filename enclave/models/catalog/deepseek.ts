import { thinkingModel, UNKNOWN_MODEL, type ModelTemplate, type ProviderTemplate } from "./template.ts";

const v4 = (upstreamName: string): ModelTemplate =>
  thinkingModel({
    mode: "default",
    upstreamName,
    contextTokens: 1_000_000,
    outputTokens: 384_000,
    // Whether it thinks at all is a field of its own in Chat Completions, which is not sent: `none` cannot be said.
    efforts: ["low", "high", "max"],
    // A JSON Schema in `response_format` changes nothing there.
    change: { structuredOutput: "instruction", options: ["stop"] },
  });

export const deepseek: ProviderTemplate = {
  name: "deepseek",
  title: "DeepSeek",
  sources: [
    "https://api-docs.deepseek.com/guides/thinking_mode",
    "https://api-docs.deepseek.com/api/create-chat-completion",
  ],
  readOn: "2026-11-29",
  format: "openai-chat",
  dialect: { tokenLimit: "max_tokens", sendsStore: false },
  baseUrl: "https://api.deepseek.com/v1",
  keyVariable: "DEEPSEEK_API_KEY",
  models: [v4("deepseek-v4-flash"), v4("deepseek-v4-pro")],
  unknownModel: UNKNOWN_MODEL,
};
