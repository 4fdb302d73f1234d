/** What Anthropic's format sends, to the last field: whatever is not in these bodies is never sent. */

import { describe, expect, test } from "vitest";
import { anthropicMessages } from "../../../../runtime/models/anthropic-messages.ts";
import { type ModelQuestion } from "../../../../runtime/models/model-format.ts";
import { fromUtf8 } from "../../../../protocol/bytes.ts";
import { codeOf } from "../../../support/code-of.ts";
import { question } from "../../../enclave/support/questions.ts";
import { call, full, sent } from "../support/full-question.ts";

describe("Anthropic Messages", () => {
  test("sends every field that it knows, and no other", () => {
    expect(sent(anthropicMessages, full)).toEqual({
      model: "model-1",
      max_tokens: 100,
      system: [
        { type: "text", text: "Be brief." },
        { type: "text", text: "Be kind." },
      ],
      messages: [
        { role: "user", content: "hello" },
        {
          role: "assistant",
          content: [
            { type: "text", text: "One moment." },
            { type: "tool_use", id: "call_1", name: "weather", input: { city: "Delphi" } },
            { type: "tool_use", id: "call_2", name: "weather", input: { city: "Delphi" } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "call_1", content: "sun" },
            { type: "tool_result", tool_use_id: "call_2", content: "rain" },
          ],
        },
        { role: "assistant", content: "Both." },
        { role: "user", content: "thanks" },
      ],
      stream: true,
      temperature: 0.5,
      top_p: 0.9,
      output_config: {
        effort: "low",
        format: {
          type: "json_schema",
          schema: {
            type: "object",
            properties: {
              n: {
                type: "array",
                items: { type: "string", description: "(maxLength 3)" },
                description: "(minItems 2, maxItems 2)",
              },
              k: { const: "fixed" },
            },
            required: ["n", "k"],
            additionalProperties: false,
          },
        },
      },
      tools: [
        { name: "weather", description: "The weather", input_schema: { type: "object", properties: {} } },
      ],
      tool_choice: { type: "any" },
    });
  });

  test.for(["low", "medium", "high", "xhigh", "max"] as const)("asks for %s effort", (effort) => {
    const body = JSON.parse(fromUtf8(anthropicMessages.encodeQuestion(question({ effort })).body)) as object;
    expect(body).toMatchObject({ output_config: { effort } });
    expect(body).not.toHaveProperty("thinking");
  });

  test("asks for no effort by switching thinking off", () => {
    const { body } = anthropicMessages.encodeQuestion(question({ effort: "none" }));
    expect(JSON.parse(fromUtf8(body))).toMatchObject({ thinking: { type: "disabled" } });
    expect(JSON.parse(fromUtf8(body))).not.toHaveProperty("output_config");
  });

  test("names the version of the API, and the key in its own header", () => {
    expect(anthropicMessages.encodeQuestion(question()).headers["anthropic-version"]).toBe("2023-06-01");
    expect(anthropicMessages.credentialHeaders("k")).toEqual({ "x-api-key": "k" });
  });

  test.for([
    ["a seed", { seed: 1 }],
    ["an effort below low", { effort: "minimal" }],
    ["a temperature above 1", { temperature: 1.5 }],
    [
      "a system message amid the dialogue",
      {
        messages: [
          { role: "user", content: "a" },
          { role: "system", content: "b" },
        ],
      },
    ],
    [
      "arguments of a tool that are no object",
      { messages: [{ role: "assistant", content: "", toolCalls: [{ ...call, arguments: "[1]" }] }] },
    ],
  ] satisfies [string, Partial<ModelQuestion>][])("refuses %s rather than leave it out", ([, change]) => {
    expect(codeOf(() => anthropicMessages.encodeQuestion(question(change)))).toBe("INPUT_INVALID");
  });
});
