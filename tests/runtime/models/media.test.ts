/** Images and documents: what is taken, and how each provider's format carries them. */

import { describe, expect, test } from "vitest";
import { mostInputTokens } from "../../../enclave/answers/worst-case.ts";
import { fromUtf8 } from "../../../protocol/bytes.ts";
import { anthropicMessages } from "../../../runtime/models/anthropic-messages.ts";
import { geminiInteractions } from "../../../runtime/models/gemini-interactions.ts";
import { gemini } from "../../../runtime/models/gemini.ts";
import { DOCUMENT_TYPES, IMAGE_TYPES, readDataUrl, readMedia } from "../../../runtime/models/media.ts";
import type { ModelFormat } from "../../../runtime/models/model-format.ts";
import { findRefusal } from "../../../runtime/models/model-limits.ts";
import { createOpenaiChat, DEFAULT_CHAT_DIALECT } from "../../../runtime/models/openai-chat.ts";
import { openaiResponses } from "../../../runtime/models/openai-responses.ts";
import { codeOf } from "../../support/code-of.ts";
import { DOCUMENT, IMAGES, PNG } from "../../enclave/support/media.ts";
import { question } from "../../enclave/support/questions.ts";

const image = readMedia("image/png", PNG, IMAGE_TYPES);
const document = { ...readMedia("application/pdf", DOCUMENT, DOCUMENT_TYPES), name: "terms.pdf" };
const messages = [
  {
    role: "user",
    content: "Does this match that?",
    parts: [{ text: "Does this" }, { media: image }, { text: " match that?" }, { media: document }],
  },
] as const;

const sent = (format: ModelFormat): Record<string, unknown> =>
  JSON.parse(fromUtf8(format.encodeQuestion(question({ messages })).body)) as Record<string, unknown>;
const pngUrl = `data:image/png;base64,${PNG}`;
const pdfUrl = `data:application/pdf;base64,${DOCUMENT}`;

describe("are sent in their places", () => {
  test("by Chat Completions", () => {
    expect(sent(createOpenaiChat(DEFAULT_CHAT_DIALECT))["messages"]).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "Does this" },
          { type: "image_url", image_url: { url: pngUrl } },
          { type: "text", text: " match that?" },
          { type: "file", file: { filename: "terms.pdf", file_data: pdfUrl } },
        ],
      },
    ]);
  });

  test("by Responses", () => {
    expect(sent(openaiResponses)["input"]).toEqual([
      {
        role: "user",
        content: [
          { type: "input_text", text: "Does this" },
          { type: "input_image", image_url: pngUrl, detail: "auto" },
          { type: "input_text", text: " match that?" },
          { type: "input_file", filename: "terms.pdf", file_data: pdfUrl },
        ],
      },
    ]);
  });

  test("by Anthropic Messages", () => {
    expect(sent(anthropicMessages)["messages"]).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "Does this" },
          { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
          { type: "text", text: " match that?" },
          {
            type: "document",
            source: { type: "base64", media_type: "application/pdf", data: DOCUMENT },
            title: "terms.pdf",
          },
        ],
      },
    ]);
  });

  test("by Gemini", () => {
    expect(sent(gemini)["contents"]).toEqual([
      {
        role: "user",
        parts: [
          { text: "Does this" },
          { inlineData: { mimeType: "image/png", data: PNG } },
          { text: " match that?" },
          { inlineData: { mimeType: "application/pdf", data: DOCUMENT } },
        ],
      },
    ]);
  });

  test("by Gemini Interactions", () => {
    expect(sent(geminiInteractions)["input"]).toEqual([
      {
        type: "user_input",
        content: [
          { type: "text", text: "Does this" },
          { type: "image", data: PNG, mime_type: "image/png" },
          { type: "text", text: " match that?" },
          { type: "document", data: DOCUMENT, mime_type: "application/pdf" },
        ],
      },
    ]);
  });
});

describe("are taken", () => {
  test.for(Object.entries(IMAGES))("as %s", ([type, base64]) => {
    expect(readDataUrl(`data:${type};base64,${base64}`, IMAGE_TYPES)).toEqual({
      mediaType: type,
      base64,
      name: null,
    });
  });

  test.for<readonly [string, string]>([
    ["a URL, which a provider would fetch by itself", "https://x/y.png"],
    ["a type that no provider takes", `data:image/gif;base64,${PNG}`],
    ["a document where an image is asked for", pdfUrl],
    ["bytes of another type than their label", `data:image/jpeg;base64,${PNG}`],
    ["another spelling of the bytes", `data:image/png;base64,${PNG}\n`],
    ["nothing", "data:image/png;base64,"],
  ])("but not %s", ([, url]) => {
    expect(codeOf(() => readDataUrl(url, IMAGE_TYPES))).toBe("INPUT_INVALID");
  });
});

describe("a model", () => {
  const media = { types: ["image/png"], imageTokens: 1_500, documentTokens: 90_000 } as const;
  const asked = { ...question({ messages }), mediaTypes: ["image/png", "application/pdf"] } as const;

  test("that does not take a type refuses it before anybody is asked", () => {
    const sampling = { temperature: true, topP: true, seed: true, efforts: [], exclusive: [] };
    const model = { media, sampling, options: [], toolChoices: [], maxOutputTokens: 1e6 } as never;
    expect(findRefusal(asked, model)).toEqual({
      field: "mediaTypes",
      reason: "it takes no application/pdf: only image/png",
    });
  });

  test("is paid for each, by the behaviour file's bound", () => {
    const text = mostInputTokens(question({ messages: [{ role: "user", content: messages[0].content }] }), {
      media,
    } as never);
    expect(mostInputTokens(question({ messages }), { media } as never) - text).toBe(1_500 + 90_000);
  });
});
