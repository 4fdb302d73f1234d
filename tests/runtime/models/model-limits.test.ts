/** What a model does not take is an invalid request before anyone is asked, in words that say what it takes. */

import { describe, expect, test } from "vitest";
import { createOperatorAccount } from "../../../enclave/accounts/account.ts";
import { infer, quotePrice } from "../../../enclave/answers/infer.ts";
import { TranscriptRecorder } from "../../../enclave/answers/transcript-recorder.ts";
import { Behaviour } from "../../../enclave/configuration/behaviour.ts";
import { fitQuestion } from "../../../enclave/openai/call-terms.ts";
import { isStrictSchema } from "../../../runtime/models/provider-schema.ts";
import { fitsSchemaLimits, isRecursiveSchema } from "../../../runtime/models/schema-measure.ts";
import type { Outcome } from "../../../runtime/output/panel.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import type { Json } from "../../../protocol/canonical-json.ts";
import { InputError } from "../../../protocol/errors.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";
import { Effort, PROVIDER_DEFAULT_SAMPLING, type Prompt, type Sampling } from "../../../protocol/prompt.ts";
import { prompt, TEXT } from "../../enclave/support/calls.ts";
import { behaviourFile, modelFile } from "../../enclave/support/configuration.ts";
import { fakeModels, says } from "../../enclave/support/fake-models.ts";

type Change = NonNullable<Parameters<typeof fakeModels>[1]>;

const HASH = `0x${"11".repeat(32)}` as const;
const SAMPLING = { temperature: true, topP: true, seed: true, efforts: [] };

interface Asked {
  readonly outcome: Outcome;
  /** Bodies that were sent. */
  readonly sent: readonly Json[];
}

async function ask(change: Change, asked: Partial<Prompt>, answer = "fine"): Promise<Asked> {
  const sent: Json[] = [];
  const catalog = fakeModels(
    {
      m: ({ body }) => {
        sent.push(JSON.parse(new TextDecoder().decode(body)) as Json);
        return says(answer);
      },
    },
    change,
  );
  const payload = encodePayload({
    type: PayloadType.inference,
    prompt: prompt({ models: ["fake/m"], format: TEXT, ...asked }),
  });
  const recorder = new TranscriptRecorder({
    domain: "Adyton",
    requestId: HASH,
    payloadHash: HASH,
    context: HASH,
    stateBlock: null,
    evidenceHash: HASH,
    time: 0,
    clock: { source: "test", lowerBound: 0 },
  });
  const inference = {
    catalog,
    account: createOperatorAccount(() => "key"),
    sources: null,
    retries: 0,
    pause: () => Promise.resolve(),
  };
  return {
    outcome: await infer(inference, payload, { fee: 10n ** 18n, maxOutputBytes: 4_096 }, recorder),
    sent,
  };
}

const sampling = (change: Partial<Sampling>): Partial<Prompt> => ({
  sampling: { ...PROVIDER_DEFAULT_SAMPLING, ...change },
});

describe("a request", () => {
  test.for<[string, Change, Partial<Prompt>, string]>([
    [
      "for an effort that the model has not",
      { sampling: { ...SAMPLING, efforts: ["low", "high"] } },
      sampling({ effort: Effort.max }),
      'it has no reasoning effort "max": it takes low, high',
    ],
    [
      "for an effort where none can be chosen",
      { sampling: SAMPLING },
      sampling({ effort: Effort.none }),
      'it has no reasoning effort "none": none can be chosen',
    ],
    [
      "for both samplings where one excludes the other",
      { sampling: { ...SAMPLING, exclusive: [["temperature", "topP"]] } },
      sampling({ temperatureMilli: 500, topPMilli: 900 }),
      "it takes temperature or top_p, not both",
    ],
    [
      "for a temperature that the model refuses",
      { sampling: { ...SAMPLING, temperature: false } },
      sampling({ temperatureMilli: 0 }),
      "it takes no temperature",
    ],
    [
      "for a longer answer than it gives",
      { maxOutputTokens: 100 },
      { maxOutputTokens: 101 },
      "it answers with at most 100 tokens",
    ],
  ])("%s is invalid, says why, and asks nobody", async ([, change, asked, reason]) => {
    const { outcome, sent } = await ask(change, asked);
    expect(outcome.status).toBe(AnswerStatus.invalidRequest);
    expect(outcome.reason).toBe(`fake/m cannot be asked this: ${reason}`);
    expect(sent).toEqual([]);
  });

  test.for<[string, Change, Partial<Prompt>]>([
    [
      "an effort that it has",
      { sampling: { ...SAMPLING, efforts: ["max"] } },
      sampling({ effort: Effort.max }),
    ],
    [
      "one of two that exclude each other",
      { sampling: { ...SAMPLING, exclusive: [["temperature", "topP"]] } },
      sampling({ topPMilli: 900 }),
    ],
    ["the longest answer that it gives", { maxOutputTokens: 100 }, { maxOutputTokens: 100 }],
  ])("for %s is served", async ([, change, asked]) => {
    expect((await ask(change, asked)).outcome.status).toBe(AnswerStatus.ok);
  });
});

describe("thinking", () => {
  const change: Change = {
    sampling: { ...SAMPLING, efforts: ["none", "low"] },
    thinking: { mode: "default", budgetTokens: 5_000 },
  };

  test("has its tokens beside the answer's, and its price", async () => {
    const { sent } = await ask(change, { maxOutputTokens: 100 });
    expect(sent).toMatchObject([{ max_tokens: 5_100 }]);
    const price = (models: Change): bigint =>
      quotePrice(
        { catalog: fakeModels({ m: () => says("") }, models), sources: null },
        encodePayload({ type: PayloadType.inference, prompt: prompt({ models: ["fake/m"], format: TEXT }) }),
      );
    // 2 wei for a token of output.
    expect(price(change) - price({})).toBe(10_000n);
  });

  test("has none where the requester wants none", async () => {
    const { sent } = await ask(change, { maxOutputTokens: 100, ...sampling({ effort: Effort.none }) });
    expect(sent).toMatchObject([{ max_tokens: 100, reasoning_effort: "none" }]);
  });

  test.for([
    ["a budget for a model that never thinks", { thinking: { mode: "off", budgetTokens: 1 } }],
    [
      "an answer and thinking that exceed the context",
      { thinking: { mode: "default", budgetTokens: 128_000 } },
    ],
    ["thinking that only Anthropic is asked for", { thinking: { mode: "adaptive", budgetTokens: 1 } }],
    ["an effort listed twice", { sampling: { ...SAMPLING, efforts: ["low", "low"] } }],
  ] as const)("a behaviour file with %s is refused", ([, wrong]) => {
    const file = behaviourFile({
      url: "https://fake.example/v1",
      certificateAuthority: "-----BEGIN CERTIFICATE-----",
    });
    const [[name, provider] = ["", undefined]] = Object.entries(file.providers);
    const models = { m: modelFile("m", wrong as unknown as Change) };
    expect(Behaviour.safeParse({ ...file, providers: { [name]: { ...provider, models } } }).success).toBe(
      false,
    );
  });
});

describe("the OpenAI-compatible routes", () => {
  const [model] = [
    ...fakeModels({ m: () => says("") }, { maxOutputTokens: 100, toolChoices: ["auto", "none"] }).values(),
  ];
  const asked = {
    messages: [{ role: "user" as const, content: "hi" }],
    schema: null,
    tools: [],
    toolChoice: "auto" as const,
    stream: false,
    maxOutputTokens: null,
    temperature: null,
    topP: null,
    seed: null,
    effort: null,
    stop: [],
    verbosity: null,
    oneToolCall: false,
  };
  const tools = [{ name: "f", description: null, parameters: {} }];

  test.for([
    ["more tokens than the model gives", { maxOutputTokens: 101 }, "maxOutputTokens"],
    ["a forced tool", { tools, toolChoice: "required" }, "toolChoice"],
    ["a tool by name", { tools, toolChoice: { name: "f" } }, "toolChoice"],
    ["an effort", { effort: "low" }, "effort"],
    ["a stop sequence", { stop: ["\n"] }, "stop"],
    ["a verbosity", { verbosity: "low" }, "verbosity"],
    ["one call of a tool at a time", { tools, oneToolCall: true }, "oneToolCall"],
    ["a tool that is held to its schema", { tools: [{ ...tools[0]!, strict: true }] }, "tools"],
  ] as const)("refuse %s, naming the field", ([, change, field]) => {
    const call = (): unknown => fitQuestion({ ...asked, ...change }, model!.model);
    expect(call).toThrow(InputError);
    expect(call).toThrow(expect.objectContaining({ code: "INPUT_INVALID", details: { field } }) as Error);
  });

  test("ask for the model's most where a caller names no limit", () => {
    expect(fitQuestion(asked, model!.model).maxOutputTokens).toBe(100);
  });
});

describe("a schema", () => {
  const object = (
    properties: Readonly<Record<string, Json>>,
    required: readonly string[] = Object.keys(properties),
  ): Json => ({
    type: "object",
    properties,
    required,
    additionalProperties: false,
  });
  const nested = object({
    a: object({ b: { type: "array", items: { type: "string", enum: ["x", "yy"] } } }),
  });
  const union = object(
    { a: { anyOf: [{ type: "string" }, { type: "null" }] }, b: { type: ["string", "null"] } },
    ["a"],
  );
  const recursive: Json = {
    ...(object({ root: { $ref: "#/$defs/n" } }) as object),
    $defs: { n: object({ next: { $ref: "#/$defs/n" } }) },
  };

  test.for<[string, Json, Parameters<typeof fitsSchemaLimits>[1], boolean]>([
    ["as deep as may be", nested, { depth: 3 }, true],
    ["one deeper", nested, { depth: 2 }, false],
    ["of as many properties", nested, { properties: 2 }, true],
    ["of one property more", nested, { properties: 1 }, false],
    ["of too many values", nested, { enumValues: 1 }, false],
    ["of as many characters", nested, { characters: 5 }, true],
    ["of a character more", nested, { characters: 4 }, false],
    ["of as many unions", union, { unions: 2 }, true],
    ["of a union more", union, { unions: 1 }, false],
    ["of as many optional properties", union, { optionalProperties: 1 }, true],
    ["of an optional property more", union, { optionalProperties: 0 }, false],
    ["that holds itself, where depth is limited", recursive, { depth: 1_000 }, false],
    ["that holds itself, where it is not", recursive, {}, true],
  ])("%s", ([, schema, limits, fits]) => {
    expect(fitsSchemaLimits(schema, limits)).toBe(fits);
  });

  test("that holds itself is known", () => {
    expect([isRecursiveSchema(recursive), isRecursiveSchema(nested)]).toEqual([true, false]);
  });

  /** Definitions of which each holds the next twice: written out they would be 2^count. */
  const doubling = (count: number): Json => {
    const two = (next: Json): Json => object({ a: next, b: next });
    const definitions = Array.from({ length: count }, (_, at): [string, Json] => [
      `d${at}`,
      at + 1 < count ? two({ $ref: `#/$defs/d${at + 1}` }) : { type: "string" },
    ]);
    return {
      ...(two({ $ref: "#/$defs/d0" }) as object),
      $defs: Object.fromEntries(definitions),
    };
  };

  test("that refers to everything twice is measured once", () => {
    expect(fitsSchemaLimits(doubling(60), { depth: 60 })).toBe(true);
    expect(fitsSchemaLimits(doubling(60), { depth: 59 })).toBe(false);
    expect(isRecursiveSchema(doubling(60))).toBe(false);
  });

  test("with more references in one another than any provider takes counts as endless, however many there are", () => {
    expect([256, 257, 50_000].map((count) => isRecursiveSchema(doubling(count)))).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("of very many members is measured in one pass", () => {
    const names = Array.from({ length: 100_000 }, (_, at) => `m${at}`);
    const many = object(
      Object.fromEntries(names.map((name) => [name, { type: "null" }])),
      names.toReversed(),
    );
    expect(fitsSchemaLimits(many, { optionalProperties: 0 })).toBe(true);
    expect(isStrictSchema(many)).toBe(true);
    expect(isRecursiveSchema(many)).toBe(false);
  });

  test("beyond the model's limits is put into the prompt, and its answer is checked all the same", async () => {
    const format = { kind: 2, schema: JSON.stringify(nested), choices: [] };
    const { outcome, sent } = await ask(
      { schemaLimits: { depth: 2 } },
      { format } as Partial<Prompt>,
      '{"a":{"b":["x"]}}',
    );
    expect(outcome.status).toBe(AnswerStatus.ok);
    expect(JSON.stringify(sent[0])).toContain("It must fit this JSON Schema");
    expect(sent[0]).not.toHaveProperty("response_format");
    const wrong = await ask(
      { schemaLimits: { depth: 2 } },
      { format } as Partial<Prompt>,
      '{"a":{"b":["z"]}}',
    );
    expect(wrong.outcome.status).toBe(AnswerStatus.invalidOutput);
  });
});
