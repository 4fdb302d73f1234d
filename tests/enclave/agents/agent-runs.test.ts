/** Programs in a real enclave: over HTTP and as a request's payload, with receipts that verify and replay. */

import { sha256 } from "@noble/hashes/sha2.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { loadSandbox } from "../../../cli/replay/load-sandbox.ts";
import type { ManifestFile } from "../../../protocol/agent-program.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { SignedAnswer } from "../../../protocol/enclave-api.ts";
import { fromHex, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import type { Receipt } from "../../../protocol/receipt.ts";
import { understoodEvent, type TranscriptEvent } from "../../../protocol/transcript.ts";
import { ReplayDivergence } from "../../../runtime/agents/replay-verdict.ts";
import { replayReceipt } from "../../../runtime/agents/replay.ts";
import { agentPayload, runAgent, startAgentNetwork, type AgentNetwork } from "../support/agent-network.ts";
import { callFor, toWire } from "../support/calls.ts";

let network: AgentNetwork;
beforeAll(async () => {
  network = await startAgentNetwork();
});
afterAll(async () => {
  expect(network.enclave.stderr()).toBe("");
  await network.stop();
});

const sandbox = loadSandbox();
const soon = BigInt(Math.floor(new Date().getTime() / 1000) + 600);

const allowed = (change: ManifestFile = {}): ManifestFile => ({
  models: ["stand-in/stand-in-1"],
  http: [{ origin: network.origin, methods: ["GET", "POST"] }],
  ...change,
});

const RESOLVER = `export default async (input, host) => {
  const pages = await Promise.all([1, 2, 3].map((n) => host.http({ url: input.origin + "/" + n })));
  const { value } = await host.model({
    returns: "(bool flagged, uint8 severity 0..10, string reason)",
    messages: [{ role: "user", content: "You are an idiot and I hate you" }],
  });
  host.log("asked", pages.length);
  return { sum: pages.reduce((sum, page) => sum + page.json.value, 0), value, now: await host.clock() > 0 };
};`;

test("answers over HTTP with a receipt that verifies and replays", async () => {
  const payload = agentPayload(RESOLVER, { manifest: allowed(), input: { origin: network.origin } });
  const { reply, receipt, value } = await runAgent(network, payload);
  expect({ status: reply.status, value }).toMatchObject({ status: "ok", value: { sum: 6, now: true } });
  const verified = await verifyReceipt(receipt);
  const { end } = await replayReceipt(verified.receipt, sandbox);
  expect(end).toMatchObject({ outcome: "returned", calls: 5, logs: ['["asked",3]'] });
});

test("answers a request on chain, whose receipt is signed for the coordinator", async () => {
  const payload = agentPayload(RESOLVER, {
    manifest: allowed({ output: "(uint256 sum)" }),
    input: { origin: network.origin },
  });
  const { json, status } = await network.enclave.call(
    "POST",
    "/v1/answers",
    toWire(callFor(payload, { deadline: soon })),
  );
  expect(status).toBe(200);
  // What is not of the output's type ends the run badly, and is paid for.
  expect(SignedAnswer.parse(json).answer.status).toBe(AnswerStatus.programFailed);
  const typed = agentPayload("export default (input) => ({ sum: input.a + input.b });", {
    manifest: { output: "(uint256 sum)" },
    input: { a: 2, b: 3 },
  });
  const answered = await network.enclave.call(
    "POST",
    "/v1/answers",
    toWire(callFor(typed, { deadline: soon })),
  );
  const signed = SignedAnswer.parse(answered.json);
  expect([signed.answer.status, signed.output]).toEqual([AnswerStatus.ok, `0x${"5".padStart(64, "0")}`]);
});

describe("a program that ends badly", () => {
  const runs = test.for([
    ["throws", "export default () => { throw new TypeError('no') };"],
    ["never settles", "export default () => new Promise(() => {});"],
    ["loops", "export default () => { for (;;); };"],
    ["does not compile", "export default ("],
    ["imports", "import x from 'fs'; export default () => x;"],
    ["returns what is no JSON", "export default () => 'a\\ud800';"],
  ] as const);
  runs("that %s is signed as programFailed", async ([, source]) => {
    const payload = agentPayload(source, { manifest: { limits: { gas: 50_000_000 } } });
    const { reply, receipt } = await runAgent(network, payload);
    expect(reply.status).toBe("programFailed");
    const { receipt: verified } = await verifyReceipt(receipt);
    await expect(replayReceipt(verified, sandbox)).resolves.toBeDefined();
  });
});

test("a program that says nothing, often, has a receipt all the same", async () => {
  const source = "export default (input, host) => { for (let n = 0; n < 5000; n++) host.log(); return 1; };";
  const { reply, receipt } = await runAgent(network, agentPayload(source));
  expect(reply.status).toBe("ok");
  const { receipt: verified } = await verifyReceipt(receipt);
  expect((await replayReceipt(verified, sandbox)).end.logs.length).toBe(512);
});

describe("a receipt that was changed", () => {
  const replayed = async (change: (receipt: Receipt) => Receipt): Promise<unknown> => {
    const payload = agentPayload(RESOLVER, { manifest: allowed(), input: { origin: network.origin } });
    const { receipt: file } = await runAgent(network, payload);
    const { receipt } = await verifyReceipt(file);
    const changed = change(receipt);
    const error: unknown = await replayReceipt(changed, sandbox).catch((caught: unknown) => caught);
    return error instanceof ReplayDivergence ? error.divergence : error;
  };
  const withEvents = (receipt: Receipt, change: (event: TranscriptEvent) => TranscriptEvent): Receipt => ({
    ...receipt,
    transcript: receipt.transcript.map((leaf) => {
      const event = understoodEvent(leaf);
      return event === undefined || !("salt" in leaf) ? leaf : { salt: leaf.salt, event: change(event) };
    }),
  });
  const firstResponse = (receipt: Receipt) =>
    receipt.transcript.map(understoodEvent).find((event) => event?.type === "response.received")!;

  test("in a byte of a body is named as that body", async () => {
    const divergence = await replayed((receipt) => {
      const { bodyHash } = firstResponse(receipt);
      const bytes = fromHex(receipt.bodies[bodyHash]!);
      bytes[bytes.length >> 1]! ^= 1;
      return { ...receipt, bodies: { ...receipt.bodies, [bodyHash]: toHex(bytes) } };
    });
    expect(divergence).toMatchObject({ at: "body", call: 0 });
  });

  test("in a body and in its name, as a lying enclave could, contradicts the recorded result", async () => {
    const divergence = await replayed((receipt) => {
      const { bodyHash } = firstResponse(receipt);
      const body = toUtf8('{"path":"/1","value":7}');
      const name = toHex(sha256(body));
      const renamed = withEvents(receipt, (event) =>
        event.type === "response.received" && event.bodyHash === bodyHash
          ? { ...event, bodyHash: name, bodyBytes: body.length }
          : event,
      );
      return { ...renamed, bodies: { ...receipt.bodies, [name]: toHex(body) } };
    });
    expect(divergence).toMatchObject({ at: "result", call: 0 });
  });

  test.for([
    ["a recorded result", "call.settled", { resultHash: `0x${"11".repeat(32)}` }, "result"],
    ["the arguments", "call.made", { argsHash: `0x${"11".repeat(32)}` }, "args"],
    ["the op", "call.made", { op: "clock" }, "op"],
    ["the address asked", "request.forwarded", { url: "https://other.example/" }, "request"],
    ["the gas", "program.ended", { gas: "1" }, "gas"],
    ["the input", "program.started", { inputHash: `0x${"11".repeat(32)}` }, "input"],
    ["a log", "log.written", { hash: `0x${"11".repeat(32)}` }, "logs"],
  ] as const)("in %s is named", async ([, type, change, at]) => {
    const divergence = await replayed((receipt) =>
      withEvents(receipt, (event) => (event.type === type ? { ...event, ...change } : event)),
    );
    expect(divergence).toMatchObject({ at });
  });

  test("of a made-up engine cannot be replayed", async () => {
    const error = await replayed((receipt) =>
      withEvents(receipt, (event) =>
        event.type === "program.started" ? { ...event, engine: `0x${"11".repeat(32)}` } : event,
      ),
    );
    expect(error).toMatchObject({ because: "engineUnknown" });
  });
});

describe("a call that is not allowed", () => {
  const codeOf = (call: string): string =>
    `export default async (input, host) => { try { await ${call}; return "done"; } catch (error) { return error.code + ": " + error.message; } };`;

  test.for([
    ["another host", 'host.http({ url: "https://other.example/" })'],
    ["plain http", 'host.http({ url: input.origin.replace("https", "http") })'],
    ["a method that the manifest does not name", 'host.http({ url: input.origin, method: "DELETE" })'],
    ["credentials in the URL", 'host.http({ url: input.origin.replace("//", "//me:pass@") })'],
    ["a header of the connection", 'host.http({ url: input.origin, headers: { Host: "other" } })'],
    [
      "a secret that the manifest does not name",
      'host.http({ url: input.origin, secrets: { authorization: "key" } })',
    ],
    [
      "a model that the manifest does not name",
      'host.model({ model: "stand-in/html", messages: [{ role: "user", content: "x" }] })',
    ],
  ] as const)("%s is REFUSED, and nothing is sent", async ([, call]) => {
    const before = network.server.received.length;
    const payload = agentPayload(codeOf(call), { manifest: allowed(), input: { origin: network.origin } });
    const { value } = await runAgent(network, payload);
    expect(value).toMatch(/^REFUSED: /);
    expect(network.server.received.length).toBe(before);
  });

  test("a question beyond the fee is OUT_OF_BUDGET", async () => {
    const call = 'host.model({ messages: [{ role: "user", content: "x" }] })';
    const payload = agentPayload(codeOf(call), { manifest: allowed() });
    const { value } = await runAgent(network, payload, { fee: "1" });
    expect(value).toMatch(/^OUT_OF_BUDGET: /);
  });
});
