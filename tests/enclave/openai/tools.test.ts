/** Tools in several turns by OpenAI's client: what a provider needs back comes back, through the application. */

import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { trustCertificateOf } from "../support/attested-enclave.ts";
import { CREDENTIAL, operatorFile } from "../support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../support/enclave-process.ts";
import { SIGNATURE, startToolProvider, type ToolProvider } from "../support/tool-provider.ts";

let provider: ToolProvider;
let enclave: EnclaveProcess;
let openai: OpenAI;
let distrust: () => void;

beforeAll(async () => {
  provider = await startToolProvider();
  enclave = await startEnclaveProcess({ behaviour: provider.behaviour, operator: operatorFile() });
  distrust = await trustCertificateOf(enclave);
  openai = new OpenAI({ baseURL: `${enclave.url}/v1`, apiKey: CREDENTIAL, maxRetries: 0 });
});
afterAll(async () => {
  distrust();
  await enclave.stop();
  await provider.stop();
});

const PARAMETERS = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const QUESTION = "How warm is it in Delphi?";

/** What Gemini was sent for the turn in which it called the tool. */
function callHandedBack(): unknown {
  const contents = provider.asked().at(-1)?.["contents"] as { role: string; parts: unknown[] }[];
  return contents.find(({ role }) => role === "model")?.parts;
}

const SIGNED_CALL = [
  { functionCall: { id: "call_0", name: "weather", args: { city: "Delphi" } }, thoughtSignature: SIGNATURE },
];

test.for(["gemini/model", "chat/model"])("%s: a chat's message is handed back as it came", async (model) => {
  const tools = [{ type: "function" as const, function: { name: "weather", parameters: PARAMETERS } }];
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: QUESTION }];
  const first = await openai.chat.completions.create({ model, messages, tools });
  const message = first.choices[0]!.message;
  messages.push(message, { role: "tool", tool_call_id: message.tool_calls![0]!.id, content: "18 degrees" });
  const second = await openai.chat.completions.create({ model, messages, tools });
  expect(second.choices[0]?.message.content).toBe("It is 18 degrees in Delphi.");
  if (model === "gemini/model") expect(callHandedBack()).toEqual(SIGNED_CALL);
  else expect(JSON.stringify(provider.asked().at(-1))).not.toContain("extra_content");
});

test.for(["gemini/model", "chat/model"])(
  "%s: the items of a response are handed back as they came",
  async (model) => {
    const tools: OpenAI.Responses.Tool[] = [
      { type: "function", name: "weather", parameters: PARAMETERS, strict: false },
    ];
    const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: QUESTION }];
    const first = await openai.responses.create({ model, input, tools });
    const call = first.output.find(({ type }) => type === "function_call");
    if (call?.type !== "function_call") throw new Error("no call");
    input.push(...(first.output as OpenAI.Responses.ResponseInputItem[]), {
      type: "function_call_output",
      call_id: call.call_id,
      output: "18 degrees",
    });
    const second = await openai.responses.create({ model, input, tools });
    expect(second.output_text).toBe("It is 18 degrees in Delphi.");
    if (model === "gemini/model") expect(callHandedBack()).toEqual(SIGNED_CALL);
  },
);

test("a tool that the caller insists on is asked for by name, over either route", async () => {
  const { length } = provider.asked();
  await openai.chat.completions.create({
    model: "chat/model",
    messages: [{ role: "user", content: QUESTION }],
    tools: [{ type: "function", function: { name: "weather", parameters: PARAMETERS } }],
    tool_choice: { type: "function", function: { name: "weather" } },
  });
  await openai.responses.create({
    model: "chat/model",
    input: QUESTION,
    tools: [{ type: "function", name: "weather", parameters: PARAMETERS, strict: false }],
    tool_choice: { type: "function", name: "weather" },
  });
  const choices = provider
    .asked()
    .slice(length)
    .map((asked) => asked["tool_choice"]);
  expect(choices).toEqual(
    Array.from({ length: 2 }, () => ({ type: "function", function: { name: "weather" } })),
  );
});

test("the signature is Google's field of a tool call, where clients of Google's own API look for it", async () => {
  const { choices } = await openai.chat.completions.create({
    model: "gemini/model",
    messages: [{ role: "user", content: QUESTION }],
    tools: [{ type: "function", function: { name: "weather", parameters: PARAMETERS } }],
  });
  expect(choices[0]?.message.tool_calls?.[0]).toMatchObject({
    extra_content: { google: { thought_signature: SIGNATURE } },
  });
});
