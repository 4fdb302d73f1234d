/** OpenAI Responses. https://platform.openai.com/docs/api-reference/responses */

import { z } from "zod";
import { toUtf8 } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import type {
  EncodedQuestion,
  ModelFormat,
  ModelMessage,
  ModelQuestion,
  ModelReply,
  StopReason,
  StreamReader,
} from "./model-format.ts";
import { malformed, parseBody, parseText, providerError, tokenCount, truncated } from "./response-body.ts";

export const openaiResponses: ModelFormat = {
  encodeQuestion,
  credentialHeaders: (credential) => ({ authorization: `Bearer ${credential}` }),
  parseReply: (body) => toReply(parseBody(Response, body)),
  createStreamReader,
};

function encodeQuestion(question: ModelQuestion): EncodedQuestion {
  const { schema, tools } = question;
  const body: Json = {
    model: question.model,
    input: question.messages.flatMap(toInput),
    max_output_tokens: question.maxOutputTokens,
    // The default keeps the conversation at the provider for thirty days.
    store: false,
    stream: question.stream,
    ...(question.temperature === null ? {} : { temperature: question.temperature }),
    ...(question.topP === null ? {} : { top_p: question.topP }),
    ...(question.effort === null ? {} : { reasoning: { effort: question.effort } }),
    ...(schema === null
      ? {}
      : {
          text: {
            format: { type: "json_schema", name: "answer", strict: schema.strict, schema: schema.json },
          },
        }),
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            type: "function",
            name,
            description,
            parameters,
            strict: false,
          })),
        }),
  };
  return {
    path: "/responses",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: toUtf8(JSON.stringify(body)),
  };
}

function toInput(message: ModelMessage): readonly Json[] {
  if (message.role === "tool") {
    return [{ type: "function_call_output", call_id: message.toolCallId, output: message.content }];
  }
  const { role, content } = message;
  const calls = role === "assistant" ? (message.toolCalls ?? []) : [];
  return [
    ...(content === "" && calls.length > 0 ? [] : [{ role, content }]),
    ...calls.map((call) => ({
      type: "function_call",
      call_id: call.id ?? "",
      name: call.name,
      arguments: call.arguments,
    })),
  ];
}

const Response = z.object({
  id: z.string().nullish(),
  model: z.string().nullish(),
  status: z.string(),
  incomplete_details: z.object({ reason: z.string().nullish() }).nullish(),
  output: z.array(
    z.object({
      type: z.string(),
      phase: z.string().nullish(),
      name: z.string().nullish(),
      call_id: z.string().nullish(),
      arguments: z.unknown().optional(),
      input: z.unknown().optional(),
      content: z
        .array(z.object({ type: z.string(), text: z.string().nullish(), refusal: z.string().nullish() }))
        .nullish(),
    }),
  ),
  usage: z.object({ input_tokens: tokenCount, output_tokens: tokenCount }).nullish(),
});
type Response = z.output<typeof Response>;

function toReply(response: Response): ModelReply {
  const { id, model, output, usage } = response;
  const messages = output.filter(({ type }) => type === "message");
  // Some models think aloud in messages of their own; only what they call final is the answer.
  const final = messages.filter(({ phase }) => phase === "final_answer");
  const parts = (final.length > 0 ? final : messages).flatMap(({ content }) => content ?? []);
  const toolCalls = output
    .filter(({ type }) => type === "function_call" || type === "custom_tool_call")
    .map((item) => ({
      id: item.call_id ?? null,
      name: item.name ?? "",
      arguments: asText(item.arguments) ?? asText(item.input) ?? "",
    }));
  const refused = parts.some(({ type }) => type === "refusal");
  return {
    returnedModel: model ?? null,
    responseId: id ?? null,
    usage: usage ? { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens } : null,
    stop: refused ? "refused" : stopReason(response, toolCalls.length),
    text: parts.map(({ type, text }) => (type === "output_text" ? (text ?? "") : "")).join(""),
    toolCalls,
  };
}

function asText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function stopReason({ status, incomplete_details: details }: Response, toolCalls: number): StopReason {
  if (status === "completed") return toolCalls > 0 ? "toolCalls" : "complete";
  if (details?.reason === "max_output_tokens") return "length";
  if (details?.reason === "content_filter") return "refused";
  return "other";
}

const Event = z.object({
  type: z.string(),
  delta: z.unknown().optional(),
  response: z.unknown().optional(),
  code: z.string().nullish(),
});

/** The last event repeats the whole response; what came before is only good for showing progress. */
function createStreamReader(): StreamReader {
  let final: Response | null = null;
  let started = false;
  return {
    push: (data) => {
      if (data === "[DONE]") return "";
      const event = parseText(Event, data);
      if (final !== null) throw malformed("the stream goes on after its end");
      switch (event.type) {
        case "response.created":
          if (started) throw malformed("a second response begins inside the first");
          started = true;
          return "";
        case "response.output_text.delta":
          return asText(event.delta) ?? "";
        case "response.completed":
        case "response.incomplete":
          final = toResponse(event.response);
          return "";
        case "response.failed":
        case "error":
          throw providerError({ code: event.code ?? null });
        default:
          return "";
      }
    },
    finish: () => {
      if (final === null) throw truncated();
      return toReply(final);
    },
  };
}

function toResponse(value: unknown): Response {
  const result = Response.safeParse(value);
  if (result.success) return result.data;
  throw malformed("the stream's last event holds no response", result.error);
}
