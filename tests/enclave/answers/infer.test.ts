import { describe, expect, test } from "vitest";
import { createOperatorAccount, type Account } from "../../../enclave/accounts/account.ts";
import { infer, quotePrice, type Inference } from "../../../enclave/answers/infer.ts";
import type { Outcome } from "../../../runtime/output/panel.ts";
import { TranscriptRecorder } from "../../../enclave/answers/transcript-recorder.ts";
import type { ModelCatalog } from "../../../enclave/models/model-catalog.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { fromHex } from "../../../protocol/bytes.ts";
import { InputError } from "../../../protocol/errors.ts";
import { decodeOutput } from "../../../protocol/output-abi.ts";
import { parseOutputType } from "../../../protocol/output-type.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";
import { PartKind } from "../../../protocol/prompt-part.ts";
import { PanelRule, type Prompt } from "../../../protocol/prompt.ts";
import { understoodEvent, type TranscriptEvent } from "../../../protocol/transcript.ts";
import { MODERATION, prompt } from "../support/calls.ts";
import { complete, fakeModels, says, unreachable, type Respond } from "../support/fake-models.ts";

const HASH = `0x${"11".repeat(32)}` as const;

interface Asked {
  readonly outcome: Outcome;
  readonly events: readonly TranscriptEvent[];
  readonly bodies: Readonly<Record<string, string>>;
}

async function ask(
  catalog: ModelCatalog,
  change: Partial<Prompt>,
  fee = 10n ** 15n,
  account: Account = createOperatorAccount(() => null),
): Promise<Asked> {
  const recorder = new TranscriptRecorder({
    domain: "Adyton",
    requestId: HASH,
    payloadHash: HASH,
    context: HASH,
    stateBlock: null,
    evidenceHash: HASH,
    time: 1_795_305_600,
    clock: { source: "test", lowerBound: 0 },
  });
  const inference: Inference = {
    catalog,
    account,
    sources: null,
    retries: 2,
    pause: () => Promise.resolve(),
  };
  const payload = encodePayload({ type: PayloadType.inference, prompt: prompt(change) });
  const outcome = await infer(inference, payload, { fee, maxOutputBytes: 4_096 }, recorder);
  const { transcript, bodies } = recorder.finish(outcome);
  return { outcome, events: transcript.flatMap((leaf) => understoodEvent(leaf) ?? []), bodies };
}

const verdict = (flagged: boolean, severity: string): string =>
  JSON.stringify({ flagged, severity, reason: "because" });

/** Answers when told to, so that a test decides who is first. */
function gate(content: string): { readonly respond: Respond; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return {
    respond: async () => {
      await promise;
      return says(content);
    },
    open: () => {
      resolve(undefined);
    },
  };
}

const PANEL = { models: ["fake/a", "fake/b", "fake/c"], panelRule: PanelRule.majority, panelQuorum: 2 };

describe("a panel", () => {
  test("is asked at the same time, and recorded in the order of the request", async () => {
    const [a, b, c] = ["7", "7", "3"].map((severity) => gate(verdict(true, severity)));
    const running = ask(fakeModels({ a: a!.respond, b: b!.respond, c: c!.respond }), PANEL);
    // The last asked answers first; none could, if each waited for the one before.
    for (const member of [c, b, a]) {
      member!.open();
      await Promise.resolve();
    }
    const { outcome, events } = await running;
    expect(outcome.status).toBe(AnswerStatus.ok);
    expect(
      events.map((event) => [
        event.type,
        "exchange" in event ? event.exchange : null,
        "model" in event ? event.model : null,
      ]),
    ).toEqual([
      ["request.received", null, null],
      ["request.forwarded", 0, "fake/a"],
      ["response.received", 0, null],
      ["request.forwarded", 1, "fake/b"],
      ["response.received", 1, null],
      ["request.forwarded", 2, "fake/c"],
      ["response.received", 2, null],
      ["output.returned", null, null],
    ]);
  });

  test("stands with one provider down, whose failed exchanges are in the transcript", async () => {
    const models = fakeModels({
      a: () => says(verdict(true, "7")),
      b: unreachable,
      c: () => says(verdict(true, "7")),
    });
    const { outcome, events } = await ask(models, PANEL);
    expect(outcome.status).toBe(AnswerStatus.ok);
    expect(decodeOutput(parseOutputType(MODERATION.schema), outcome.output)).toEqual([true, 7n, "because"]);
    expect(events.filter(({ type }) => type === "exchange.failed")).toHaveLength(3);
  });

  test("repairs by the order of the request what the fee covers, whoever answered first", async () => {
    const wrong: Respond = (_request, turn) => says(turn === 0 ? "no JSON" : verdict(true, "1"));
    const slow = gate("no JSON");
    const slowThenRight: Respond = (request, turn) =>
      turn === 0 ? slow.respond(request, 0) : says(verdict(true, "2"));
    const price = { perRequest: "1000", perInputToken: "0", perOutputToken: "0" };
    const models = fakeModels({ a: slowThenRight, b: wrong, c: wrong }, { price });
    const running = ask(models, { ...PANEL, panelRule: PanelRule.median, panelQuorum: 1 }, 4_000n);
    slow.open();
    const { outcome, events } = await running;
    // Four exchanges are paid for: three first ones, and one repair, which is the first member's.
    const forwarded = events.filter((event) => event.type === "request.forwarded").map(({ model }) => model);
    expect(forwarded).toEqual(["fake/a", "fake/a", "fake/b", "fake/c"]);
    expect(decodeOutput(parseOutputType(MODERATION.schema), outcome.output)[1]).toBe(2n);
  });

  test("is not begun when the worst case of all members does not fit the fee", async () => {
    const price = { perRequest: "1000", perInputToken: "0", perOutputToken: "0" };
    const never: Respond = () => {
      throw new Error("asked");
    };
    const { outcome, events } = await ask(
      fakeModels({ a: never, b: never, c: never }, { price }),
      PANEL,
      2_999n,
    );
    expect(outcome.status).toBe(AnswerStatus.outOfBudget);
    expect(events).toHaveLength(2);
    const payload = encodePayload({ type: PayloadType.inference, prompt: prompt(PANEL) });
    const catalog = fakeModels({ a: unreachable, b: unreachable, c: unreachable }, { price });
    expect(quotePrice({ catalog, sources: null }, payload)).toBe(3_000n);
  });
});

const one = (respond: Respond, change: Partial<Prompt> = {}): Promise<Asked> =>
  ask(fakeModels({ a: respond }), { models: ["fake/a"], ...change });

describe("one model", () => {
  test("is asked once more, with what was wrong, and both exchanges are recorded", async () => {
    const { outcome, events, bodies } = await one((_request, turn) =>
      says(verdict(true, turn === 0 ? "11" : "10")),
    );
    expect(outcome.status).toBe(AnswerStatus.ok);
    const [, second] = events.filter((event) => event.type === "request.forwarded");
    const body = Buffer.from(fromHex(bodies[second!.bodyHash]!)).toString();
    expect(JSON.parse(body)).toMatchObject({
      messages: [
        { role: "user" },
        { role: "assistant", content: verdict(true, "11") },
        {
          role: "user",
          content: expect.stringContaining("severity must be an integer from 0 to 10") as string,
        },
      ],
    });
  });

  test.for([
    ["before the first call", 0],
    ["before the repair, though the first answer was the model's own", 1],
  ] as const)(
    "earns nothing with a key whose cap is reached %s: a host can reach it elsewhere",
    async ([, calls]) => {
      let left = calls;
      const spent: Account = {
        price: () => 0n,
        charge: () => {
          if (left === 0) throw new InputError({ code: "INPUT_CAP_REACHED", message: "spent" });
          left -= 1;
          return { credential: null, settle: () => undefined };
        },
      };
      const models = fakeModels({ a: () => says("no JSON") });
      const { outcome, events } = await ask(models, { models: ["fake/a"] }, 0n, spent);
      expect(outcome.status).toBe(AnswerStatus.upstreamFailed);
      expect(events.filter(({ type }) => type === "request.forwarded")).toHaveLength(calls);
    },
  );

  test.for([
    [{ kind: PartKind.page, url: "https://example.org/" }],
    [{ kind: PartKind.image, mime: 1, hash: HASH, uri: "ipfs://x" }],
    [{ kind: PartKind.document, mime: 4, hash: HASH, uri: "ipfs://x" }],
    [{ kind: PartKind.read, target: `0x${"11".repeat(20)}`, signature: "f()", arguments: "0x", label: "f" }],
  ] as const)("is not asked about a part that is not served: %j", async ([part]) => {
    const { outcome, events } = await one(() => says(verdict(true, "7")), { parts: [part] });
    expect(outcome.status).toBe(AnswerStatus.invalidRequest);
    expect(events).toHaveLength(2);
    const payload = encodePayload({
      type: PayloadType.inference,
      prompt: prompt({ models: ["fake/a"], parts: [part] }),
    });
    // A quote says why.
    const catalog = fakeModels({ a: unreachable });
    expect(() => quotePrice({ catalog, sources: null }, payload)).toThrow(
      expect.objectContaining({
        code: "INPUT_INVALID",
        message: expect.stringMatching(/serves no (pages|images|documents|chain reads)/) as string,
      }),
    );
  });

  test("is read as far as its output may become long, and no further", async () => {
    const padded =
      (size: number): Respond =>
      () =>
        says(verdict(true, "7").padEnd(size));
    expect((await one(padded(65_536))).outcome.status).toBe(AnswerStatus.ok);
    const { outcome } = await one(padded(65_537));
    expect(outcome).toMatchObject({
      status: AnswerStatus.invalidOutput,
      reason: "it is longer than 4096 bytes",
    });
  });

  test("is never asked a third time", async () => {
    const { outcome, events } = await one(() => says("no JSON"));
    expect(outcome.status).toBe(AnswerStatus.invalidOutput);
    expect(events.filter(({ type }) => type === "request.forwarded")).toHaveLength(2);
  });

  test.for([
    [
      "a provider that is overloaded",
      () => complete(529, "{}"),
      3,
      AnswerStatus.upstreamFailed,
      "fake/a gave no answer: the provider reports an error (MODEL_RATE_LIMITED, HTTP status 529)",
    ],
    [
      "a provider that fails",
      () => complete(500, "<html>"),
      3,
      AnswerStatus.upstreamFailed,
      "fake/a gave no answer: the provider reports an error (MODEL_HTTP_ERROR, HTTP status 500)",
    ],
    [
      "no connection",
      unreachable,
      3,
      AnswerStatus.upstreamFailed,
      "fake/a gave no answer: no connection (MODEL_UNREACHABLE)",
    ],
    [
      "a call that the provider rejects",
      () => complete(400, '{"error":{"code":"unsupported_parameter","message":"You asked: SECRET"}}'),
      1,
      AnswerStatus.upstreamFailed,
      "fake/a gave no answer: the provider reports an error (MODEL_REQUEST_REJECTED, HTTP status 400)",
    ],
    [
      "an empty account",
      () => complete(429, '{"error":{"code":"insufficient_quota"}}'),
      1,
      AnswerStatus.upstreamFailed,
      "fake/a gave no answer: the provider reports an error (MODEL_REQUEST_REJECTED, HTTP status 429)",
    ],
    [
      "a wait of ten minutes",
      () => complete(429, "{}", { "retry-after": "600" }),
      1,
      AnswerStatus.upstreamFailed,
      "fake/a gave no answer: the provider reports an error (MODEL_RATE_LIMITED, HTTP status 429)",
    ],
    // It was answered and is paid for: asking again would pay twice.
    [
      "a body that is no JSON",
      () => complete(200, "<html>"),
      1,
      AnswerStatus.upstreamFailed,
      "fake/a gave no answer: the body is not JSON (MODEL_RESPONSE_MALFORMED)",
    ],
    [
      "content that the provider's filter stops",
      () => complete(400, '{"error":{"code":"content_filter"}}'),
      1,
      AnswerStatus.refused,
      "fake/a gave no answer: the provider reports an error (MODEL_REFUSED, HTTP status 400)",
    ],
  ] as const)(
    "is asked as often as makes sense for %s, and the reason quotes nobody",
    async ([, respond, times, status, reason]) => {
      const { outcome, events } = await one(respond);
      expect(outcome.status).toBe(status);
      expect(events.filter(({ type }) => type === "request.forwarded")).toHaveLength(times);
      expect(outcome.reason).toBe(reason);
      expect(events.at(-1)).toMatchObject({ type: "output.returned", status, reason });
    },
  );

  test.for([
    ["stopped at its limit", "length", AnswerStatus.invalidOutput],
    ["stopped for a reason that we do not know", "abort", AnswerStatus.invalidOutput],
    ["stopped by a filter", "content_filter", AnswerStatus.refused],
  ] as const)("gives no answer when it %s, though what it said fits", async ([, reason, status]) => {
    const message = { role: "assistant", content: verdict(true, "7") };
    const body = JSON.stringify({ choices: [{ finish_reason: reason, message }] });
    expect((await one(() => complete(200, body))).outcome.status).toBe(status);
  });
});

describe("a model whose answers are read as they are written", () => {
  const piece = (delta: object, finish_reason: string | null = null): string =>
    `data: ${JSON.stringify({ id: "c", model: "m", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const stream = (...pieces: readonly string[]): Respond => {
    return (request) => {
      for (const written of pieces) request.onChunk?.(new TextEncoder().encode(written));
      return complete(200, pieces.join(""));
    };
  };
  const [first, second] = [verdict(true, "7").slice(0, 9), verdict(true, "7").slice(9)];

  test("is asked for a stream, and answers with all of it", async () => {
    const whole = stream(
      piece({ content: first }),
      piece({ content: second }),
      piece({}, "stop"),
      "data: [DONE]\n\n",
    );
    const models = fakeModels({ a: whole }, { transfer: "stream" });
    const { outcome, bodies } = await ask(models, { models: ["fake/a"] });
    expect(outcome.status).toBe(AnswerStatus.ok);
    const sent = Object.values(bodies).map((body) =>
      new TextDecoder().decode(fromHex(body as `0x${string}`)),
    );
    expect(sent.filter((body) => body.includes('"stream":true'))).toHaveLength(1);
  });

  test("has failed where its stream has no end", async () => {
    const models = fakeModels({ a: stream(piece({ content: verdict(true, "7") })) }, { transfer: "stream" });
    const { outcome } = await ask(models, { models: ["fake/a"] });
    expect(outcome.status).toBe(AnswerStatus.upstreamFailed);
  });
});
