/**
 * The table of docs/reference/enclave-http.md, row by row: each is sent by its maker's own client, and what a model's server then
 * gets, or which field is named, is what the row says.
 */

import Anthropic from "@anthropic-ai/sdk";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText } from "ai";
import OpenAI from "openai";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MEDIA_TYPES } from "../../../runtime/models/media.ts";
import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { trustCertificateOf } from "../support/attested-enclave.ts";
import { behaviourFile, CREDENTIAL, modelFile, operatorFile } from "../support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../support/enclave-process.ts";
import { startHostileServer, type HostileServer } from "../support/hostile-server.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/reference/enclave-http.md"), "utf8");
const ROWS = [
  ...page.matchAll(
    /^\| (chat|responses|messages) +\| `(\{.*?\})` +\| (taken|refused: `([^`]+)`|sent: `(\{.*\})`) +\|$/gm,
  ),
].map(([, api = "", call = "", , field, sent]) => ({ api, call, field, sent }));

const MODEL = "stand-in/able";
let provider: HostileServer;
let enclave: EnclaveProcess;
let distrust: () => void;

beforeAll(async () => {
  const authority = await createThrowawayAuthority(new Date());
  const choices = [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "{}" } }];
  const usage = { prompt_tokens: 3, completion_tokens: 2 };
  const reply = JSON.stringify({ id: "r", model: "m", choices, usage });
  provider = await startHostileServer({
    credentials: await authority.issue(["localhost"]),
    respond: (response) => {
      if (provider.received.at(-1)?.includes('"stream":true') === true) {
        response.setHeader("transfer-encoding", "chunked");
        response.end(STREAM);
        return;
      }
      response.setHeader("content-length", Buffer.byteLength(reply));
      response.end(reply);
    },
  });
  const url = `https://localhost:${provider.port}/v1`;
  const file = behaviourFile({ url, certificateAuthority: authority.certificate });
  const able = modelFile("able", {
    options: ["stop", "verbosity", "oneToolCall"],
    media: { types: [...MEDIA_TYPES], imageTokens: 2_000, documentTokens: 200_000 },
  });
  enclave = await startEnclaveProcess({
    behaviour: {
      ...file,
      time: { source: "host-clock-for-testing" },
      providers: { "stand-in": { ...file.providers["stand-in"]!, models: { able } } },
    },
    operator: operatorFile(),
  });
  distrust = await trustCertificateOf(enclave);
});
afterAll(async () => {
  distrust();
  expect(enclave.stderr()).toBe("");
  await enclave.stop();
  await provider.stop();
});

/** Two words, a call of a tool, and the end. */
const STREAM = [
  { choices: [{ index: 0, delta: { role: "assistant", content: "It " } }] },
  { choices: [{ index: 0, delta: { content: "is" } }] },
  {
    choices: [
      {
        index: 0,
        delta: { tool_calls: [{ index: 0, id: "c1", function: { name: "f", arguments: '{"x":1}' } }] },
      },
    ],
  },
  { choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] },
  { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } },
]
  .map((chunk) => `data: ${JSON.stringify({ id: "r", model: "m", ...chunk })}\n\n`)
  .concat("data: [DONE]\n\n")
  .join("");

type Call = Record<string, unknown>;

/** With the client that the row's API is known by. */
async function send(api: string, change: Call): Promise<unknown> {
  const options = { apiKey: CREDENTIAL, maxRetries: 0 };
  const messages = [{ role: "user" as const, content: "a" }];
  if (api === "messages") {
    const client = new Anthropic({ baseURL: enclave.url, ...options });
    return await client.messages.create({ model: MODEL, max_tokens: 64, messages, ...change });
  }
  const client = new OpenAI({ baseURL: `${enclave.url}/v1`, ...options });
  return api === "chat"
    ? await client.chat.completions.create({ model: MODEL, messages, ...change })
    : await client.responses.create({ model: MODEL, input: "a", ...change });
}

/** What the model's server was sent last. */
function sentLast(): Call {
  const line = provider.received.findLastIndex((text) => text.startsWith("POST "));
  return JSON.parse(provider.received.slice(line + 1).join("")) as Call;
}

test("the table has rows for each of the three APIs", () => {
  for (const api of ["chat", "responses", "messages"])
    expect(ROWS.filter((row) => row.api === api).length).toBeGreaterThan(8);
  expect(ROWS).toHaveLength(page.match(/^\| (?:chat|responses|messages) +\|/gm)?.length ?? 0);
});

describe("each row of the table, sent by its maker's own client", () => {
  test.for(ROWS.filter(({ field }) => field === undefined))(
    "$api takes $call",
    async ({ api, call, sent }) => {
      await send(api, JSON.parse(call) as Call);
      expect(sentLast()).toMatchObject(
        sent === undefined ? { messages: [{ role: "user", content: "a" }] } : (JSON.parse(sent) as Call),
      );
    },
  );

  test.for(ROWS.filter(({ field }) => field !== undefined))(
    "$api refuses $call",
    async ({ api, call, field }) => {
      const asked = provider.received.length;
      await expect(send(api, JSON.parse(call) as Call)).rejects.toMatchObject({ status: 400 });
      const body = { model: MODEL, ...base(api), ...(JSON.parse(call) as Call) };
      const path =
        { chat: "/v1/chat/completions", responses: "/v1/responses", messages: "/v1/messages" }[api] ?? "";
      expect((await enclave.call("POST", path, JSON.stringify(body))).json).toMatchObject({
        error: { code: "INPUT_INVALID", details: { field } },
      });
      expect(provider.received).toHaveLength(asked);
    },
  );
});

function base(api: string): Call {
  const messages = [{ role: "user", content: "a" }];
  return api === "responses"
    ? { input: "a" }
    : { messages, ...(api === "messages" ? { max_tokens: 64 } : {}) };
}

test.for(["chat", "responses"] as const)(
  "ai's own request over %s is taken with all that it sets",
  async (api) => {
    const openai = createOpenAI({ baseURL: `${enclave.url}/v1`, apiKey: CREDENTIAL });
    const { text } = await generateText({
      model: openai[api](MODEL),
      prompt: "a",
      ...(api === "chat" ? { stopSequences: ["\n"], frequencyPenalty: 0, presencePenalty: 0 } : {}),
      maxOutputTokens: 64,
      temperature: 0,
      maxRetries: 0,
      providerOptions: { openai: { store: false, parallelToolCalls: true, user: "u" } },
    });
    expect(text).toBe("{}");
    expect(sentLast()).toMatchObject({ temperature: 0, ...(api === "chat" ? { stop: ["\n"] } : {}) });
  },
);

describe("Anthropic's own client", () => {
  const client = (): Anthropic => new Anthropic({ baseURL: enclave.url, apiKey: CREDENTIAL, maxRetries: 0 });
  const call = { model: MODEL, max_tokens: 64, messages: [{ role: "user" as const, content: "a" }] };

  test("gets a message, and the path of its receipt", async () => {
    const { data, response } = await client().messages.create(call).withResponse();
    expect(data).toMatchObject({
      content: [{ type: "text", text: "{}" }],
      stop_reason: "end_turn",
      usage: { input_tokens: 3, output_tokens: 2 },
    });
    const path = response.headers.get("adyton-receipt") ?? "";
    expect(data).toMatchObject({ adyton: { receipt: path } });
    expect(await enclave.call("GET", path)).toMatchObject({ status: 200 });
  });

  test("gets a stream's text and calls of tools, put together by itself", async () => {
    const tools = [{ name: "f", input_schema: { type: "object" as const } }];
    const stream = client().messages.stream({ ...call, tools });
    const heard: string[] = [];
    stream.on("text", (text) => heard.push(text));
    expect(await stream.finalMessage()).toMatchObject({
      content: [
        { type: "text", text: "It is" },
        { type: "tool_use", id: "c1", name: "f", input: { x: 1 } },
      ],
      stop_reason: "tool_use",
      usage: { output_tokens: 2 },
    });
    expect(heard).toEqual(["It ", "is"]);
  });

  test("hands results of tools back in one turn with the user's words", async () => {
    const tools = [{ name: "f", input_schema: { type: "object" as const } }];
    await client().messages.create({
      ...call,
      tools,
      messages: [
        { role: "user", content: "a" },
        { role: "assistant", content: [{ type: "tool_use", id: "c1", name: "f", input: { x: null } }] },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "c1", content: "18 degrees" },
            { type: "text", text: "b" },
          ],
        },
      ],
    });
    expect(sentLast()).toMatchObject({
      messages: [
        { role: "user", content: "a" },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c1", function: { name: "f", arguments: '{"x":null}' } }],
        },
        { role: "tool", tool_call_id: "c1", content: "18 degrees" },
        { role: "user", content: "b" },
      ],
    });
  });
});
