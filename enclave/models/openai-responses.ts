/** OpenAI Responses: https://platform.openai.com/docs/api-reference/responses/create */

import type { Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
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
  if (question.seed !== null) {
    throw new InputError({ code: "INPUT_INVALID", message: "OpenAI Responses has no field for a seed" });
  }
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
    ...encodeSchema(question),
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
    default:
      return [{ role: message.role, content: message.content }];
  }
}

function encodeSchema({ schema }: ModelQuestion): Readonly<Record<string, Json>> {
  if (schema === null) return {};
  checkTakesSchema(isOpenaiSchema, schema.json);
  const strict = schema.strict && isStrictSchema(schema.json);
  const json = strict ? adaptSchema(schema.json, OPENAI_SCHEMAS) : schema.json;
  return { text: { format: { type: "json_schema", name: "answer", strict, schema: json } } };
}

function encodeTools({ tools, toolChoice }: ModelQuestion): Readonly<Record<string, Json>> {
  if (tools.length === 0) return {};
  const choice = typeof toolChoice === "string" ? toolChoice : { type: "function", name: toolChoice.name };
  return {
    tools: tools.map(({ name, description, parameters }) => ({
      type: "function",
      name,
      ...(description === null ? {} : { description }),
      parameters,
      strict: false,
    })),
    ...(toolChoice === "auto" ? {} : { tool_choice: choice }),
    // With nothing stored, reasoning between calls of tools travels with us, encrypted by OpenAI.
    include: ["reasoning.encrypted_content"],
  };
}
