/**
 * A local model endpoint behind TLS with its own freshly made authority, so that the demo needs no key and no network.
 * Every answer says that it comes from `stand-in-1`, or from its namesakes in a panel. Other names choose a way to fail.
 * What `stand-in-pages.ts` has is given to whoever asks with GET; with `--rpc URL`, `POST /rpc` is passed on to that server; with
 * `--files FOLDER`, `network-files.ts` gives what lies there.
 *
 * `node devnet/stand-in-model.ts --ca FILE [--port N] [--rpc URL] [--files FOLDER]` writes the authority's certificate to FILE and prints one JSON
 * line, `{"event":"listening","url":"https://127.0.0.1:…/v1"}`, when it answers.
 */

import { writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { answerStructured, answerText } from "./stand-in-answers.ts";
import { findFile } from "./network-files.ts";
import { findPage } from "./stand-in-pages.ts";
import { STAND_IN_MODEL, STAND_IN_PANEL } from "./stand-in-panel.ts";
import { createThrowawayAuthority } from "./throwaway-authority.ts";

const ADDRESS = "127.0.0.1";
/** How this machine looks from inside a virtual one (QEMU, user networking). */
const SEEN_FROM_QEMU = "10.0.2.2";
/** Bytes: a prompt whose images and documents fill it, in base64. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Milliseconds. */
const SLOW_MS = 2_000;
/** A name that says how long the answer takes, in milliseconds: what many calls that wait cost is measured with it. */
const SLOWER = /^slow-(\d{1,5})$/u;

interface Call {
  readonly model?: unknown;
  readonly stream?: unknown;
  readonly stream_options?: { readonly include_usage?: unknown };
  readonly messages?: readonly { readonly role?: unknown; readonly content?: unknown }[];
  readonly response_format?: { readonly json_schema?: { readonly schema?: unknown } };
}

function lastUserText({ messages }: Call): string {
  const last = messages?.findLast(({ role }) => role === "user");
  const content = last?.content;
  if (!Array.isArray(content)) return typeof content === "string" ? content : "";
  // Images and documents it does not look at: their number is all that it tells.
  const parts = content as readonly { readonly type?: unknown; readonly text?: unknown }[];
  const text = parts.map((part) => (typeof part.text === "string" ? part.text : "")).join("");
  const media = parts.filter(({ type }) => type !== "text").length;
  return media === 0 ? text : `${text} (with ${media} ${media === 1 ? "file" : "files"})`;
}

/** The model that answers: the one that was asked, unless that is a way to fail. */
function answeringModel({ model }: Call): string {
  return STAND_IN_PANEL.find((name) => name === model) ?? STAND_IN_MODEL;
}

function completion(call: Call, content: string | null, extra: Record<string, unknown> = {}): string {
  const message = { role: "assistant", content, refusal: null, ...extra };
  return JSON.stringify({
    id: "chatcmpl-stand-in",
    object: "chat.completion",
    model: answeringModel(call),
    choices: [{ index: 0, finish_reason: "stop", message }],
    usage: {
      prompt_tokens: Math.ceil(JSON.stringify(call.messages ?? []).length / 4),
      completion_tokens: Math.ceil((content ?? "").length / 4),
      total_tokens: Math.ceil((JSON.stringify(call.messages ?? []).length + (content ?? "").length) / 4),
    },
  });
}

function answer(call: Call): string {
  const schema = call.response_format?.json_schema?.schema;
  const question = lastUserText(call);
  return completion(call, schema === undefined ? answerText(question) : answerStructured(question, schema));
}

function send(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** The same answer, a word at a time. */
function stream(response: ServerResponse, call: Call): void {
  const whole = JSON.parse(answer(call)) as {
    readonly choices: readonly [{ readonly message: { readonly content: string } }];
    readonly usage: unknown;
  };
  const chunk = (choices: readonly unknown[], more: Record<string, unknown> = {}): void => {
    const head = { id: "chatcmpl-stand-in", object: "chat.completion.chunk", model: answeringModel(call) };
    response.write(`data: ${JSON.stringify({ ...head, choices, ...more })}\n\n`);
  };
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const word of whole.choices[0].message.content.split(/(?<= )/u))
    chunk([{ index: 0, delta: { content: word }, finish_reason: null }]);
  chunk([{ index: 0, delta: {}, finish_reason: "stop" }]);
  if (call.stream_options?.include_usage === true) chunk([], { usage: whole.usage });
  response.end("data: [DONE]\n\n");
}

/** Ways to fail, by the model's name: what a provider, or a network, does on a bad day. */
const FAILURES: Readonly<Record<string, (response: ServerResponse, call: Call) => void>> = {
  "http-500": (response) => {
    send(response, 500, '{"error":{"message":"stand-in: internal error","type":"server_error"}}');
  },
  "rate-limited": (response) => {
    send(response, 429, '{"error":{"message":"stand-in: slow down"}}', { "retry-after": "1" });
  },
  // Never answers; the caller's own patience ends it.
  timeout: () => undefined,
  // Right, but not soon: what many calls at once cost is measured with it.
  slow: (response, call) => {
    setTimeout(() => {
      send(response, 200, answer(call));
    }, SLOW_MS);
  },
  html: (response) => {
    send(response, 200, "<!doctype html><title>Maintenance</title>", { "content-type": "text/html" });
  },
  "not-a-bool": (response, call) => {
    send(response, 200, completion(call, "Well, it depends on what you mean by that."));
  },
  truncated: (response, call) => {
    const body = answer(call);
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    });
    response.write(body.slice(0, body.length / 2));
    setImmediate(() => response.destroy());
  },
  stalled: (response, call) => {
    const body = answer(call);
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    });
    response.write(body.slice(0, body.length / 2));
  },
  redirect: (response) => {
    send(response, 307, "", { location: "https://elsewhere.example/v1/chat/completions" });
  },
  refusal: (response, call) => {
    send(response, 200, completion(call, null, { refusal: "The stand-in declines." }));
  },
  "too-long": (response, call) => {
    send(response, 200, completion(call, "long ".repeat(40_000)));
  },
  // Wrong at first, right when told what was wrong.
  repairable: (response, call) => {
    const asked = (call.messages ?? []).filter(({ role }) => role === "user").length;
    send(response, 200, asked > 1 ? answerRepaired(call) : completion(call, "Sure! Here is the JSON:"));
  },
};

/** The question is the message before the repair. */
function answerRepaired(call: Call): string {
  const messages = (call.messages ?? []).slice(0, -2);
  return answer({ ...call, messages });
}

/** Passes a call on to a chain's server. */
async function passOn(rpcUrl: string, response: ServerResponse, body: Buffer): Promise<void> {
  const headers = { "content-type": "application/json" };
  try {
    const reply = await fetch(rpcUrl, { method: "POST", headers, body: body.toString() });
    send(response, reply.status, await reply.text());
  } catch {
    send(response, 502, '{"error":{"message":"stand-in: the chain does not answer"}}');
  }
}

interface Request {
  readonly request: IncomingMessage;
  readonly body: Buffer;
  readonly further: Further;
}

/** What it serves beside the model. */
export interface Further {
  /** Of a chain's server that `/rpc` is passed on to. */
  readonly rpcUrl?: string | undefined;
  /** Folder of `network-files.ts`. */
  readonly files?: string | undefined;
}

function respond({ request, body, further }: Request, response: ServerResponse): void {
  const { rpcUrl, files } = further;
  if (rpcUrl !== undefined && request.method === "POST" && request.url === "/rpc") {
    void passOn(rpcUrl, response, body);
    return;
  }
  // Anything may be asked with HEAD, for its Date.
  if (request.method === "HEAD") {
    response.writeHead(204).end();
    return;
  }
  const page = request.method === "GET" ? findPage(request.url ?? "") : undefined;
  if (page !== undefined) {
    send(response, 200, page, { "content-type": "text/plain; charset=utf-8" });
    return;
  }
  const file =
    request.method === "GET" && files !== undefined ? findFile(files, request.url ?? "") : undefined;
  if (file !== undefined) {
    send(response, 200, file, { "content-type": "application/octet-stream" });
    return;
  }
  if (request.method !== "POST" || request.url !== "/v1/chat/completions") {
    send(response, 404, '{"error":{"message":"stand-in: POST /v1/chat/completions"}}');
    return;
  }
  let call: Call;
  try {
    call = JSON.parse(body.toString()) as Call;
  } catch {
    send(response, 400, '{"error":{"message":"stand-in: not JSON"}}');
    return;
  }
  const model = String(call.model);
  const failure = FAILURES[model];
  const delay = SLOWER.exec(model)?.[1];
  if (failure !== undefined) {
    failure(response, call);
  } else if (delay !== undefined) {
    setTimeout(() => {
      send(response, 200, answer(call));
    }, Number(delay));
  } else if (STAND_IN_PANEL.includes(model) && call.stream === true) {
    stream(response, call);
  } else if (STAND_IN_PANEL.includes(model)) {
    send(response, 200, answer(call));
  } else {
    send(response, 404, '{"error":{"message":"stand-in: no such model","type":"invalid_request_error"}}');
  }
}

export interface StandInModel {
  /** Base URL of the OpenAI-compatible API. */
  readonly url: string;
  /** PEM of the authority that its certificate chains to. */
  readonly certificateAuthority: string;
  readonly stop: () => Promise<void>;
}

/** @param now when the certificates are made */
export async function startStandInModel(now: Date, port = 0, further: Further = {}): Promise<StandInModel> {
  // Another name than the model's own: of two authorities with one name a client tries the first, and refuses the other's servers.
  const name = further.rpcUrl === undefined ? "Adyton stand-in authority" : "Adyton authority of sources";
  const authority = await createThrowawayAuthority(now, name);
  const server = createServer(
    await authority.issue([ADDRESS, "localhost", SEEN_FROM_QEMU]),
    (request, response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      request.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BODY_BYTES) request.destroy();
        else chunks.push(chunk);
      });
      request.on("end", () => {
        respond({ request, body: Buffer.concat(chunks), further }, response);
      });
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, ADDRESS, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `https://${ADDRESS}:${actual}/v1`,
    certificateAuthority: authority.certificate,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ca: { type: "string" },
      port: { type: "string", default: "0" },
      rpc: { type: "string" },
      files: { type: "string" },
    },
  });
  if (values.ca === undefined) {
    process.stderr.write("usage: stand-in-model --ca FILE [--port N] [--rpc URL] [--files FOLDER]\n");
    process.exitCode = 64;
    return;
  }
  const model = await startStandInModel(new Date(), Number(values.port), {
    rpcUrl: values.rpc,
    files: values.files,
  });
  writeFileSync(values.ca, model.certificateAuthority);
  process.stdout.write(`${JSON.stringify({ event: "listening", url: model.url })}\n`);
  const stop = (): void => void model.stop();
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
