/** A hundred programs at the same time: each ends as it would alone, and meanwhile the enclave answers everybody else. */

import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { SignedAnswer } from "../../../protocol/enclave-api.ts";
import { agentPayload, runAgent, startAgentNetwork, type AgentNetwork } from "../support/agent-network.ts";
import { answerCall, toWire } from "../support/calls.ts";

const RUNS = 100;
/** Of them, that only spin until their gas is gone. */
const SPINNING = 5;
const soon = BigInt(Math.floor(new Date().getTime() / 1000) + 600);

/** Each asks the server, which answers nobody until all have asked and everybody else was answered. */
const WAITS = `export default async ({ origin, index }, host) => {
  const { json } = await host.http({ url: origin + "/" + index });
  return json.path + " " + Math.floor(Math.random() * 0);
};`;
const SPINS = "export default () => { for (;;); };";

let network: AgentNetwork;
const held: (() => void)[] = [];
let onAllHeld: () => void;
const allHeld = new Promise<void>((resolve) => {
  onAllHeld = resolve;
});

beforeAll(async () => {
  network = await startAgentNetwork({
    concurrent: RUNS + 8,
    respond: (response: ServerResponse, request) => {
      const path = request.url ?? "";
      held.push(() => {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ path }));
      });
      if (held.length === RUNS - SPINNING) onAllHeld();
    },
  });
}, 60_000);
afterAll(async () => {
  expect(network.enclave.stderr()).toBe("");
  await network.stop();
});

const payloadOf = (index: number): Uint8Array<ArrayBuffer> =>
  index < SPINNING
    ? agentPayload(SPINS, { manifest: { limits: { gas: 50_000_000 } }, input: index })
    : agentPayload(WAITS, {
        manifest: { http: [{ origin: network.origin, methods: ["GET"] }] },
        input: { origin: network.origin, index },
      });

test("neither starve each other nor the enclave's other routes", { timeout: 120_000 }, async () => {
  let ended = 0;
  const runs = Array.from({ length: RUNS }, async (_, index) => {
    const ran = await runAgent(network, payloadOf(index));
    ended += 1;
    return ran;
  });
  await allHeld;
  // All of them are there now, and stay until the server answers: nobody else waits for them.
  const { enclave } = network;
  expect(await enclave.call("GET", "/v1/health")).toMatchObject({ status: 200 });
  expect(await enclave.call("GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`)).toMatchObject({
    status: 200,
  });
  const answered = await enclave.call("POST", "/v1/answers", toWire(answerCall({}, { deadline: soon })));
  expect(SignedAnswer.parse(answered.json).answer.status).toBe(AnswerStatus.ok);
  const other = await runAgent(network, agentPayload("export default () => 1 + 1;"));
  expect(other.value).toBe(2);
  expect(ended).toBeLessThanOrEqual(SPINNING);

  for (const respond of held) respond();
  const values = (await Promise.all(runs)).map(({ reply, value }) => [reply.status, value]);
  expect(values).toEqual(
    Array.from({ length: RUNS }, (_, index) =>
      index < SPINNING ? ["programFailed", null] : ["ok", `/${index} 0`],
    ),
  );
});

test("more than may run are told to come again, and cost nobody his run", { timeout: 60_000 }, async () => {
  const waiting: (() => void)[] = [];
  let onBoth = (): void => undefined;
  const both = new Promise<void>((resolve) => {
    onBoth = resolve;
  });
  const limited = await startAgentNetwork({
    concurrent: 8,
    agents: { concurrentRuns: 2 },
    respond: (response) => {
      waiting.push(() => response.end("{}"));
      if (waiting.length === 2) onBoth();
    },
  });
  try {
    const payload = (index: number): Uint8Array<ArrayBuffer> =>
      agentPayload("export default async (input, host) => (await host.http({ url: input.origin })).status;", {
        manifest: { http: [{ origin: limited.origin, methods: ["GET"] }] },
        input: { origin: limited.origin, index },
      });
    const running = [runAgent(limited, payload(0)), runAgent(limited, payload(1))];
    await both;
    await expect(runAgent(limited, payload(2))).rejects.toThrow(/^429: .*INPUT_RATE_LIMITED/);
    for (const respond of waiting) respond();
    expect((await Promise.all(running)).map(({ value }) => value)).toEqual([200, 200]);
  } finally {
    await limited.stop();
  }
});
