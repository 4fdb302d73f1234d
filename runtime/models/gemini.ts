/** Gemini generateContent: https://ai.google.dev/api/generate-content */

import type { Json } from "../../protocol/canonical-json.ts";
import { splitSystem, type DialogueMessage } from "./dialogue.ts";
import { checkGeminiOptions, toThinkingLevel } from "./gemini-effort.ts";
import { parseGeminiReply } from "./gemini-reply.ts";
import { createGeminiStreamReader } from "./gemini-stream.ts";
import type { ContentPart } from "./media.ts";
import { tokenLimit, type EncodedQuestion, type ModelFormat, type ModelQuestion } from "./model-format.ts";
import { adaptSchema, GEMINI_SCHEMAS, isGeminiSchema } from "./provider-schema.ts";
import { encodeBody, parseArguments } from "./response-body.ts";

export const gemini: ModelFormat = {
  takesSchema: isGeminiSchema,
  encodeQuestion,
  // In the query string it would be in the transcript's URLs, and in logs.
  credentialHeaders: (credential) => ({ "x-goog-api-key": credential }),
  parseReply: parseGeminiReply,
  createStreamReader: createGeminiStreamReader,
};

function encodeQuestion(question: ModelQuestion): EncodedQuestion {
  checkGeminiOptions(question);
  const { stream } = question;
  const { system, dialogue } = splitSystem(question.messages);
  const body: Json = {
    contents: dialogue.map(encodeMessage),
    // Takes precedence over what the project logs.
    store: false,
    ...(system.length === 0 ? {} : { systemInstruction: { parts: system.map((text) => ({ text })) } }),
    generationConfig: encodeConfig(question),
    ...encodeTools(question),
  };
  const method = stream ? "streamGenerateContent?alt=sse" : "generateContent";
  return {
    path: `/models/${question.model.split("/").map(encodeURIComponent).join("/")}:${method}`,
    headers: {
      "content-type": "application/json",
      accept: stream ? "text/event-stream" : "application/json",
    },
    body: encodeBody(body),
  };
}

function encodeConfig(question: ModelQuestion): Json {
  const { temperature, topP, seed, effort, schema, stop = [] } = question;
  return {
    maxOutputTokens: tokenLimit(question),
    ...(temperature === null ? {} : { temperature }),
    ...(topP === null ? {} : { topP }),
    ...(seed === null ? {} : { seed }),
    ...(stop.length === 0 ? {} : { stopSequences: stop }),
    ...(effort === null ? {} : { thinkingConfig: { thinkingLevel: toThinkingLevel(effort).toUpperCase() } }),
    ...(schema === null
      ? {}
      : {
          responseMimeType: "application/json",
          responseJsonSchema: adaptSchema(schema.json, GEMINI_SCHEMAS),
        }),
  };
}

function encodeMessage(message: DialogueMessage): Json {
  switch (message.role) {
    case "user":
      return { role: "user", parts: (message.parts ?? [{ text: message.content }]).map(encodePart) };
    case "tool": {
      const { id, name } = message.call;
      const response = { output: message.content };
      return {
        role: "user",
        parts: [{ functionResponse: { ...(id === null ? {} : { id }), name, response } }],
      };
    }
    case "assistant": {
      const said: Json[] = message.content === "" ? [] : [{ text: message.content }];
      const calls = (message.toolCalls ?? []).map((call) => ({
        functionCall: {
          ...(call.id === null ? {} : { id: call.id }),
          name: call.name,
          args: parseArguments(call),
        },
        ...(call.signature === undefined ? {} : { thoughtSignature: call.signature }),
      }));
      return { role: "model", parts: message.carry ?? [...said, ...calls] };
    }
  }
}

function encodePart(part: ContentPart): Json {
  if ("text" in part) return { text: part.text };
  return { inlineData: { mimeType: part.media.mediaType, data: part.media.base64 } };
}

function encodeTools({ tools, toolChoice }: ModelQuestion): Readonly<Record<string, Json>> {
  if (tools.length === 0) return {};
  const functionDeclarations = tools.map(({ name, description, parameters }) => ({
    name,
    ...(description === null ? {} : { description }),
    parametersJsonSchema: parameters,
  }));
  const modes = { auto: "AUTO", required: "ANY", none: "NONE" } as const;
  const functionCallingConfig =
    typeof toolChoice === "string"
      ? { mode: modes[toolChoice] }
      : { mode: "ANY", allowedFunctionNames: [toolChoice.name] };
  return {
    tools: [{ functionDeclarations }],
    ...(toolChoice === "auto" ? {} : { toolConfig: { functionCallingConfig } }),
  };
}
