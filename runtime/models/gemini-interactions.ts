/** Gemini Interactions, used without its memory: https://ai.google.dev/api/interactions-api */

import type { Json } from "../../protocol/canonical-json.ts";
import { splitSystem, type DialogueMessage } from "./dialogue.ts";
import { checkGeminiOptions, toThinkingLevel } from "./gemini-effort.ts";
import { parseInteraction } from "./gemini-interactions-reply.ts";
import { createInteractionStreamReader } from "./gemini-interactions-stream.ts";
import { isDocument, type ContentPart } from "./media.ts";
import { tokenLimit, type EncodedQuestion, type ModelFormat, type ModelQuestion } from "./model-format.ts";
import { adaptSchema, GEMINI_SCHEMAS, isGeminiSchema } from "./provider-schema.ts";
import { encodeBody, parseArguments } from "./response-body.ts";

export const geminiInteractions: ModelFormat = {
  takesSchema: isGeminiSchema,
  encodeQuestion,
  credentialHeaders: (credential) => ({ "x-goog-api-key": credential }),
  parseReply: parseInteraction,
  createStreamReader: createInteractionStreamReader,
};

function encodeQuestion(question: ModelQuestion): EncodedQuestion {
  checkGeminiOptions(question);
  const { stream, schema } = question;
  const { system, dialogue } = splitSystem(question.messages);
  const format = { type: "text", mime_type: "application/json" };
  const body: Json = {
    model: question.model,
    input: dialogue.flatMap(encodeMessage),
    // Interactions are kept for later ones to refer to, unless told otherwise.
    store: false,
    stream,
    // One field for all of it here.
    ...(system.length === 0 ? {} : { system_instruction: system.join("\n\n") }),
    ...(schema === null
      ? {}
      : { response_format: { ...format, schema: adaptSchema(schema.json, GEMINI_SCHEMAS) } }),
    ...(question.tools.length === 0 ? {} : { tools: encodeTools(question) }),
    generation_config: encodeConfig(question),
  };
  return {
    path: "/interactions",
    headers: {
      "content-type": "application/json",
      accept: stream ? "text/event-stream" : "application/json",
    },
    body: encodeBody(body),
  };
}

function encodeConfig(question: ModelQuestion): Json {
  const { temperature, topP, seed, effort, tools, toolChoice, stop = [] } = question;
  const choices = { auto: "auto", required: "any", none: "none" } as const;
  const choice =
    typeof toolChoice === "string"
      ? choices[toolChoice]
      : { allowed_tools: { mode: "any", tools: [toolChoice.name] } };
  return {
    max_output_tokens: tokenLimit(question),
    ...(temperature === null ? {} : { temperature }),
    ...(topP === null ? {} : { top_p: topP }),
    ...(seed === null ? {} : { seed }),
    ...(stop.length === 0 ? {} : { stop_sequences: stop }),
    ...(effort === null ? {} : { thinking_level: toThinkingLevel(effort) }),
    ...(tools.length === 0 || toolChoice === "auto" ? {} : { tool_choice: choice }),
  };
}

function encodeTools({ tools }: ModelQuestion): Json {
  return tools.map(({ name, description, parameters }) => ({
    type: "function",
    name,
    ...(description === null ? {} : { description }),
    parameters,
  }));
}

function encodePart(part: ContentPart): Json {
  if ("text" in part) return { type: "text", text: part.text };
  const { media } = part;
  return { type: isDocument(media) ? "document" : "image", data: media.base64, mime_type: media.mediaType };
}

function encodeMessage(message: DialogueMessage): readonly Json[] {
  const text = [{ type: "text", text: message.content }];
  switch (message.role) {
    case "user":
      return [{ type: "user_input", content: message.parts?.map(encodePart) ?? text }];
    case "tool": {
      const { id, name } = message.call;
      return [{ type: "function_result", call_id: id ?? "", name, result: message.content }];
    }
    case "assistant": {
      const carry = message.carry ?? null;
      if (Array.isArray(carry)) return carry as readonly Json[];
      const calls = (message.toolCalls ?? []).flatMap((call): Json[] => [
        ...(call.signature === undefined ? [] : [{ type: "thought", signature: call.signature }]),
        { type: "function_call", id: call.id ?? "", name: call.name, arguments: parseArguments(call) },
      ]);
      return [...(message.content === "" ? [] : [{ type: "model_output", content: text }]), ...calls];
    }
  }
}
