/** OpenAI Responses: https://platform.openai.com/docs/api-reference/responses/create */

import type { Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { isDocument, toDataUrl, UNNAMED_DOCUMENT, type ContentPart } from "./media.ts";
import {
  tokenLimit,
  type EncodedQuestion,
  type ModelFormat,
  type ModelMessage,
  type ModelQuestion,
} from "./model-format.ts";
import { parseResponsesReply } from "./openai-responses-reply.ts";
import { createResponsesStreamReader } from "./openai-responses-stream.ts";
import {
  adaptSchema,
  checkTakesSchema,
  isOpenaiSchema,
  isStrictSchema,
  OPENAI_SCHEMAS,
} from "./provider-schema.ts";
import { encodeBody } from "./response-body.ts";

export const openaiResponses: ModelFormat = {
  takesSchema: isOpenaiSchema,
  encodeQuestion,
  credentialHeaders: (credential) => ({ authorization: `Bearer ${credential}` }),
  parseReply: parseResponsesReply,
  createStreamReader: createResponsesStreamReader,
};

function encodeQuestion(question: ModelQuestion): EncodedQuestion {
  const { stream } = question;
  if (question.seed !== null) throw cannotSay("a seed");
  if ((question.stop ?? []).length > 0) throw cannotSay("stop sequences");
  const body: Json = {
    model: question.model,
    input: question.messages.flatMap(encodeMessage),
    max_output_tokens: tokenLimit(question),
    stream,
    // Nothing is kept there: no conversation to continue, no log to read.
    store: false,
    ...(question.temperature === null ? {} : { temperature: question.temperature }),
    ...(question.topP === null ? {} : { top_p: question.topP }),
    ...(question.effort === null ? {} : { reasoning: { effort: question.effort } }),
    ...encodeText(question),
    ...encodeTools(question),
  };
  return {
    path: "/responses",
    headers: {
      "content-type": "application/json",
      accept: stream ? "text/event-stream" : "application/json",
    },
    body: encodeBody(body),
  };
}

function cannotSay(what: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `OpenAI Responses has no field for ${what}` });
}

function encodeMessage(message: ModelMessage): readonly Json[] {
  switch (message.role) {
    case "tool":
      return [{ type: "function_call_output", call_id: message.call.id ?? "", output: message.content }];
    case "assistant": {
      const carry = message.carry ?? null;
      if (Array.isArray(carry)) return carry as readonly Json[];
      const said: Json[] = message.content === "" ? [] : [{ role: "assistant", content: message.content }];
      const calls = (message.toolCalls ?? []).map(({ id, name, arguments: text }) => ({
        type: "function_call",
        call_id: id ?? "",
        name,
        arguments: text,
      }));
      return [...said, ...calls];
    }
    case "user":
      return [
        {
          role: "user",
          content: message.parts === undefined ? message.content : message.parts.map(encodePart),
        },
      ];
    case "system":
      return [{ role: "system", content: message.content }];
  }
}

function encodePart(part: ContentPart): Json {
  if ("text" in part) return { type: "input_text", text: part.text };
  const { media } = part;
  const url = toDataUrl(media);
  return isDocument(media)
    ? { type: "input_file", filename: media.name ?? UNNAMED_DOCUMENT, file_data: url }
    : { type: "input_image", image_url: url, detail: "auto" };
}

function encodeText(question: ModelQuestion): Readonly<Record<string, Json>> {
  const verbosity = question.verbosity ?? null;
  const text = { ...encodeSchema(question), ...(verbosity === null ? {} : { verbosity }) };
  return Object.keys(text).length === 0 ? {} : { text };
}

function encodeSchema({ schema }: ModelQuestion): Readonly<Record<string, Json>> {
  if (schema === null) return {};
  checkTakesSchema(isOpenaiSchema, schema.json);
  const strict = schema.strict && isStrictSchema(schema.json);
  const json = strict ? adaptSchema(schema.json, OPENAI_SCHEMAS) : schema.json;
  return { format: { type: "json_schema", name: "answer", strict, schema: json } };
}

function encodeTools({ tools, toolChoice, oneToolCall }: ModelQuestion): Readonly<Record<string, Json>> {
  if (tools.length === 0) return {};
  const choice = typeof toolChoice === "string" ? toolChoice : { type: "function", name: toolChoice.name };
  return {
    tools: tools.map(({ name, description, parameters, strict }) => ({
      type: "function",
      name,
      ...(description === null ? {} : { description }),
      parameters,
      strict: strict ?? false,
    })),
    ...(toolChoice === "auto" ? {} : { tool_choice: choice }),
    ...(oneToolCall === true ? { parallel_tool_calls: false } : {}),
    // With nothing stored, reasoning between calls of tools travels with us, encrypted by OpenAI.
    include: ["reasoning.encrypted_content"],
  };
}
