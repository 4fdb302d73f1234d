import { expect, test } from "vitest";
import type { ModelReply } from "../../../runtime/models/model-format.ts";
import { createResponsesWriter } from "../../../enclave/openai/responses-reply.ts";
import type { StreamEvent } from "../../../enclave/openai/openai-api.ts";
import { UpstreamError } from "../../../protocol/errors.ts";

const HEAD = { requestId: `0x${"ab".repeat(32)}`, created: 1_800_000_000, model: "p/m" } as const;
const RECEIPT = { receipt: `/v1/receipts/0x${"ab".repeat(32)}` };

function reply(change: Partial<ModelReply> = {}): ModelReply {
  return {
    returnedModel: "m",
    responseId: "r",
    usage: { inputTokens: 3, outputTokens: 4 },
    stop: "complete",
    text: "hello",
    refusal: null,
    toolCalls: [],
    carry: null,
    ...change,
  };
}

const writer = () => createResponsesWriter(HEAD, { model: "p/m", input: "hi" });
const typesOf = (events: readonly StreamEvent[]): readonly unknown[] => events.map(({ name }) => name);
const dataOf = ({ data }: StreamEvent): Record<string, unknown> => data as Record<string, unknown>;

test("a call of a tool is an item of its own, and there is no message where nothing was said", () => {
  const toolCalls = [
    { id: "c1", name: "one", arguments: "{}" },
    { id: null, name: "two", arguments: '{"a":1}', signature: "s" },
  ];
  const { output } = writer().whole(reply({ text: "", stop: "toolCalls", toolCalls })) as {
    output: object[];
  };
  expect(output).toMatchObject([
    { type: "function_call", call_id: "c1", name: "one", arguments: "{}" },
    {
      type: "function_call",
      call_id: "call_1",
      name: "two",
      extra_content: { google: { thought_signature: "s" } },
    },
  ]);
});

test("a stream has the same items as the whole, in the same places", () => {
  const toolCalls = [{ id: "c1", name: "one", arguments: '{"a":1}' }];
  for (const text of ["", "I look it up."]) {
    const whole = reply({ text, stop: "toolCalls", toolCalls });
    const one = writer();
    const said = text === "" ? [] : one.text(text);
    const events = [...one.begin(), ...said, ...one.end(whole)];
    const items = events.filter(({ name }) => name === "response.output_item.done").map(dataOf);
    const { output } = writer().whole(whole) as { output: unknown[] };
    expect(items.map(({ item }) => item)).toEqual(output);
    expect(items.map(({ output_index: index }) => index)).toEqual(output.map((_, index) => index));
    const written = events.find(({ name }) => name === "response.function_call_arguments.done");
    expect(written?.data).toMatchObject({
      name: "one",
      arguments: '{"a":1}',
      output_index: output.length - 1,
    });
  }
});

test("text that came with the end and not before is passed on", () => {
  const one = writer();
  const events = [...one.begin(), ...one.text("hel"), ...one.end(reply())];
  const deltas = events
    .filter(({ name }) => name === "response.output_text.delta")
    .map((event) => dataOf(event)["delta"]);
  expect(deltas).toEqual(["hel", "lo"]);
});

test("a refusal is streamed as one", () => {
  const one = writer();
  const events = [...one.begin(), ...one.end(reply({ stop: "refused", text: "", refusal: "no" }))];
  expect(typesOf(events)).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.refusal.delta",
    "response.refusal.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
  ]);
  expect(dataOf(events.at(-1)!)).toMatchObject({
    response: { output: [{ content: [{ type: "refusal", refusal: "no" }] }], adyton: RECEIPT },
  });
});

test.for<[ModelReply["stop"], string, unknown]>([
  ["complete", "completed", null],
  ["length", "incomplete", { reason: "max_output_tokens" }],
  ["other", "incomplete", null],
])("a reply that stopped by %s is %s", ([stop, status, details]) => {
  expect(writer().whole(reply({ stop }))).toMatchObject({ status, incomplete_details: details });
  const last = writer().end(reply({ stop })).at(-1)!;
  expect(last.name).toBe(`response.${status}`);
  expect(dataOf(last)).toMatchObject({ type: `response.${status}`, response: { status, adyton: RECEIPT } });
});

test("usage that the provider did not report is not made up", () => {
  expect(writer().whole(reply({ usage: null }))).toMatchObject({ usage: null });
});

test("an error in the stream is numbered with the rest, and has the shape that clients throw for", () => {
  const one = writer();
  one.begin();
  const [event] = one.fail(new UpstreamError({ code: "MODEL_TIMEOUT", message: "late" }));
  expect(event?.data).toEqual({
    type: "error",
    sequence_number: 2,
    error: { type: "server_error", code: "MODEL_TIMEOUT", message: "late", param: null },
  });
});
