/** The bundle that is deployed, in which parts of packages are left out: each of its routes answers as the sources do. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { LedgerName } from "../../coprocessor/ledger/entry.ts";
import { SnapshotCall } from "../../coprocessor/snapshots/snapshot-call.ts";
import type { Hex } from "../../protocol/bytes.ts";
import {
  SAMPLE_LEDGER,
  sampleKey,
  sampleMember,
  sampleSnapshotCall,
  sampleWord,
} from "../support/sample-snapshot.ts";
import { verifyCoseReceipt } from "../../attestation/receipt/cose-receipt.ts";
import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { startStandInModel, type StandInModel } from "../../devnet/stand-in-model.ts";
import { answerCall, toWire } from "./support/calls.ts";
import { behaviourFile, CHAIN_ID, COORDINATOR, operatorFile } from "./support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "./support/enclave-process.ts";
import { functionsQuestion } from "./support/functions-calls.ts";

/**
 * Goals of the design, with what express needs at the least (docs/adr/0011), 1.66 MB of libsecp256k1 (docs/adr/0062), 0.43 MB of the
 * sandbox (docs/adr/0057), 0.06 MB of what reads pages (docs/adr/0078), and 0.04 MB and a package of what judges models that attest
 * themselves (docs/adr/0081).
 */
const MAX_BYTES = 3_320_000;
const MAX_PACKAGES = 31;

const root = join(import.meta.dirname, "..", "..");
let folder: string;
let model: StandInModel;
let enclave: EnclaveProcess;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "adyton-bundle-"));
  const built = spawnSync(process.execPath, [join(root, "tools/build-enclave.ts"), "--out", folder]);
  expect(built.stderr.toString()).toBe("");
  model = await startStandInModel(new Date());
  const operator = operatorFile();
  operator.callers.named[0]!.provisions = true;
  enclave = await startEnclaveProcess({
    main: join(folder, "enclave.mjs"),
    behaviour: behaviourFile(model),
    operator,
  });
});
afterAll(async () => {
  expect(enclave.stderr()).toBe("");
  expect(await enclave.stop()).toBe(0);
  await model.stop();
  rmSync(folder, { recursive: true });
});

const soon = BigInt(Math.floor(new Date().getTime() / 1000) + 600);
const chat = (change: object = {}): string =>
  JSON.stringify({
    model: "stand-in/stand-in-1",
    messages: [{ role: "user", content: "What is 2 + 3?" }],
    ...change,
  });

test("judges a ledger's epoch in a thread of its own", async () => {
  // Refused by what the thread runs, and not by the route: its path leads to another root.
  const attestation = await enclave.call("GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`);
  const { keyset } = attestation.json as { readonly keyset: { readonly answerKey: Hex } };
  const self = { ...sampleMember("anybody"), keysetId: enclave.keysetId as Hex, answerKey: keyset.answerKey };
  const ledger: LedgerName = { ...SAMPLE_LEDGER, chainId: CHAIN_ID, ledger: COORDINATOR };
  const entries = [{ key: sampleKey(1), outputs: [sampleWord(1n)] }];
  const call = { ...sampleSnapshotCall({ ledger, members: [self], entries }), oldRoot: sampleKey(2) };
  const reply = await enclave.call("POST", "/v1/snapshots", JSON.stringify(z.encode(SnapshotCall, call)));
  expect(reply.json).toMatchObject({
    error: { code: "INPUT_INVALID", message: "a path does not lead to the ledger's root" },
  });
});

test("is within its bounds of size, and names every package in it", () => {
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as {
    readonly bytes: number;
    readonly sha256: string;
    readonly packages: readonly { readonly name: string }[];
  };
  const bundle = readFileSync(join(folder, "enclave.mjs"));
  expect(manifest.bytes).toBe(bundle.length);
  expect(manifest.sha256).toBe(createHash("sha256").update(bundle).digest("hex"));
  expect(bundle.length).toBeLessThanOrEqual(MAX_BYTES);
  expect(manifest.packages.length - 1).toBeLessThanOrEqual(MAX_PACKAGES);
});

describe("every route of the bundle", () => {
  test.for([
    ["GET", "/v1/health", 200],
    ["GET", "/v1/models", 200],
    ["GET", "/metrics", 200],
    ["GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`, 200],
    ["GET", "/v1/attestation?nonce[]=1", 400],
    ["GET", "/v1/log/checkpoint", 200],
    ["GET", "/v1/log/consistency?from=0", 200],
    ["GET", `/v1/answers/0x${"00".repeat(32)}`, 404],
    ["GET", `/v1/sealed-records/0x${"00".repeat(32)}`, 404],
    ["GET", "/v1/nothing", 404],
    ["GET", "/%", 404],
    ["GET", "/v1/receipts/%", 400],
    ["HEAD", "/v1/models", 200],
    ["DELETE", "/v1/answers", 404],
  ] as const)("%s %s: %i", async ([method, path, status]) => {
    expect(await enclave.call(method, path)).toMatchObject({ status });
  });

  test.for([
    ["/v1/answers", "{", 400],
    ["/v1/answers", "", 400],
    ["/v1/answers", "[".repeat(1_000), 400],
    ["/v1/batches", "{}", 400],
    ["/v1/quotes", "{}", 400],
    ["/v1/functions/answers", "{}", 400],
    ["/v1/chat/completions", "{}", 400],
    ["/v1/responses", "{}", 400],
    ["/v1/answers", JSON.stringify({ payload: "00".repeat(200_000) }), 413],
    ["/v1/chat/completions", chat({ user: "x".repeat(2_200_000) }), 413],
  ] as const)("POST %s refuses what is no call: %#", async ([path, body, status]) => {
    expect(await enclave.call("POST", path, body)).toMatchObject({ status });
  });

  test("PUT /v1/secrets refuses what is no sealed secret", async () => {
    expect(await enclave.call("PUT", "/v1/secrets/a", "{}")).toMatchObject({ status: 400 });
  });

  test("answers a contract, and gives the answer again", async () => {
    const call = answerCall({}, { deadline: soon });
    const reply = await enclave.call("POST", "/v1/answers", toWire(call));
    expect(reply).toMatchObject({ status: 200, json: { answer: { status: 1 } } });
    const { answer } = reply.json as { readonly answer: { readonly requestId: string } };
    expect(await enclave.call("GET", `/v1/answers/${answer.requestId}`)).toMatchObject({ status: 200 });
    expect(await enclave.call("GET", `/v1/log/proof/${answer.requestId}`)).toMatchObject({ status: 200 });
    const batch = JSON.stringify({ requestIds: [answer.requestId] });
    expect(await enclave.call("POST", "/v1/batches", batch)).toMatchObject({ status: 200 });
  });

  test("answers an application, whole and as a stream, with a receipt in both forms", async () => {
    const reply = await enclave.call("POST", "/v1/chat/completions", chat());
    expect(reply.text).toContain("2 + 3 = 5");
    const { adyton } = reply.json as { readonly adyton: { readonly receipt: string } };
    const { receipt } = await verifyReceipt(await enclave.bytes(adyton.receipt));
    const twin = verifyCoseReceipt(await enclave.bytes(adyton.receipt, "application/eat+cwt"));
    expect(twin.statement.answer).toEqual(receipt.answer);
    const streamed = await enclave.call("POST", "/v1/chat/completions", chat({ stream: true }));
    expect(streamed.text.trimEnd().endsWith("data: [DONE]")).toBe(true);
  });

  test("answers an application that speaks Responses, whole and as a stream", async () => {
    const body = { model: "stand-in/stand-in-1", input: "What is 2 + 3?" };
    const reply = await enclave.call("POST", "/v1/responses", JSON.stringify(body));
    expect(reply).toMatchObject({ status: 200 });
    expect(reply.text).toContain("2 + 3 = 5");
    const streamed = await enclave.call("POST", "/v1/responses", JSON.stringify({ ...body, stream: true }));
    expect(streamed).toMatchObject({ status: 200 });
    expect(streamed.text).toContain("response.completed");
  });

  test("answers a script of Functions", async () => {
    const { body } = functionsQuestion({}, { deadline: soon });
    const reply = await enclave.call("POST", "/v1/functions/answers", body);
    expect(reply, reply.text).toMatchObject({ status: 200 });
  });
});
