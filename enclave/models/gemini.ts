/** Gemini generateContent. https://ai.google.dev/api/generate-content */

import { z } from "zod";
import { toUtf8 } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { GeminiCalls } from "./gemini-calls.ts";
import type {
  EncodedQuestion,
  ModelFormat,
  ModelMessage,
  ModelQuestion,
  ModelReply,
  StreamReader,
} from "./model-format.ts";
import { malformed, parseBody, parseText, tokenCount, truncated } from "./response-body.ts";
import { geminiStopReason } from "./stop-reasons.ts";

export const gemini: ModelFormat = {
  encodeQuestion,
  credentialHeaders: (credential) => ({ "x-goog-api-key": credential }),
  parseReply: (body) => {
    const reader = new GeminiReader();
    reader.take(parseBody(Content, body));
    return reader.finish();
  },
  createStreamReader: () => new GeminiReader(),
};

function encodeQuestion(question: ModelQuestion): EncodedQuestion {
  const { schema, tools, messages, effort } = question;
  const system = messages.filter(({ role }) => role === "system");
  const body: Json = {
    contents: messages.filter(({ role }) => role !== "system").map(toContent),
    ...(system.length === 0
      ? {}
      : { systemInstruction: { parts: system.map(({ content }) => ({ text: content })) } }),
    generationConfig: {
      maxOutputTokens: question.maxOutputTokens,
      ...(question.temperature === null ? {} : { temperature: question.temperature }),
      ...(question.topP === null ? {} : { topP: question.topP }),
      ...(question.seed === null ? {} : { seed: question.seed }),
      ...(effort === null ? {} : { thinkingConfig: { thinkingLevel: effort } }),
      ...(schema === null ? {} : { responseMimeType: "application/json", responseJsonSchema: schema.json }),
    },
    ...(tools.length === 0
      ? {}
      : {
          tools: [
            {
              functionDeclarations: tools.map(({ name, description, parameters }) => ({
                name,
                description,
                parametersJsonSchema: parameters,
              })),
            },
          ],
        }),
  };
  const method = question.stream ? "streamGenerateContent?alt=sse" : "generateContent";
  return {
    path: `/models/${encodeURIComponent(question.model)}:${method}`,
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: toUtf8(JSON.stringify(body)),
  };
}

function toContent(message: ModelMessage): Json {
  if (message.role === "tool") {
    const response = { name: message.name, response: { result: message.content } };
    return { role: "user", parts: [{ functionResponse: response }] };
  }
  const calls = message.role === "assistant" ? (message.toolCalls ?? []) : [];
  return {
    role: message.role === "assistant" ? "model" : "user",
    parts: [
      ...(message.content === "" && calls.length > 0 ? [] : [{ text: message.content }]),
      ...calls.map((call) => ({
        functionCall: { name: call.name, args: JSON.parse(call.arguments) as Json },
      })),
    ],
  };
}

const FunctionCall = z.object({
  id: z.string().nullish(),
  name: z.string().nullish(),
  args: z.unknown().optional(),
  partialArgs: z.array(z.looseObject({ jsonPath: z.string().max(1_024) })).nullish(),
  willContinue: z.boolean().nullish(),
});

const Content = z
  .object({
    responseId: z.string().nullish(),
    modelVersion: z.string().nullish(),
    promptFeedback: z.object({ blockReason: z.string().nullish() }).nullish(),
    candidates: z
      .array(
        z.object({
          finishReason: z.string().nullish(),
          content: z
            .object({
              parts: z
                .array(
                  z.object({
                    text: z.string().nullish(),
                    thought: z.boolean().nullish(),
                    functionCall: FunctionCall.nullish(),
                  }),
                )
                .nullish(),
            })
            .nullish(),
        }),
      )
      .nullish(),
    usageMetadata: z
      .object({
        promptTokenCount: tokenCount.nullish(),
        candidatesTokenCount: tokenCount.nullish(),
        thoughtsTokenCount: tokenCount.nullish(),
      })
      .nullish(),
  })
  .refine(({ candidates, promptFeedback }) => Boolean(candidates) || Boolean(promptFeedback), {
    error: "neither candidates nor feedback",
  });
type Content = z.output<typeof Content>;

/** A stream's events have the form of a whole response: both are read the same way. */
class GeminiReader implements StreamReader {
  readonly #calls = new GeminiCalls();
  #id: string | null = null;
  #model: string | null = null;
  #usage: ModelReply["usage"] = null;
  #finish: string | null = null;
  #text = "";

  push = (data: string): string => this.take(parseText(Content, data));

  take(content: Content): string {
    if (this.#finish !== null) throw malformed("the stream goes on after its end");
    this.#id ??= content.responseId ?? null;
    this.#model ??= content.modelVersion ?? null;
    this.#count(content.usageMetadata);
    const [candidate] = content.candidates ?? [];
    this.#finish = candidate?.finishReason ?? content.promptFeedback?.blockReason ?? null;
    let added = "";
    for (const part of candidate?.content?.parts ?? []) {
      if (part.functionCall) this.#calls.take(part.functionCall);
      // Thoughts are summaries for people, not the answer.
      else if (part.thought !== true) added += part.text ?? "";
    }
    this.#text += added;
    return added;
  }

  #count(usage: Content["usageMetadata"]): void {
    if (usage?.promptTokenCount === undefined || usage.promptTokenCount === null) return;
    const outputTokens = (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0);
    this.#usage = { inputTokens: usage.promptTokenCount, outputTokens };
  }

  finish = (): ModelReply => {
    if (this.#finish === null) throw truncated();
    const toolCalls = this.#calls.all();
    return {
      returnedModel: this.#model,
      responseId: this.#id,
      usage: this.#usage,
      stop: geminiStopReason(this.#finish, toolCalls.length),
      text: this.#text,
      toolCalls,
    };
  };
}
