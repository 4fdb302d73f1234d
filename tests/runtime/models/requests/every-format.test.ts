/** What holds of every format. */

import { describe, expect, test } from "vitest";
import { anthropicMessages } from "../../../../runtime/models/anthropic-messages.ts";
import { geminiInteractions } from "../../../../runtime/models/gemini-interactions.ts";
import { gemini } from "../../../../runtime/models/gemini.ts";
import { openaiResponses } from "../../../../runtime/models/openai-responses.ts";
import { fromUtf8 } from "../../../../protocol/bytes.ts";
import { question } from "../../../enclave/support/questions.ts";
import { full, openaiChat } from "../support/full-question.ts";

describe("every format", () => {
  const formats = { openaiChat, openaiResponses, anthropicMessages, gemini, geminiInteractions };

  test.for(Object.entries(formats))("%s tells a chosen tool by its name", ([, format]) => {
    const body = fromUtf8(format.encodeQuestion(question({ ...full, toolChoice: { name: "weather" } })).body);
    const choice = JSON.parse(body) as Record<string, unknown>;
    const { tool_choice: plain, toolConfig, generation_config: config } = choice;
    expect(JSON.stringify(plain ?? toolConfig ?? config)).toContain("weather");
  });

  test.for(Object.entries(formats))("%s holds no credential in what it encodes", ([, format]) => {
    const { headers, path } = format.encodeQuestion(question());
    expect(Object.keys(headers).some((name) => /auth|key/iu.test(name))).toBe(false);
    expect(path).not.toContain("key");
  });
});
