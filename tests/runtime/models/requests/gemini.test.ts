/** What Google's formats send, to the last field: whatever is not in these bodies is never sent. */

import { describe, expect, test } from "vitest";
import { geminiInteractions } from "../../../../runtime/models/gemini-interactions.ts";
import { gemini } from "../../../../runtime/models/gemini.ts";
import { EFFORTS } from "../../../../runtime/models/model-format.ts";
import { fromUtf8 } from "../../../../protocol/bytes.ts";
import { codeOf } from "../../../support/code-of.ts";
import { question } from "../../../enclave/support/questions.ts";
import { full, schemaJson, sent } from "../support/full-question.ts";

describe("Gemini", () => {
  test("sends every field that it knows, and no other", () => {
    const encoded = gemini.encodeQuestion(question({ ...full, seed: 7 }));
    expect(encoded.path).toBe("/models/model-1:streamGenerateContent?alt=sse");
    expect(JSON.parse(fromUtf8(encoded.body))).toEqual({
      systemInstruction: { parts: [{ text: "Be brief." }, { text: "Be kind." }] },
      store: false,
      contents: [
        { role: "user", parts: [{ text: "hello" }] },
        {
          role: "model",
          parts: [
            { text: "One moment." },
            { functionCall: { id: "call_1", name: "weather", args: { city: "Delphi" } } },
            { functionCall: { id: "call_2", name: "weather", args: { city: "Delphi" } } },
          ],
        },
        {
          role: "user",
          parts: [{ functionResponse: { id: "call_1", name: "weather", response: { output: "sun" } } }],
        },
        {
          role: "user",
          parts: [{ functionResponse: { id: "call_2", name: "weather", response: { output: "rain" } } }],
        },
        { role: "model", parts: [{ text: "Both." }] },
        { role: "user", parts: [{ text: "thanks" }] },
      ],
      generationConfig: {
        maxOutputTokens: 100,
        temperature: 0.5,
        topP: 0.9,
        seed: 7,
        thinkingConfig: { thinkingLevel: "LOW" },
        responseMimeType: "application/json",
        responseJsonSchema: {
          ...schemaJson,
          properties: {
            n: { ...schemaJson.properties.n, items: { type: "string", description: "(maxLength 3)" } },
            k: { enum: ["fixed"] },
          },
        },
      },
      tools: [
        {
          functionDeclarations: [
            {
              name: "weather",
              description: "The weather",
              parametersJsonSchema: { type: "object", properties: {} },
            },
          ],
        },
      ],
      toolConfig: { functionCallingConfig: { mode: "ANY" } },
    });
  });

  test("keeps the key out of the URL, and a model's name from being more of it", () => {
    expect(gemini.credentialHeaders("k")).toEqual({ "x-goog-api-key": "k" });
    const { path } = gemini.encodeQuestion(question({ model: "tuned/a?key=b" }));
    expect(path).toBe("/models/tuned/a%3Fkey%3Db:generateContent");
  });
});

describe("Gemini Interactions", () => {
  test("sends every field that it knows, and no other", () => {
    const steps = ["call_1", "call_2"].map((id) => ({
      type: "function_call",
      id,
      name: "weather",
      arguments: { city: "Delphi" },
    }));
    const text = (words: string): unknown => [{ type: "text", text: words }];
    expect(sent(geminiInteractions, { ...full, seed: 7 })).toEqual({
      model: "model-1",
      system_instruction: "Be brief.\n\nBe kind.",
      input: [
        { type: "user_input", content: text("hello") },
        { type: "model_output", content: text("One moment.") },
        ...steps,
        { type: "function_result", call_id: "call_1", name: "weather", result: "sun" },
        { type: "function_result", call_id: "call_2", name: "weather", result: "rain" },
        { type: "model_output", content: text("Both.") },
        { type: "user_input", content: text("thanks") },
      ],
      store: false,
      stream: true,
      response_format: {
        type: "text",
        mime_type: "application/json",
        schema: {
          ...schemaJson,
          properties: {
            n: { ...schemaJson.properties.n, items: { type: "string", description: "(maxLength 3)" } },
            k: { enum: ["fixed"] },
          },
        },
      },
      tools: [
        {
          type: "function",
          name: "weather",
          description: "The weather",
          parameters: { type: "object", properties: {} },
        },
      ],
      generation_config: {
        max_output_tokens: 100,
        temperature: 0.5,
        top_p: 0.9,
        seed: 7,
        thinking_level: "low",
        tool_choice: "any",
      },
    });
  });
});

describe("Gemini's thinking levels", () => {
  const formats = [
    ["gemini", gemini],
    ["gemini-interactions", geminiInteractions],
  ] as const;

  test.for(formats.flatMap(([name, format]) => EFFORTS.map((effort) => [name, effort, format] as const)))(
    "%s asked for %s effort: sent where there is a level of that name, else refused",
    ([, effort, format]) => {
      const encode = (): string => fromUtf8(format.encodeQuestion(question({ effort })).body);
      if (["minimal", "low", "medium", "high"].includes(effort))
        expect(encode().toLowerCase()).toContain(`"${effort}"`);
      else expect(codeOf(encode)).toBe("INPUT_INVALID");
    },
  );
});
