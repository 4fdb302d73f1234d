/** Malformed calls by the thousand: the enclave goes on answering, with nothing unhandled and no growth. */

import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startStandInModel, type StandInModel } from "../../devnet/stand-in-model.ts";
import { AnswerStatus } from "../../protocol/answer.ts";
import { answerCall, toWire } from "./support/calls.ts";
import { behaviourFile, CREDENTIAL, operatorFile } from "./support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "./support/enclave-process.ts";

/** Small by default; the full budget shows what only time shows: growth. */
// eslint-disable-next-line no-restricted-properties
const CALLS = Number(process.env["ADYTON_FUZZ_CALLS"] ?? 2_000);
/** Calls before memory is compared: code is compiled and caches are full by then. */
const WARM_UP = Math.min(1_000, CALLS / 2);
/** Megabytes: what the heap of a healthy process breathes. */
const MAX_GROWTH_MB = 48;

let model: StandInModel;
let enclave: EnclaveProcess;
const agent = new Agent({ keepAlive: true, maxSockets: 8, rejectUnauthorized: false });
beforeAll(async () => {
  model = await startStandInModel(new Date());
  const operator = operatorFile();
  operator.callers.named[0]!.quota = { requestsPerMinute: 10_000_000, concurrent: 64 };
  enclave = await startEnclaveProcess({
    behaviour: behaviourFile(model),
    operator,
    // Node's own words about WebCrypto would be taken for a bug of ours.
    flags: ["--disable-warning=ExperimentalWarning"],
  });
});
afterAll(async () => {
  agent.destroy();
  expect(await enclave.stop()).toBe(0);
  await model.stop();
});

const soon = BigInt(Math.floor(new Date().getTime() / 1000) + 600);
const genuine = toWire(answerCall({}, { deadline: soon }));
const chat = JSON.stringify({ model: "stand-in/stand-in-1", messages: [{ role: "user", content: "hi" }] });
const responses = JSON.stringify({
  model: "stand-in/stand-in-1",
  input: [
    { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
    { type: "function_call_output", call_id: "c", output: [{ type: "input_text", text: "hi" }] },
  ],
});

/** Mutations of calls that are almost right, and noise. */
const mutated = fc
  .tuple(fc.constantFrom(genuine, chat, responses), fc.nat(), fc.nat({ max: 3 }), fc.string({ maxLength: 8 }))
  .map(([text, at, kind, noise]) => {
    const position = at % text.length;
    if (kind === 0) return text.slice(0, position);
    if (kind === 1) return text.slice(0, position) + noise + text.slice(position + 1);
    if (kind === 2) return text.slice(0, position) + text.slice(position / 2);
    return text.slice(0, position) + "[".repeat(at % 5_000) + text.slice(position);
  });
const body = fc.oneof(
  { weight: 4, arbitrary: mutated.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 5 }).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 512 }).map((bytes) => Buffer.from(bytes)) },
);
const call = fc.record({
  method: fc.constantFrom("POST", "POST", "POST", "GET", "PUT", "DELETE"),
  path: fc.oneof(
    fc.constantFrom(
      "/v1/answers",
      "/v1/chat/completions",
      "/v1/functions/answers",
      "/v1/responses",
      "/v1/batches",
      "/v1/quotes",
      "/v1/attestation?nonce=0x00",
    ),
    fc.constantFrom(
      "/v1/receipts/0x",
      "/v1/log/proof/0x00",
      "/v1/log/consistency?from=-1",
      "/v1/answers/..%2f",
      "/v1/secrets/a",
      "/%00",
      "/v1/attestation?nonce[]=1",
    ),
  ),
  body,
  contentType: fc.constantFrom("application/json", "text/plain", "application/x-www-form-urlencoded", ""),
  /** Sealed to nobody: as long as a sealed key, or as no key is. */
  providerKey: fc.option(
    fc.oneof(
      fc
        .uint8Array({ minLength: 1, maxLength: 600 })
        .map((bytes) => Buffer.from(bytes).toString("base64url")),
      fc.constantFrom("=", "A", "A".repeat(13_000), "sk-in-clear"),
    ),
    { freq: 4 },
  ),
});

function send(one: {
  method: string;
  path: string;
  body: Buffer;
  contentType: string;
  providerKey: string | null;
}): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${CREDENTIAL}`,
      "content-type": one.contentType,
      "content-length": one.body.length,
      ...(one.providerKey === null ? {} : { "adyton-provider-key": one.providerKey }),
    };
    const client = request(
      new URL(one.path, enclave.url),
      { method: one.method, headers, agent },
      (response) => {
        response.resume();
        response.on("end", () => {
          resolve(response.statusCode ?? 0);
        });
      },
    );
    client.on("error", reject);
    client.end(one.body);
  });
}

const memoryMb = (): number =>
  Number(/^VmRSS:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${enclave.pid}/status`, "utf8"))?.[1]) / 1024;

test(
  `answers ${CALLS} malformed calls with errors of its own, and then a good one`,
  { timeout: 600_000 },
  async () => {
    const seed = 20_261_122;
    const calls = fc.sample(call, { numRuns: CALLS, seed });
    const statuses = new Map<number, number>();
    let before = 0;
    for (let at = 0; at < calls.length; at += 8) {
      if (at >= WARM_UP && before === 0) before = memoryMb();
      for (const status of await Promise.all(calls.slice(at, at + 8).map(send)))
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect(
      [...statuses.keys()].filter((status) => status >= 500),
      `seed ${seed}`,
    ).toEqual([]);
    expect(memoryMb() - before).toBeLessThan(MAX_GROWTH_MB);
    const reply = await enclave.call("POST", "/v1/answers", genuine);
    expect(reply).toMatchObject({ status: 200, json: { answer: { status: AnswerStatus.ok } } });
    expect(enclave.stderr()).toBe("");
  },
);
