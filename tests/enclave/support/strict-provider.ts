/**
 * Servers that refuse what the vendors' APIs of today refuse, one for each template of the catalogue: fields that they do not
 * know, sampling and efforts that the model does not take, and answers that are cut since thinking used up their tokens.
 */

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { answerStructured, answerText } from "../../../devnet/stand-in-answers.ts";

type Body = Readonly<Record<string, unknown>>;

/** Tokens that a model of these thinks before it says a word. */
const THOUGHT = 6_000;

export interface StrictApi {
  readonly path: RegExp;
  /** Fields that it knows, of the body and, dotted, of objects inside. */
  readonly fields: readonly string[];
  /** Why this body is refused; null when it is not. */
  readonly refusal: (body: Body) => string | null;
  readonly limit: (body: Body) => unknown;
  readonly question: (body: Body) => string;
  readonly schema: (body: Body) => unknown;
  readonly reply: (content: string, cut: boolean) => unknown;
}

const object = (value: unknown): Body => (value ?? {}) as Body;
const lastText = (value: unknown): string =>
  JSON.stringify((value as readonly unknown[] | undefined)?.at(-1) ?? "");

function refuses(body: Body, ...names: readonly string[]): string | null {
  const found = names.find((name) => name in body);
  return found === undefined ? null : `Unsupported parameter: '${found}' is not supported with this model.`;
}

function unknownEffort(effort: unknown, known: readonly string[]): string | null {
  const isKnown = effort === undefined || (known as readonly unknown[]).includes(effort);
  return isKnown ? null : `Unsupported effort: ${JSON.stringify(effort)}`;
}

const responses = (efforts: readonly string[]): StrictApi => ({
  path: /^\/v1\/responses$/,
  fields: [
    "model",
    "input",
    "max_output_tokens",
    "stream",
    "store",
    "reasoning",
    "reasoning.effort",
    "text",
    "text.format",
  ],
  refusal: (body) =>
    refuses(body, "temperature", "top_p") ?? unknownEffort(object(body["reasoning"])["effort"], efforts),
  limit: (body) => body["max_output_tokens"],
  question: (body) => lastText(body["input"]),
  schema: (body) => object(object(body["text"])["format"])["schema"],
  reply: (content, cut) => ({
    id: "resp_1",
    model: "m",
    status: cut ? "incomplete" : "completed",
    ...(cut ? { incomplete_details: { reason: "max_output_tokens" } } : {}),
    output: cut
      ? []
      : [{ type: "message", role: "assistant", content: [{ type: "output_text", text: content }] }],
  }),
});

const chat = (more: readonly string[], refusal: StrictApi["refusal"]): StrictApi => ({
  path: /^\/v1\/chat\/completions$/,
  fields: [
    "model",
    "messages",
    "stream",
    "temperature",
    "top_p",
    "response_format",
    "reasoning_effort",
    ...more,
  ],
  refusal,
  limit: (body) => body["max_tokens"] ?? body["max_completion_tokens"],
  question: (body) => lastText(body["messages"]),
  schema: (body) => object(object(body["response_format"])["json_schema"])["schema"],
  reply: (content, cut) => ({
    id: "chatcmpl-1",
    model: "m",
    choices: [{ index: 0, finish_reason: cut ? "length" : "stop", message: { role: "assistant", content } }],
  }),
});

export const STRICT_APIS: Readonly<Record<string, StrictApi>> = {
  openai: responses(["none", "low", "medium", "high", "xhigh", "max"]),
  azure: responses(["none", "low", "medium", "high"]),
  xai: responses(["none", "low", "medium", "high", "xhigh"]),
  anthropic: {
    path: /^\/v1\/messages$/,
    fields: [
      "model",
      "max_tokens",
      "messages",
      "stream",
      "system",
      "thinking",
      "output_config",
      "output_config.effort",
      "output_config.format",
      "thinking.type",
    ],
    refusal: (body) =>
      refuses(body, "temperature", "top_p") ??
      (object(body["thinking"])["type"] === "disabled" && body["model"] === "claude-opus-5-5"
        ? "thinking cannot be disabled"
        : null) ??
      unknownEffort(object(body["output_config"])["effort"], ["low", "medium", "high", "xhigh", "max"]),
    limit: (body) => body["max_tokens"],
    question: (body) => lastText(body["messages"]),
    schema: (body) => object(object(body["output_config"])["format"])["schema"],
    reply: (content, cut) => ({
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "m",
      content: [{ type: "text", text: content }],
      stop_reason: cut ? "max_tokens" : "end_turn",
    }),
  },
  google: {
    path: /^\/v1beta\/models\/[^/]+:generateContent$/,
    fields: [
      "contents",
      "store",
      "systemInstruction",
      "systemInstruction.parts",
      "generationConfig",
      ...["maxOutputTokens", "thinkingConfig", "responseMimeType", "responseJsonSchema"].map(
        (name) => `generationConfig.${name}`,
      ),
    ],
    refusal: (body) => {
      const level = object(object(body["generationConfig"])["thinkingConfig"])["thinkingLevel"];
      return unknownEffort(level, ["LOW", "MEDIUM", "HIGH"]);
    },
    limit: (body) => object(body["generationConfig"])["maxOutputTokens"],
    question: (body) => lastText(body["contents"]),
    schema: (body) => object(body["generationConfig"])["responseJsonSchema"],
    reply: (content, cut) => ({
      responseId: "r",
      modelVersion: "m",
      candidates: [
        { finishReason: cut ? "MAX_TOKENS" : "STOP", content: { role: "model", parts: [{ text: content }] } },
      ],
    }),
  },
  mistral: chat(["max_tokens"], (body) => unknownEffort(body["reasoning_effort"], ["none", "high"])),
  deepseek: chat(["max_tokens"], (body) =>
    "response_format" in body ? "This response_format type is unavailable now" : null,
  ),
  openrouter: chat(["max_tokens"], () => null),
  vllm: chat(["max_tokens", "seed"], () => null),
  ollama: chat(["max_tokens", "seed"], () => null),
  "llama.cpp": chat(["max_tokens", "seed"], () => null),
  custom: chat(["max_tokens"], () => null),
  /** OpenAI's models behind Chat Completions: what a URL of one's own may lead to. */
  "openai-chat": chat(["max_completion_tokens"], (body) =>
    refuses(body, "max_tokens", "temperature", "top_p"),
  ),
};

export interface StrictProvider {
  readonly origin: string;
  /** What it refused, in order. */
  readonly refusals: readonly string[];
  readonly bodies: readonly Body[];
  readonly stop: () => Promise<void>;
}

export async function startStrictProvider(api: StrictApi): Promise<StrictProvider> {
  const refusals: string[] = [];
  const bodies: Body[] = [];
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      bodies.push(body);
      const refusal = api.path.test(request.url ?? "")
        ? findRefusal(api, body)
        : `no such path: ${request.url ?? ""}`;
      if (refusal !== null) refusals.push(refusal);
      const payload = JSON.stringify(
        refusal === null ? answer(api, body) : { error: { type: "invalid_request_error", message: refusal } },
      );
      response.writeHead(refusal === null ? 200 : 400, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(payload),
      });
      response.end(payload);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    refusals,
    bodies,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function findRefusal(api: StrictApi, body: Body): string | null {
  for (const [name, value] of Object.entries(body)) {
    if (!api.fields.includes(name)) return `Unknown parameter: '${name}'.`;
    const inner = api.fields.filter((field) => field.startsWith(`${name}.`));
    if (inner.length === 0) continue;
    const unknown = Object.keys(object(value)).find((key) => !inner.includes(`${name}.${key}`));
    if (unknown !== undefined) return `Unknown parameter: '${name}.${unknown}'.`;
  }
  return api.refusal(body);
}

function answer(api: StrictApi, body: Body): unknown {
  const question = api.question(body);
  const schema = api.schema(body) ?? toldSchema(body);
  const cut = Number(api.limit(body)) <= (thinks(body) ? THOUGHT : 0);
  if (cut) return api.reply("", true);
  return api.reply(schema === undefined ? answerText(question) : answerStructured(question, schema), false);
}

/** One of these models never does, and the others not when they are told so. */
function thinks(body: Body): boolean {
  return body["model"] !== "mistral-large-2512" && !/"(?:none|disabled)"/u.test(JSON.stringify(body));
}

const TOLD = "It must fit this JSON Schema: ";

/** In the prompt, where it is not a field. */
function toldSchema(value: unknown): unknown {
  if (typeof value === "string") {
    const at = value.indexOf(TOLD);
    return at < 0 ? undefined : (JSON.parse(value.slice(at + TOLD.length)) as unknown);
  }
  if (typeof value !== "object" || value === null) return undefined;
  return Object.values(value)
    .map(toldSchema)
    .find((schema) => schema !== undefined);
}

async function read(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString()) as Body;
}
