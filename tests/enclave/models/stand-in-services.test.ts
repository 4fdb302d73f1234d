/**
 * Every format against a stand-in of the services (aimock) on the loopback, through the enclave's own way out: what is
 * sent is accepted there, and what comes back is understood, whole and streamed.
 */

import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createOperatorAccount } from "../../../enclave/accounts/account.ts";
import { askModel } from "../../../enclave/answers/ask-model.ts";
import { infer } from "../../../enclave/answers/infer.ts";
import { TranscriptRecorder } from "../../../enclave/answers/transcript-recorder.ts";
import { Behaviour, type BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import { createEgress } from "../../../enclave/egress/egress.ts";
import { createModelCatalog, type ModelCatalog } from "../../../enclave/models/model-catalog.ts";
import type { ModelQuestion, ModelReply } from "../../../runtime/models/model-format.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { decodeOutput } from "../../../protocol/output-abi.ts";
import { parseOutputType } from "../../../protocol/output-type.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";
import { PanelRule } from "../../../protocol/prompt.ts";
import { understoodEvent, type TranscriptEvent } from "../../../protocol/transcript.ts";
import { MODERATION, prompt } from "../support/calls.ts";
import { behaviourFile, modelFile } from "../support/configuration.ts";
import { unreachable } from "../support/fake-models.ts";
import { question } from "../support/questions.ts";

const FORMATS = [
  "openai-chat",
  "openai-responses",
  "anthropic-messages",
  "gemini",
  "gemini-interactions",
] as const;
type Format = (typeof FORMATS)[number];

const HASH = `0x${"11".repeat(32)}` as const;
const WEIGHTS = "ab".repeat(32);

const mock = new LLMock({ port: 0 });
let catalog: ModelCatalog;

function providers(url: string): BehaviourFile["providers"] {
  const model = modelFile("stand-in-1", {
    weightsSha256: WEIGHTS,
    sampling: { temperature: true, topP: true, seed: false, efforts: [] },
  });
  return Object.fromEntries(
    FORMATS.map((format) => [
      format,
      {
        format,
        baseUrl: `${url}/${format.startsWith("gemini") ? "v1beta" : "v1"}`,
        secret: "key",
        connection: "fresh" as const,
        minimumTls: "TLSv1.3" as const,
        minimumScts: 0,
        models: { m: model },
      },
    ]),
  );
}

beforeAll(async () => {
  await mock.start();
  const file = behaviourFile({ url: mock.url, certificateAuthority: "" });
  const behaviour = Behaviour.parse({
    ...file,
    certificateAuthorities: [],
    time: { source: "host-clock-for-testing" },
    limits: { ...file.limits, firstByteMs: 5_000, wholeExchangeMs: 10_000 },
    providers: providers(mock.url),
  });
  catalog = createModelCatalog(behaviour, ({ connection, minimumTls, minimumScts }) =>
    createEgress(behaviour, { connection, minimumTls, minimumScts, now: () => null }),
  );
});
afterAll(async () => {
  await mock.stop();
});
beforeEach(() => {
  mock.clearFixtures();
});

interface Asked {
  readonly reply: ModelReply;
  readonly heard: string;
  readonly events: readonly TranscriptEvent[];
}

function recorderOfTest(): TranscriptRecorder {
  return new TranscriptRecorder({
    domain: "Adyton",
    requestId: HASH,
    payloadHash: HASH,
    context: HASH,
    stateBlock: null,
    evidenceHash: HASH,
    time: 0,
    clock: { source: "test", lowerBound: 0 },
  });
}

function eventsOf(recorder: TranscriptRecorder): readonly TranscriptEvent[] {
  const { transcript } = recorder.finish({ status: 1, output: new Uint8Array(), reason: null });
  return transcript.flatMap((leaf) => understoodEvent(leaf) ?? []);
}

async function ask(format: Format, change: Partial<ModelQuestion>): Promise<Asked> {
  const recorder = recorderOfTest();
  const target = catalog.get(`${format}/m`);
  if (target === undefined) throw new Error(`no model for ${format}`);
  let heard = "";
  const reply = await askModel(target, question({ model: "stand-in-1", ...change }), {
    recorder,
    retries: 0,
    credential: "key-of-the-test",
    pause: () => Promise.resolve(),
    onText: (text) => (heard += text),
  });
  return { reply, heard, events: eventsOf(recorder) };
}

const both = FORMATS.flatMap((format) => [
  [format, "whole", false] as const,
  [format, "streamed", true] as const,
]);

describe("the stand-in of the services", () => {
  test.for(both)("answers %s, %s", async ([format, , stream]) => {
    mock.on({ userMessage: "hello", systemMessage: "Be brief." }, { content: "Hi there, friend!" });
    const { reply, heard, events } = await ask(format, { stream });
    expect(reply).toMatchObject({
      stop: "complete",
      text: "Hi there, friend!",
      toolCalls: [],
      refusal: null,
    });
    // This stand-in's Gemini does not always say which model answered; the real one does.
    if (!format.startsWith("gemini")) expect(reply.returnedModel).toBe("stand-in-1");
    expect(heard).toBe(stream ? "Hi there, friend!" : "");
    expect(events.find(({ type }) => type === "response.received")).toMatchObject({
      status: 200,
      transport: { kind: "plain-loopback", address: "127.0.0.1" },
    });
  });

  const weather = {
    name: "weather",
    description: "The weather in a place",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  };

  test.for(both)("calls a tool of %s and takes its result, %s", async ([format, , stream]) => {
    mock.on(
      { userMessage: "hello", hasToolResult: false },
      {
        toolCalls: [{ name: "weather", arguments: '{"city":"Delphi"}', id: "call_1" }],
        // As the real one ends calls too; the stand-in has a reason of its own.
        ...(format === "gemini" ? { finishReason: "STOP" } : {}),
      },
    );
    mock.on({ hasToolResult: true }, { content: "Sunny." });
    const first = await ask(format, { stream, tools: [weather] });
    expect(first.reply.stop).toBe("toolCalls");
    const [call] = first.reply.toolCalls;
    expect({ ...call, arguments: JSON.parse(call?.arguments ?? "") as unknown }).toMatchObject({
      name: "weather",
      arguments: { city: "Delphi" },
    });
    const second = await ask(format, {
      stream,
      tools: [weather],
      messages: [
        { role: "user", content: "hello" },
        { role: "assistant", content: "", toolCalls: first.reply.toolCalls, carry: first.reply.carry },
        { role: "tool", call: call!, content: "25 °C, sun" },
      ],
    });
    expect(second.reply).toMatchObject({ stop: "complete", text: "Sunny." });
  });

  test.for(FORMATS)("asks %s for JSON by a schema", async (format) => {
    mock.on({ userMessage: "hello" }, { content: '{"ok":true}' });
    const json = {
      type: "object",
      properties: { ok: { type: "boolean" } },
      required: ["ok"],
      additionalProperties: false,
    };
    const { reply } = await ask(format, { schema: { json, strict: true } });
    expect(reply).toMatchObject({ stop: "complete", text: '{"ok":true}' });
  });

  test.for([
    [429, "rate_limit_error", "MODEL_RATE_LIMITED"],
    [400, "invalid_request_error", "MODEL_REQUEST_REJECTED"],
    [401, "authentication_error", "MODEL_REQUEST_REJECTED"],
    [500, "server_error", "MODEL_HTTP_ERROR"],
  ] as const)("reports HTTP %i as what it is, for every format", async ([status, type, code]) => {
    mock.on({ userMessage: "hello" }, { error: { message: "no", type }, status });
    for (const format of FORMATS) {
      await expect(ask(format, {})).rejects.toMatchObject({ code });
      await expect(ask(format, { stream: true })).rejects.toMatchObject({ code });
    }
  });

  test.for(FORMATS)("hears a stream of %s that is cut off as no answer", async (format) => {
    mock.on(
      { userMessage: "hello" },
      { content: "one two three four five" },
      { chunkSize: 4, truncateAfterChunks: 3 },
    );
    await expect(ask(format, { stream: true })).rejects.toMatchObject({ code: "MODEL_RESPONSE_TRUNCATED" });
  });

  test("answers a panel of three vendors, each by its own format, with a fourth down", async () => {
    mock.on(
      { userMessage: "hello", model: "stand-in-1" },
      { content: '{"flagged":true,"severity":"7","reason":"r"}' },
    );
    const models = FORMATS.slice(0, 4).map((format) => `${format}/m`);
    const down: ModelCatalog = new Map(
      [...catalog].map(([id, model]) =>
        id === "gemini/m" ? [id, { ...model, exchange: () => Promise.resolve(unreachable()) }] : [id, model],
      ),
    );
    const recorder = recorderOfTest();
    const { status, output } = await infer(
      {
        catalog: down,
        account: createOperatorAccount(() => "key-of-the-test"),
        sources: null,
        retries: 0,
        pause: () => Promise.resolve(),
      },
      encodePayload({
        type: PayloadType.inference,
        prompt: prompt({
          models,
          panelRule: PanelRule.majority,
          panelQuorum: 3,
          messages: [{ role: 2, content: "hello" }],
        }),
      }),
      { fee: 10n ** 15n, maxOutputBytes: 4_096 },
      recorder,
    );
    expect(status).toBe(AnswerStatus.ok);
    expect(decodeOutput(parseOutputType(MODERATION.schema), output)).toEqual([true, 7n, "r"]);
    const asked = eventsOf(recorder).flatMap((event) =>
      event.type === "request.forwarded" ? [event.url] : [],
    );
    expect(asked.map((url) => new URL(url).pathname)).toEqual([
      "/v1/chat/completions",
      "/v1/responses",
      "/v1/messages",
      "/v1beta/models/stand-in-1:generateContent",
    ]);
  });
});
