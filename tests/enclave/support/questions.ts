import type { ModelQuestion } from "../../../runtime/models/model-format.ts";

export function question(change: Partial<ModelQuestion> = {}): ModelQuestion {
  return {
    model: "model-1",
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "hello" },
    ],
    maxOutputTokens: 100,
    thinkingTokens: 0,
    asksToThink: false,
    temperature: null,
    topP: null,
    seed: null,
    effort: null,
    schema: null,
    tools: [],
    toolChoice: "auto",
    stream: false,
    ...change,
  };
}
