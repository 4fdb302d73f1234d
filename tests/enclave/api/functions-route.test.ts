import express from "express";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import * as z from "zod";
import { errorHandler } from "../../../enclave/api/error-reply.ts";
import { functionsRoute } from "../../../enclave/api/functions-route.ts";
import { fromHex, toHex, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { SignedAnswer } from "../../../protocol/enclave-api.ts";
import { decodeFunctionsAnswer } from "../../../protocol/functions-answer.ts";
import { functionsRequestId } from "../../../protocol/functions-request.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { STATE_BLOCK } from "../support/calls.ts";
import { functionsQuestion, toBody } from "../support/functions-calls.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** The route alone, over an answerer that gives `answer` when it comes. */
const holds: number[] = [];

async function serve(
  answer: Promise<string>,
): Promise<(body: string, headers?: Readonly<Record<string, string>>) => Promise<Response>> {
  const app = express();
  const route = functionsRoute({
    answerer: {
      answer: () => Promise.reject(new Error("the other road")),
      find: () => Promise.reject(new Error("not asked")),
      findTwin: () => Promise.reject(new Error("not asked")),
      batch: () => {
        throw new Error("not asked");
      },
      answerFunctions: () => answer,
      answerEntry: () => Promise.reject(new Error("the other road")),
      answerAccountRun: () => Promise.reject(new Error("the other road")),
      answerEventRun: () => Promise.reject(new Error("the other road")),
    },
    // No time passes: what has not been answered by now is pending.
    pause: (ms) => {
      holds.push(ms);
      return new Promise((resolve) => setImmediate(resolve));
    },
  });
  app.post("/", express.json(), route);
  app.use(
    errorHandler((error) => {
      throw error;
    }),
  );
  const server = createServer(app);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return (body, headers = {}) =>
    fetch(url, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
}

const OUTPUT = toUtf8("Delphi");
const word = (byte: string): Hex => `0x${byte.repeat(32)}`;

function signedAnswer(requestId: Hex): string {
  const signed: z.output<typeof SignedAnswer> = {
    answer: {
      requestId,
      status: 1,
      outputHash: keccak(OUTPUT),
      transcriptRoot: word("aa"),
      stateBlockHash: STATE_BLOCK.hash,
      keysetId: word("bb"),
      answeredAt: 1_800_000_000n,
    },
    signature: `0x${"11".repeat(64)}1b`,
    output: toHex(OUTPUT),
    transcript: [{ leafHash: word("01") }, { leafHash: word("02") }],
    bodies: {},
    evidence: { kind: "simulator", bytes: "0x", claims: "0x" },
    endorsements: null,
    stateBlock: STATE_BLOCK,
    quorumLeaf: null,
  };
  return JSON.stringify(z.encode(SignedAnswer, signed));
}

test("gives the answer in the form that Functions carries", async () => {
  const { request, body } = functionsQuestion();
  const requestId = functionsRequestId(request);
  const reply = await (await serve(Promise.resolve(signedAnswer(requestId))))(body);
  expect(reply.status).toBe(200);
  const { response } = (await reply.json()) as { response: Hex };
  const decoded = decodeFunctionsAnswer(requestId, fromHex(response));
  expect(decoded.output).toEqual(OUTPUT);
  expect(decoded.answer.answeredAt).toBe(1_800_000_000n);
  expect(decoded.stateBlockNumber).toBe(STATE_BLOCK.number);
});

test("says 202 while the model has not answered", async () => {
  const reply = await (await serve(new Promise(() => undefined)))(functionsQuestion().body);
  expect(reply.status).toBe(202);
  expect(await reply.json()).toEqual({});
});

const good = functionsQuestion().body;
const changed = (change: object): string => JSON.stringify({ ...(JSON.parse(good) as object), ...change });
test.for([
  ["no JSON object", "[]", 400, "INPUT_INVALID"],
  ["another field", changed({ more: 1 }), 400, "INPUT_INVALID"],
  ["what is not base64", changed({ call: "!" }), 400, "INPUT_INVALID"],
  ["what is not deflated", changed({ call: "AAAA" }), 400, "INPUT_INVALID"],
  ["no block", changed({ stateBlock: undefined }), 400, "INPUT_INVALID"],
  [
    "a block whose hash is zero",
    changed({ stateBlock: { number: "1", hash: word("00") } }),
    400,
    "INPUT_INVALID",
  ],
  ["a call that is too short", toBody(new Uint8Array(319)), 400, "INPUT_INVALID"],
  ["a bomb", toBody(new Uint8Array(1_000_000)), 413, "INPUT_TOO_LARGE"],
] as const)("refuses %s", async ([, body, status, code]) => {
  const send = await serve(Promise.resolve(signedAnswer(word("00"))));
  const reply = await send(body);
  expect(reply.status).toBe(status);
  expect(await reply.json()).toMatchObject({ error: { code } });
  expect((await send(good)).status).toBe(200);
});

test.for([
  ["nothing", {}, 1_700],
  ["half a minute", { prefer: "wait=30" }, 30_000],
  ["among others", { prefer: "respond-async, wait=30; foo" }, 30_000],
  ["an hour", { prefer: "wait=3600" }, 50_000],
  ["no number", { prefer: "wait=soon" }, 1_700],
] as const)(
  "holds a call that prefers %s for as long as that, and a minute at most",
  async ([, headers, ms]) => {
    const { body } = functionsQuestion();
    holds.length = 0;
    const reply = await (await serve(new Promise(() => undefined)))(body, headers);
    expect(reply.status).toBe(202);
    expect(holds).toEqual([ms]);
  },
);

test("gives a longer output whole where the road carries it", async () => {
  const { request, body } = functionsQuestion();
  const requestId = functionsRequestId(request);
  const output = toUtf8("d".repeat(4_000));
  const signed = JSON.parse(signedAnswer(requestId)) as { output: string; answer: { outputHash: string } };
  signed.output = toHex(output);
  signed.answer.outputHash = keccak(output);
  const ask = await serve(Promise.resolve(JSON.stringify(signed)));
  const longer = JSON.stringify({ ...(JSON.parse(body) as object), maxResponseBytes: 4_238 });
  const { response } = (await (await ask(longer)).json()) as { response: Hex };
  expect(response.slice(2, 4)).toBe("02");
  expect(fromHex(response)).toHaveLength(4_142);
  const { response: short } = (await (await ask(body)).json()) as { response: Hex };
  expect(short.slice(2, 4)).toBe("01");
  expect((await ask(longer.replace("4238", "4239"))).status).toBe(400);
});
