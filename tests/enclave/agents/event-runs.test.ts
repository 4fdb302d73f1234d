/** A program that a log of a chain starts, in a real enclave: proven first, run once, and replayed from its receipt. */

import { sha256 } from "@noble/hashes/sha2.js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { verifyReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { loadSandbox } from "../../../cli/replay/load-sandbox.ts";
import { checkSignedEvent, toEventReceipt } from "../../../oracle/agents/signed-run.ts";
import { encodeProgram, programHash, type ManifestFile } from "../../../protocol/agent-program.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { fromHex, fromUtf8, toHex, type Hex } from "../../../protocol/bytes.ts";
import { encodeCanonicalJson } from "../../../protocol/canonical-json.ts";
import { AttestationReply, SignedAnswer } from "../../../protocol/enclave-api.ts";
import { eventRunId } from "../../../protocol/event-run.ts";
import type { Keyset } from "../../../protocol/keyset.ts";
import { encodeReceipt, type EventReceipt } from "../../../protocol/receipt.ts";
import { keccakText } from "../../../protocol/struct-hash.ts";
import { understoodEvent, type TranscriptEvent } from "../../../protocol/transcript.ts";
import { EventRunCall, proveEvent } from "../../../runtime/agents/event-run.ts";
import { ReplayDivergence } from "../../../runtime/agents/replay-verdict.ts";
import { replayReceipt } from "../../../runtime/agents/replay.ts";
import { createProvenWorld, type ProvenWorld } from "../../support/proven-world.ts";
import { startAgentNetwork, type AgentNetwork } from "../support/agent-network.ts";
import type { Reply } from "../support/enclave-process.ts";

const CHAIN_ID = 10n;
const now = Math.floor(new Date().getTime() / 1000);

/** Tells a server, so that a second run would be seen. */
const SOURCE = `export default async ({ chainId, log }, host) => {
  await host.http({ url: "ORIGIN/log/" + log.logIndex });
  return { chainId, topic: log.topics[1], trigger: host.run.trigger, block: host.run.block, at: Math.random() };
};`;

let network: AgentNetwork;
let world: ProvenWorld;
let program: Uint8Array<ArrayBuffer>;
let keyset: Keyset;
let call: EventRunCall;

async function bring(source: string, manifest: ManifestFile): Promise<Uint8Array<ArrayBuffer>> {
  const file = encodeProgram(source, manifest);
  const reply = await network.enclave.call("PUT", "/v1/programs", fromUtf8(file));
  expect(reply.status).toBe(200);
  return file;
}

function run(change: object = {}): Promise<Reply> {
  const wire = { ...z.encode(EventRunCall, call), ...change };
  return network.enclave.call("POST", "/v1/agents/event-runs", JSON.stringify(wire));
}

beforeAll(async () => {
  network = await startAgentNetwork();
  world = await createProvenWorld({ number: 77n, timestamp: BigInt(now - 60) });
  program = await bring(SOURCE.replace("ORIGIN", network.origin), {
    http: [{ origin: network.origin, methods: ["GET"] }],
  });
  const { json } = await network.enclave.call("GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`);
  ({ keyset } = z.decode(AttestationReply, json as z.input<typeof AttestationReply>));
}, 60_000);
beforeEach(() => {
  const { block, receipts } = world;
  call = {
    chainId: CHAIN_ID,
    programHash: programHash(program),
    logIndex: 1,
    block,
    receipts: [...receipts],
  };
  network.server.received.length = 0;
});
afterAll(async () => {
  expect(network.enclave.stderr()).toBe("");
  await network.stop();
});

async function signedRun(): Promise<{
  readonly signed: SignedAnswer;
  readonly receipt: Uint8Array<ArrayBuffer>;
}> {
  const reply = await run();
  expect(reply.status, reply.text).toBe(200);
  const signed = SignedAnswer.parse(reply.json);
  return { signed, receipt: toEventReceipt(proveEvent(call), signed, keyset) };
}

test("is given the log and its block, under an id that commits to both", async () => {
  const { signed, receipt } = await signedRun();
  const { blockHash, logIndex, programHash: named } = proveEvent(call).run;
  expect([blockHash, logIndex, named]).toEqual([world.block.hash, 1, programHash(program)]);
  expect(signed.answer).toMatchObject({
    requestId: eventRunId({ chainId: CHAIN_ID, blockHash, logIndex, programHash: named }),
    status: AnswerStatus.ok,
    stateBlockHash: world.block.hash,
  });
  expect(JSON.parse(fromUtf8(fromHex(signed.output)))).toMatchObject({
    chainId: "10",
    topic: `0x${"1".padStart(64, "0")}`,
    trigger: "event",
    block: { number: "77", hash: world.block.hash },
  });
  checkSignedEvent(proveEvent(call), signed, keyset);
  const verified = await verifyReceipt(receipt);
  expect(verified.receipt.request).toMatchObject({ blockHash: world.block.hash, logIndex: 1 });
  const { end } = await replayReceipt(verified.receipt, loadSandbox());
  expect(end).toMatchObject({ outcome: "returned", calls: 1 });
});

test("runs once for a log, whoever asks again and however many at once", async () => {
  call = { ...call, logIndex: 2 };
  const replies = await Promise.all([run(), run(), run()]);
  replies.push(await run());
  expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
  expect(network.server.received.filter((line) => line.startsWith("GET /log/2"))).toHaveLength(1);
});

test("runs for another log, of another block and for another program, each under an id of its own", async () => {
  const ids = new Set<Hex>();
  const idOf = async (change: object): Promise<void> => {
    const reply = await run(change);
    expect(reply.status, reply.text).toBe(200);
    ids.add(SignedAnswer.parse(reply.json).answer.requestId);
  };
  await idOf({ logIndex: 0 });
  await idOf({ logIndex: 3 });
  const other = await bring("export default ({ log }) => log.data;", {});
  await idOf({ logIndex: 0, programHash: programHash(other) });
  // The chain took the block back, and the same logs are in the next one.
  const after = await createProvenWorld({ number: 77n, timestamp: BigInt(now - 59) });
  await idOf({ logIndex: 0, block: after.block, receipts: after.receipts });
  expect(ids.size).toBe(4);
});

describe("a log that is not proven", () => {
  const changed = (digit: Hex): Hex => `0x${digit.slice(2, -1)}${digit.endsWith("1") ? "2" : "1"}`;
  const cases: readonly (readonly [string, () => object])[] = [
    ["a topic that it does not have", () => ({ receipts: withLog({ topics: [keccakText("other")] }) })],
    ["data that it does not have", () => ({ receipts: withLog({ data: "0xff" }) })],
    ["another account's", () => ({ receipts: withLog({ address: world.nobody }) })],
    ["a receipt too few", () => ({ receipts: call.receipts.slice(0, -1) })],
    ["a receipt too many", () => ({ receipts: [...call.receipts, ...call.receipts.slice(0, 1)] })],
    ["receipts in another order", () => ({ receipts: call.receipts.toReversed() })],
    ["a log that the block does not have", () => ({ logIndex: 4 })],
    ["a header with another root", () => ({ block: { ...call.block, receiptsRoot: keccakText("other") } })],
    ["a header under another hash", () => ({ block: { ...call.block, hash: changed(call.block.hash) } })],
    ["another block's header", () => ({ block: { ...call.block, number: "0x1" } })],
  ];
  const withLog = (change: object): unknown =>
    call.receipts.map((receipt) => ({
      ...receipt,
      logs: receipt.logs.map((log) => ({ ...log, ...change })),
    }));

  test.for(cases)("%s: nothing runs, nothing is sent, nothing is signed", async ([, change]) => {
    const before = await network.enclave.call("GET", "/v1/log/checkpoint");
    const reply = await run(change());
    expect(reply).toMatchObject({ status: 400, json: { error: { code: "INPUT_INVALID" } } });
    expect(reply.text).toContain("the log is not proven");
    expect(network.server.received).toEqual([]);
    expect((await network.enclave.call("GET", "/v1/log/checkpoint")).text).toBe(before.text);
  });
});

test.for([
  ["from more than an hour ago", -3_600 - 301, 502],
  ["from the future", 400, 502],
] as const)("a log %s is run for by nobody", async ([, seconds, status]) => {
  const old = await createProvenWorld({ number: 76n, timestamp: BigInt(now + seconds) });
  const reply = await run({ block: old.block, receipts: old.receipts });
  expect(reply.json).toMatchObject({ error: { code: "ENCLAVE_TIME_OUTSIDE" } });
  expect(reply.status).toBeGreaterThanOrEqual(status);
});

test("a program that is not here, or takes another input, is refused before anything is signed", async () => {
  expect(await run({ programHash: keccakText("unknown") })).toMatchObject({
    status: 404,
    json: { error: { code: "INPUT_NOT_FOUND" } },
  });
  const typed = await bring("export default () => 1;", { input: "(uint256 a)" });
  expect(await run({ programHash: programHash(typed) })).toMatchObject({
    status: 400,
    json: { error: { code: "INPUT_INVALID" } },
  });
});

describe("a receipt of which something is another", () => {
  let genuine: EventReceipt;
  beforeAll(async () => {
    call = {
      chainId: CHAIN_ID,
      programHash: programHash(program),
      logIndex: 1,
      block: world.block,
      receipts: [...world.receipts],
    };
    const { receipt } = await verifyReceipt((await signedRun()).receipt);
    genuine = receipt as EventReceipt;
  });
  const withEvent = (change: (event: TranscriptEvent) => TranscriptEvent): EventReceipt => ({
    ...genuine,
    transcript: genuine.transcript.map((leaf) => {
      const event = understoodEvent(leaf);
      return event === undefined || !("salt" in leaf) ? leaf : { salt: leaf.salt, event: change(event) };
    }),
  });

  test.for<readonly [string, () => object, string]>([
    ["the log", () => ({ request: { ...genuine.request, logIndex: 2 } }), "request"],
    ["the chain", () => ({ request: { ...genuine.request, chainId: 1n } }), "request"],
    ["the program", () => ({ request: { ...genuine.request, programHash: keccakText("other") } }), "request"],
    [
      "the block",
      () => ({ stateBlock: { ...genuine.stateBlock, hash: keccakText("other") } }),
      "state-block",
    ],
  ])("%s does not verify", async ([, change, check]) => {
    const file = encodeReceipt({ ...genuine, ...change() });
    await expect(verifyReceipt(file)).rejects.toMatchObject({ details: { check } });
  });

  test.for<readonly [string, () => EventReceipt]>([
    ["what proves the log", () => withProof({ ...call.block, timestamp: "0x1" })],
    ["what proves it, which is no header", () => withProof("no header")],
    [
      "the log that the transcript names",
      () => withEvent((event) => (event.type === "event.proven" ? { ...event, logIndex: 2 } : event)),
    ],
    [
      "the trigger",
      () => withEvent((event) => (event.type === "program.started" ? { ...event, trigger: "http" } : event)),
    ],
    [
      "that anything proved it",
      () => ({
        ...genuine,
        transcript: genuine.transcript.filter((leaf) => understoodEvent(leaf)?.type !== "event.proven"),
      }),
    ],
  ])("%s is named by a replay", async ([, change]) => {
    const error: unknown = await replayReceipt(change(), loadSandbox()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ReplayDivergence);
    expect((error as ReplayDivergence).divergence.at).toBe("event");
  });

  function withProof(block: unknown): EventReceipt {
    const proof = encodeCanonicalJson({ block, receipts: call.receipts } as never);
    const name = toHex(sha256(proof));
    const renamed = withEvent((event) =>
      event.type === "event.proven" ? { ...event, proofHash: name } : event,
    );
    return { ...renamed, bodies: { ...genuine.bodies, [name]: toHex(proof) } };
  }
});
