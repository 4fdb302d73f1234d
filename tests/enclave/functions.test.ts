import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createThrowawayAuthority } from "../../devnet/throwaway-authority.ts";
import { fromHex, fromUtf8, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { verifyFunctionsAnswer } from "../../protocol/functions-answer.ts";
import { encodeFunctionsCall, functionsRequestId } from "../../protocol/functions-request.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { STATE_BLOCK, TEXT } from "./support/calls.ts";
import { behaviourFile, operatorFile } from "./support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess, type Reply } from "./support/enclave-process.ts";
import { functionsQuestion, toBody, type FunctionsQuestion } from "./support/functions-calls.ts";
import { startHostileServer, type HostileServer } from "./support/hostile-server.ts";

const now = new Date();
const authority = await createThrowawayAuthority(now);
const deadline = BigInt(Math.floor(now.getTime() / 1000) + 600);

let model: HostileServer;
let enclave: EnclaveProcess;
let modelCalls = 0;
/** Calls of the model that are held back until the test lets them go. */
let held: (() => void)[] | null = null;

beforeAll(async () => {
  model = await startHostileServer({
    credentials: await authority.issue(["localhost"]),
    respond: (response, request) => {
      if (request.method === "HEAD") {
        response.writeHead(204).end();
        return;
      }
      modelCalls += 1;
      // Another text each time: two model calls could not pass for one.
      const text = `answer ${modelCalls} `.repeat(20);
      const send = (): void => {
        sendCompletion(response, text);
      };
      if (held === null) send();
      else held.push(send);
    },
  });
  const url = `https://localhost:${model.port}/v1`;
  const behaviour = behaviourFile({ url, certificateAuthority: authority.certificate });
  enclave = await startEnclaveProcess({
    behaviour: {
      ...behaviour,
      limits: { ...behaviour.limits, firstByteMs: 20_000, wholeExchangeMs: 30_000 },
    },
    operator: operatorFile(),
  });
});
afterAll(async () => {
  await enclave.stop();
  await model.stop();
});

function sendCompletion(response: ServerResponse, content: string): void {
  const body = JSON.stringify({
    id: "r",
    model: "m",
    choices: [{ finish_reason: "stop", message: { content } }],
  });
  response.setHeader("content-length", Buffer.byteLength(body));
  response.end(body);
}

const ask = (body: string): Promise<Reply> => enclave.call("POST", "/v1/functions/answers", body);
const textQuestion = (): FunctionsQuestion => functionsQuestion({ format: TEXT }, { deadline });

test("four nodes asking at once get identical bytes of one model call", async () => {
  const { request, body } = textQuestion();
  const before = modelCalls;
  const replies = await Promise.all([ask(body), ask(body), ask(body), ask(body)]);
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
  expect(modelCalls - before).toBe(1);
  const { response } = replies[0].json as { response: Hex };
  const verified = verifyFunctionsAnswer(request, fromHex(response), STATE_BLOCK);
  expect(verified.answer.keysetId).toBe(enclave.keysetId);
  const keyset = await enclave.call("GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`);
  expect(keyset.json).toMatchObject({ keyset: { answerKey: verified.signer } });
});

test("a model that is slow is waited for over several calls, and asked once", async () => {
  const { body } = textQuestion();
  const before = modelCalls;
  held = [];
  expect(await ask(body)).toMatchObject({ status: 202, json: {} });
  expect(await ask(body)).toMatchObject({ status: 202, json: {} });
  const last = ask(body);
  held.forEach((send) => {
    send();
  });
  held = null;
  expect(await last).toMatchObject({ status: 200 });
  expect(modelCalls - before).toBe(1);
});

test("an output that does not fit travels by its hash, and can be fetched by its request", async () => {
  const { request, body } = textQuestion();
  const reply = await ask(body);
  const { output, answer } = verifyFunctionsAnswer(
    request,
    fromHex((reply.json as { response: Hex }).response),
    STATE_BLOCK,
  );
  expect(output).toBeNull();
  const whole = await enclave.call("GET", `/v1/answers/${functionsRequestId(request)}`);
  expect(whole.status).toBe(200);
  const fetched = fromHex((whole.json as { output: Hex }).output);
  expect(keccak(fetched)).toBe(answer.outputHash);
  expect(fromUtf8(fetched)).toMatch(/^answer \d+ answer/);
  const unknown = await enclave.call("GET", `/v1/answers/0x${"99".repeat(32)}`);
  expect(unknown).toMatchObject({ status: 404, json: { error: { code: "INPUT_NOT_FOUND" } } });
});

test("refuses a payload that is not the request's, a deadline that is past, and a caller without a credential", async () => {
  const { request, body } = textQuestion();
  const other = toBody(encodeFunctionsCall({ request, payload: toUtf8("another payload") }));
  expect(await ask(other)).toMatchObject({ status: 400, json: { error: { code: "INPUT_INVALID" } } });
  const late = functionsQuestion({ format: TEXT }, { deadline: deadline - 1_200n });
  expect(await ask(late.body)).toMatchObject({
    status: 502,
    json: { error: { code: "ENCLAVE_TIME_OUTSIDE", retryable: true } },
  });
  const anonymous = await enclave.call("POST", "/v1/functions/answers", body, null);
  expect(anonymous).toMatchObject({ status: 401, json: { error: { code: "INPUT_UNAUTHORIZED" } } });
  expect(await ask(body)).toMatchObject({ status: 200 });
});

test("refuses a block that is older than the question's, which its consumer would not take", async () => {
  const ofBlock = (requestBlock: bigint): Promise<Reply> =>
    ask(functionsQuestion({ format: TEXT }, { deadline, requestBlock }).body);
  expect(await ofBlock(STATE_BLOCK.number + 1n)).toMatchObject({
    status: 400,
    json: { error: { code: "INPUT_INVALID" } },
  });
  expect(await ofBlock(STATE_BLOCK.number)).toMatchObject({ status: 200 });
});
