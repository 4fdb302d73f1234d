/**
 * The whole road: question → event → workflow in Chainlink's QuickJS → front → enclave → report, signed by nodes → Chainlink's
 * KeystoneForwarder → consumer. Nobody on it is believed: what a network can do is to keep an answer back.
 */

import { AbiCoder, id } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AnswerStatus } from "../../protocol/answer.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { EnclaveRegistry__factory } from "../../contracts/bindings/factories/index.ts";
import { decode, evm } from "./support/packages.ts";
import { startStage, type Carried, type HttpReply, type Question, type Stage } from "./support/stage.ts";

const ENOUGH_GAS = 700_000n;
/** The forwarder of 1.0.0 wants 160,000 left when it has checked its signatures. */
const LEAST_GAS = 240_000n;

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(async () => {
  await stage.stop();
});

/** What the consumer was given for a question: nothing, or its text. */
async function answerTo({ requestId }: Question, consumer = stage.consumer): Promise<string | null> {
  const [event, second] = await consumer.queryFilter(consumer.filters.Response(requestId));
  expect(second).toBeUndefined();
  if (event === undefined) return null;
  expect(event.args.status).toBe(BigInt(AnswerStatus.ok));
  return Buffer.from(fromHex(event.args.output as `0x${string}`)).toString();
}

/** The truth that the enclave signed, as anybody has it who asked the front. */
function responseOf({ httpCalls }: Carried): string {
  const reply = httpCalls.at(-1)?.reply.body ?? "{}";
  return (JSON.parse(reply) as { readonly response: string }).response;
}

/** The name of the error that a call of the consumer reverts with. */
async function refusalOf(call: Promise<unknown>): Promise<string> {
  const error = (await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )) as { readonly data?: string } | null;
  const data = error?.data ?? "0x";
  return (
    stage.consumer.interface.parseError(data)?.name ??
    EnclaveRegistry__factory.createInterface().parseError(data)?.name ??
    "not refused"
  );
}

const payloadOf = (requestId: string, response: string): Uint8Array =>
  fromHex(AbiCoder.defaultAbiCoder().encode(["bytes32", "bytes"], [requestId, response]));

/** With one bit flipped: of the form (0), the time (3), the keyset (10), the signature (80), the block (140), the output (150). */
function flipped(payload: Uint8Array, at: number): Uint8Array {
  const lie = Uint8Array.from(payload);
  const byte = 96 + at;
  lie[byte] = (lie[byte] ?? 0) ^ 1;
  return lie;
}

test("Chainlink's scripts compile the template, and find nothing in it that is not deterministic", () => {
  expect(stage.workflow.said).toContain("Built");
  expect(stage.workflow.said).not.toMatch(/warning|determinis/iu);
});

test("the workflow waits for the questions of its consumer, and of no other", async () => {
  const { result } = await stage.subscribe();
  expect(result.case).toBe("triggerSubscriptions");
  const { subscriptions } = result.value as {
    readonly subscriptions: readonly {
      readonly id: string;
      readonly payload: { readonly value: Uint8Array };
    }[];
  };
  expect(subscriptions).toHaveLength(1);
  const filter = decode<{
    readonly addresses: Uint8Array[];
    readonly topics: { readonly values: Uint8Array[] }[];
  }>(evm.FilterLogTriggerRequestSchema, subscriptions[0]!.payload.value);
  const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;
  expect(filter.addresses.map(hex)).toEqual([(await stage.consumer.getAddress()).toLowerCase()]);
  expect(filter.topics[0]?.values.map(hex)).toEqual([id("QuestionAsked(bytes32,uint64,bytes)")]);
});

describe("a network that does its work", () => {
  test("brings an answer inline, of one call, without any node seeing the credential", async () => {
    const question = await stage.ask("What is 2 + 3?");
    const carried = await stage.carry(question);
    expect(carried.result).toMatchObject({ case: "value" });
    expect(carried.reported?.outcome).toBe("delivered");
    expect(await answerTo(question)).toBe("2 + 3 = 5");
    expect(carried.httpCalls).toHaveLength(1);
    const seen = JSON.stringify(carried.httpCalls);
    expect(seen).toContain("Bearer {{.ENCLAVE_CREDENTIAL}}");
    expect(seen).not.toContain(stage.network.file.functionsCredential);
  });

  test("brings four kilobytes inline", async () => {
    const question = await stage.ask("Say it in exactly 4096 bytes.", 8_192);
    const { reported } = await stage.carry(question, { gasLimit: 5_000_000n });
    expect(reported?.outcome).toBe("delivered");
    expect(await answerTo(question)).toHaveLength(4_096);
  });

  test("brings a longer output by its hash, and then anybody delivers it", async () => {
    const question = await stage.ask("Say it in exactly 5000 bytes.", 8_192);
    const carried = await stage.carry(question);
    expect(carried.reported?.outcome).toBe("delivered");
    expect(await answerTo(question)).toBeNull();
    const { functionsCredential } = stage.network.file;
    const reply = await fetch(`${stage.frontUrl}/v1/answers/${question.requestId}`, {
      headers: { authorization: `Bearer ${functionsCredential}` },
    });
    const { output } = (await reply.json()) as { readonly output: `0x${string}` };
    const [awaited] = await stage.consumer.queryFilter(
      stage.consumer.filters.OutputAwaited(question.requestId),
    );
    expect(awaited?.args.outputHash).toBe(keccak(fromHex(output)));
    const lie = `${output.slice(0, -2)}00`;
    expect(
      await refusalOf(stage.consumer.deliver.staticCall(question.requestId, awaited!.args.response, lie)),
    ).toBe("OutputMismatch");
    await (await stage.consumer.deliver(question.requestId, awaited!.args.response, output)).wait();
    expect(await answerTo(question)).toHaveLength(5_000);
  });

  test("asks again while the model is slow, until it has the answer", async () => {
    const question = await stage.ask("What is 3 + 4?");
    const slow = { status: 202, body: "{}" };
    const carried = await stage.carry(question, { reply: (reply, call) => (call < 3 ? slow : reply) });
    expect(carried.httpCalls).toHaveLength(4);
    expect(await answerTo(question)).toBe("3 + 4 = 7");
    // The enclave answers a question once: each call was given the same bytes.
    expect(responseOf(carried)).toBe(
      responseOf(await stage.carry(question, { receiver: stage.forwarder.address })),
    );
  });
});

describe("a network that lies changes nothing, and the question stays open for the truth", () => {
  /** The truth can still be brought, by anybody. */
  async function relay(question: Question, response: string): Promise<void> {
    await (await stage.consumer.relay(question.requestId, response)).wait();
  }

  test.for([
    ["the form", 0],
    ["the status", 1],
    ["the time", 3],
    ["the keyset", 10],
    ["the transcript", 45],
    ["the signature", 80],
    ["the block", 141],
    ["the output", 145],
  ] as const)("by a bit of %s", async ([, at], { expect: expected }) => {
    const question = await stage.ask(`What is 5 + ${at}?`);
    const carried = await stage.carry(question, { payload: (payload) => flipped(payload, at) });
    expected(carried.reported?.outcome).toBe("refused");
    expected(await answerTo(question)).toBeNull();
    await relay(question, responseOf(carried));
    expected(await answerTo(question)).toBe(`5 + ${at} = ${5 + at}`);
  });

  test("by a forged reply, before the workflow has seen it", async () => {
    const question = await stage.ask("What is 6 + 7?");
    let truth = "";
    const forge = (reply: HttpReply): HttpReply => {
      truth = (JSON.parse(reply.body) as { readonly response: string }).response;
      const lie = payloadOf(question.requestId, truth);
      return {
        ...reply,
        body: JSON.stringify({
          response: `0x${Buffer.from(flipped(lie, 145))
            .subarray(96, 96 + truth.length / 2 - 1)
            .toString("hex")}`,
        }),
      };
    };
    const carried = await stage.carry(question, { reply: forge });
    expect(carried.reported?.outcome).toBe("refused");
    await relay(question, truth);
    expect(await answerTo(question)).toBe("6 + 7 = 13");
  });

  test("by the answer to another question", async () => {
    const [one, two] = [await stage.ask("What is 1 + 1?"), await stage.ask("What is 2 + 2?")];
    const first = await stage.carry(one);
    const second = await stage.carry(two, { payload: () => payloadOf(two.requestId, responseOf(first)) });
    expect(second.reported?.outcome).toBe("refused");
    expect(await answerTo(two)).toBeNull();
    await relay(two, responseOf(second));
    expect(await answerTo(two)).toBe("2 + 2 = 4");
  });

  test("by bringing an answer again, as the same execution or another", async () => {
    const question = await stage.ask("What is 8 + 1?");
    const first = await stage.carry(question);
    expect(first.reported?.outcome).toBe("delivered");
    const again = await stage.carry(question, { executionId: first.executionId });
    expect(again.reported?.outcome).toBe("reverted");
    const other = await stage.carry(question);
    expect(other.reported?.outcome).toBe("refused");
    expect(await answerTo(question)).toBe("8 + 1 = 9");
    expect(await refusalOf(stage.consumer.relay.staticCall(question.requestId, responseOf(first)))).toBe(
      "QuestionNotPending",
    );
  });

  test("by another contract for receiver: what nodes sign does not say whose the report is", async () => {
    const question = await stage.ask("What is 9 + 1?");
    const carried = await stage.carry(question, { receiver: await stage.other.getAddress() });
    expect(carried.reported?.outcome).toBe("refused");
    expect(await answerTo(question, stage.other)).toBeNull();
    // Neither is the truth spoilt for the receiver that it is for: by the same report, that anybody can send.
    const reported = await stage.forwarder.report(
      await stage.consumer.getAddress(),
      carried.report!,
      ENOUGH_GAS,
    );
    expect(reported.outcome).toBe("delivered");
    expect(await answerTo(question)).toBe("9 + 1 = 10");
  });

  test("by a receiver that is no contract of this kind", async () => {
    const question = await stage.ask("What is 9 + 2?");
    const carried = await stage.carry(question, { receiver: stage.forwarder.address });
    expect(carried.reported?.outcome).toBe("refused");
    await relay(question, responseOf(carried));
    expect(await answerTo(question)).toBe("9 + 2 = 11");
  });

  /** The least that the forwarder goes on with is enough for the check: what is short is refused before the consumer is called. */
  test("by too little gas; the same report counts when it is sent with enough", async () => {
    const question = await stage.ask("What is 9 + 3?");
    const starved = await stage.carry(question, { gasLimit: 215_000n });
    expect(starved.reported?.outcome).toBe("reverted");
    expect(await answerTo(question)).toBeNull();
    const reported = await stage.forwarder.report(
      await stage.consumer.getAddress(),
      starved.report!,
      LEAST_GAS,
    );
    expect(reported.outcome).toBe("delivered");
    expect(await answerTo(question)).toBe("9 + 3 = 12");
  });

  test("by silence: nothing is written, and the workflow says why", async () => {
    const question = await stage.ask("What is 9 + 4?");
    const refused = await stage.carry(question, { reply: () => ({ status: 401, body: "{}" }) });
    expect(refused.result).toMatchObject({ case: "error" });
    expect(String(refused.result.value)).toContain("adyton: HTTP 401");
    expect(refused.httpCalls).toHaveLength(1);
    const slow = await stage.carry(question, { reply: () => ({ status: 202, body: "{}" }) });
    expect(String(slow.result.value)).toContain("adyton: the model is slow");
    expect(slow.httpCalls).toHaveLength(5);
    expect([refused.report, slow.report]).toEqual([null, null]);
    const carried = await stage.carry(question);
    expect(carried.reported?.outcome).toBe("delivered");
  });
});
