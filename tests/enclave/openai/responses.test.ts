/** `POST /v1/responses`, called by OpenAI's own client. */

import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { startStandInModel, type StandInModel } from "../../../devnet/stand-in-model.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { fromHex, fromUtf8 } from "../../../protocol/bytes.ts";
import type { Receipt } from "../../../protocol/receipt.ts";
import { trustCertificateOf } from "../support/attested-enclave.ts";
import { behaviourFile, CREDENTIAL, operatorFile } from "../support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../support/enclave-process.ts";

const MODEL = "stand-in/stand-in-1";

let model: StandInModel;
let enclave: EnclaveProcess;
let openai: OpenAI;
let distrust: () => void;

beforeAll(async () => {
  model = await startStandInModel(new Date());
  enclave = await startEnclaveProcess({ behaviour: behaviourFile(model), operator: operatorFile() });
  distrust = await trustCertificateOf(enclave);
  openai = new OpenAI({ baseURL: `${enclave.url}/v1`, apiKey: CREDENTIAL, maxRetries: 0 });
});
afterAll(async () => {
  distrust();
  await enclave.stop();
  await model.stop();
});

async function receiptAt(path: string | null): Promise<Receipt> {
  const reply = await enclave.call("GET", path ?? "/none");
  expect(reply.status).toBe(200);
  return (await verifyReceipt(new TextEncoder().encode(reply.text))).receipt;
}

const outputOf = (receipt: Receipt): unknown => JSON.parse(fromUtf8(fromHex(receipt.output)));

interface WithReceipt {
  readonly adyton: { readonly receipt: string };
}

describe("responses", () => {
  test("answers as OpenAI does, with a receipt that verifies and holds the call's exact bytes", async () => {
    const { data, response } = await openai.responses
      .create({ model: MODEL, instructions: "Calculate.", input: "What is 6 * 7?" })
      .withResponse();
    expect(data).toMatchObject({ object: "response", status: "completed", model: MODEL, store: false });
    expect(data.output_text).toBe("6 * 7 = 42");
    expect(data.usage?.total_tokens).toBeGreaterThan(0);
    const path = response.headers.get("adyton-receipt");
    expect((data as unknown as WithReceipt).adyton.receipt).toBe(path);
    const receipt = await receiptAt(path);
    expect(outputOf(receipt)).toEqual({ content: "6 * 7 = 42", stop: "complete", toolCalls: [] });
    expect(JSON.parse(fromUtf8(fromHex(receipt.payload).subarray(2)))).toEqual({
      model: MODEL,
      instructions: "Calculate.",
      input: "What is 6 * 7?",
    });
  });

  test("streams OpenAI's events in order, and names the receipt in the last", async () => {
    const input = "Say something long enough to come in pieces";
    const stream = await openai.responses.create({ model: MODEL, input, stream: true });
    const events = [];
    for await (const event of stream) events.push(event);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, index) => index));
    const kinds = events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);
    expect(kinds).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    const deltas = events.flatMap((event) =>
      event.type === "response.output_text.delta" ? [event.delta] : [],
    );
    expect(deltas.length).toBeGreaterThan(2);
    const last = events.at(-1);
    if (last?.type !== "response.completed") throw new Error("no completed response");
    const { adyton } = last.response as unknown as WithReceipt;
    expect(outputOf(await receiptAt(adyton.receipt))).toMatchObject({ content: deltas.join("") });
  });

  test("is put together by the client's own helper", async () => {
    const final = await openai.responses.stream({ model: MODEL, input: "What is 2 + 3?" }).finalResponse();
    expect(final.output_text).toBe("2 + 3 = 5");
  });

  test("asks for structured output", async () => {
    const schema = {
      type: "object",
      properties: { flagged: { type: "boolean" } },
      required: ["flagged"],
      additionalProperties: false,
    };
    const { output_text: text } = await openai.responses.create({
      model: MODEL,
      input: [{ role: "user", content: "I will bomb you" }],
      text: { format: { type: "json_schema", name: "verdict", schema, strict: true } },
    });
    expect(JSON.parse(text)).toEqual({ flagged: true });
  });

  test("takes a conversation that the caller brings along, its own replies as they came", async () => {
    const first = await openai.responses.create({ model: MODEL, input: "What is 1 + 1?" });
    const second = await openai.responses.create({
      model: MODEL,
      input: [
        { role: "user", content: "What is 1 + 1?" },
        ...(first.output as OpenAI.Responses.ResponseInputItem[]),
        { role: "user", content: "What is 2 + 2?" },
      ],
    });
    expect(second.output_text).toBe("2 + 2 = 4");
  });

  test("tells a refusal from an answer", async () => {
    const { output, status } = await openai.responses.create({ model: "stand-in/refusal", input: "hi" });
    expect(status).toBe("completed");
    expect(output[0]).toMatchObject({ type: "message", content: [{ type: "refusal" }] });
  });

  test("reports a failing provider as an error, and keeps a receipt of the failure", async () => {
    const call = openai.responses.create({ model: "stand-in/http-500", input: "hi" });
    const error: unknown = await call.then(
      () => null,
      (caught: unknown) => caught,
    );
    if (!(error instanceof OpenAI.APIError)) throw new Error("no API error");
    expect(error.status).toBe(502);
    const { answer } = await receiptAt((error.headers as Headers).get("adyton-receipt"));
    expect(answer.status).toBe(AnswerStatus.upstreamFailed);
  });

  test("ends a stream that breaks with an error that the client throws", async () => {
    const stream = await openai.responses
      .create({ model: "stand-in/stalled", input: "hi", stream: true })
      .catch((error: unknown) => error);
    if (stream instanceof Error) {
      expect(stream).toBeInstanceOf(OpenAI.APIError);
      return;
    }
    const read = async (): Promise<void> => {
      for await (const event of stream as AsyncIterable<unknown>) expect(event).toBeDefined();
    };
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
  });

  test.for<[string, object, number]>([
    ["a conversation kept at the provider", { previous_response_id: "resp_1" }, 400],
    ["storage at the provider", { store: true }, 400],
    ["work in the background", { background: true }, 400],
    ["a tool that the provider runs", { tools: [{ type: "web_search" }] }, 400],
    ["a reference to what was said before", { input: [{ type: "item_reference", id: "msg_1" }] }, 400],
    [
      "an image",
      { input: [{ role: "user", content: [{ type: "input_image", image_url: "https://x/y" }] }] },
      400,
    ],
    ["a file", { input: [{ role: "user", content: [{ type: "input_file", file_id: "f" }] }] }, 400],
    ["a result of no call", { input: [{ type: "function_call_output", call_id: "c", output: "x" }] }, 400],
    ["a field that is not understood", { prompt_cache: "x" }, 400],
    ["no input", { input: [] }, 400],
    ["an unknown model", { model: "stand-in/nobody" }, 404],
    ["sampling that the model does not take", { reasoning: { effort: "low" } }, 400],
  ])("refuses %s", async ([, change, status]) => {
    const body = JSON.stringify({ model: MODEL, input: "hi", ...change });
    expect(await enclave.call("POST", "/v1/responses", body)).toMatchObject({ status });
  });
});
