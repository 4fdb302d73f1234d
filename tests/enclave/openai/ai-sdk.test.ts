/** Both OpenAI-compatible routes, called by Vercel's `ai` with its OpenAI provider: text, streams, objects, tools in turns. */

import { createOpenAI } from "@ai-sdk/openai";
import { generateText, isStepCount, Output, streamText, tool, type LanguageModel } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { verifyReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { startStandInModel, type StandInModel } from "../../../devnet/stand-in-model.ts";
import type { BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import { fromHex, fromUtf8 } from "../../../protocol/bytes.ts";
import { trustCertificateOf } from "../support/attested-enclave.ts";
import { behaviourFile, CREDENTIAL, operatorFile } from "../support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../support/enclave-process.ts";
import { startToolProvider, type ToolProvider } from "../support/tool-provider.ts";

type Api = "chat" | "responses";
const APIS: readonly Api[] = ["chat", "responses"];

let enclave: EnclaveProcess;
let distrust: () => void;

async function start(behaviour: BehaviourFile): Promise<void> {
  enclave = await startEnclaveProcess({ behaviour, operator: operatorFile() });
  distrust = await trustCertificateOf(enclave);
}

async function stop(): Promise<void> {
  distrust();
  await enclave.stop();
}

function languageModel(api: Api, name: string): LanguageModel {
  const { url } = enclave;
  return createOpenAI({ baseURL: `${url}/v1`, apiKey: CREDENTIAL })[api](name);
}

/** An enclave keeps nothing, so that the client brings along what was said. */
const STATELESS = { providerOptions: { openai: { store: false } } } as const;

async function contentOfReceipt(path: string | undefined): Promise<unknown> {
  const reply = await enclave.call("GET", path ?? "/none");
  const { receipt } = await verifyReceipt(new TextEncoder().encode(reply.text));
  return (JSON.parse(fromUtf8(fromHex(receipt.output))) as { content: string }).content;
}

describe("ai and a model that talks", () => {
  let model: StandInModel;
  beforeAll(async () => {
    model = await startStandInModel(new Date());
    await start(behaviourFile(model));
  });
  afterAll(async () => {
    await stop();
    await model.stop();
  });

  test.for(APIS)("generates text over %s, whose receipt the response names", async (api) => {
    const { text, usage, finishReason, finalStep } = await generateText({
      model: languageModel(api, "stand-in/stand-in-1"),
      prompt: "What is 6 * 7?",
      ...STATELESS,
    });
    expect(text).toBe("6 * 7 = 42");
    expect(finishReason).toBe("stop");
    expect(usage.totalTokens).toBeGreaterThan(0);
    expect(await contentOfReceipt(finalStep.response.headers?.["adyton-receipt"])).toBe(text);
  });

  test.for(APIS)("streams text over %s, whose receipt the response names", async (api) => {
    const streamed = streamText({
      model: languageModel(api, "stand-in/stand-in-1"),
      prompt: "Say something long enough to come in pieces",
      ...STATELESS,
    });
    const pieces: string[] = [];
    for await (const piece of streamed.textStream) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(2);
    const { headers } = (await streamed.finalStep).response;
    expect(await contentOfReceipt(headers?.["adyton-receipt"])).toBe(pieces.join(""));
  });

  test.for(APIS)("generates an object by its schema over %s", async (api) => {
    const { output } = await generateText({
      model: languageModel(api, "stand-in/stand-in-1"),
      prompt: "I will bomb you",
      output: Output.object({ schema: z.object({ flagged: z.boolean() }) }),
      ...STATELESS,
    });
    expect(output).toEqual({ flagged: true });
  });
});

describe("ai and a model that calls tools", () => {
  let tools: ToolProvider;
  beforeAll(async () => {
    tools = await startToolProvider();
    await start(tools.behaviour);
  });
  afterAll(async () => {
    await stop();
    await tools.stop();
  });

  test.for(APIS)("calls a tool over %s, and goes on with its result", async (api) => {
    const cities: string[] = [];
    const { text, steps } = await generateText({
      model: languageModel(api, "chat/model"),
      prompt: "How warm is it in Delphi?",
      stopWhen: isStepCount(3),
      tools: {
        weather: tool({
          description: "The weather in a city",
          inputSchema: z.object({ city: z.string() }),
          execute: ({ city }) => {
            cities.push(city);
            return "18 degrees";
          },
        }),
      },
      ...STATELESS,
    });
    expect(cities).toEqual(["Delphi"]);
    expect(text).toBe("It is 18 degrees in Delphi.");
    expect(steps).toHaveLength(2);
    const messages = tools.asked().at(-1)?.["messages"];
    expect(messages).toMatchObject([
      { role: "user" },
      { role: "assistant", tool_calls: [{ id: "call_1", function: { name: "weather" } }] },
      { role: "tool", tool_call_id: "call_1" },
    ]);
  });
});
