/** The OpenAI-compatible route, called by OpenAI's own client. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, getCACertificates, setDefaultCACertificates } from "node:tls";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { proposePolicy } from "../../../attestation/index.ts";
import { checkSameStatement, verifyCoseReceipt } from "../../../attestation/receipt/cose-receipt.ts";
import {
  verifyCheckpoint,
  verifyConsistency,
  verifyInclusion,
} from "../../../attestation/receipt/receipt-log.ts";
import { verifyReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { verifyRaTlsCertificate } from "../../../attestation/ra-tls/verify-ra-tls.ts";
import { startStandInModel, type StandInModel } from "../../../devnet/stand-in-model.ts";
import { AnswerStatus, answerDigest, recoverSigner } from "../../../protocol/answer.ts";
import { fromHex, fromUtf8 } from "../../../protocol/bytes.ts";
import { onChainDomain } from "../../../protocol/domain.ts";
import type { Receipt } from "../../../protocol/receipt.ts";
import { understoodEvent } from "../../../protocol/transcript.ts";
import { behaviourFile, CHAIN_ID, COORDINATOR, CREDENTIAL, operatorFile } from "../support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../support/enclave-process.ts";

const OTHER_CREDENTIAL = "another-caller";
const MODEL = "stand-in/stand-in-1";
const authorities = getCACertificates();

let model: StandInModel;
let enclave: EnclaveProcess;
let certificate: Buffer;
let openai: OpenAI;

beforeAll(async () => {
  model = await startStandInModel(new Date());
  const operator = operatorFile();
  const [oracle] = operator.callers.named;
  const credentialSha256 = `0x${createHash("sha256").update(OTHER_CREDENTIAL).digest("hex")}` as const;
  operator.callers.named.push({ ...oracle!, name: "other", credentialSha256 });
  enclave = await startEnclaveProcess({ behaviour: behaviourFile(model), operator });
  const { hostname, port } = new URL(enclave.url);
  certificate = await new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().raw);
      socket.destroy();
    });
    socket.once("error", reject);
  });
  const base64 = certificate.toString("base64");
  setDefaultCACertificates([`-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`]);
  openai = new OpenAI({ baseURL: `${enclave.url}/v1`, apiKey: CREDENTIAL, maxRetries: 0 });
});
afterAll(async () => {
  setDefaultCACertificates(authorities);
  await enclave.stop();
  await model.stop();
});

async function receiptAt(path: string | null): Promise<Receipt> {
  const reply = await enclave.call("GET", path ?? "/none");
  expect(reply.status).toBe(200);
  return (await verifyReceipt(new TextEncoder().encode(reply.text))).receipt;
}

const outputOf = (receipt: Receipt): unknown => JSON.parse(fromUtf8(fromHex(receipt.output)));

describe("chat completions", () => {
  test("answers as OpenAI does, with a receipt that verifies and holds the call's exact bytes", async () => {
    const { data, response } = await openai.chat.completions
      .create({ model: MODEL, messages: [{ role: "user", content: "What is 6 * 7?" }] })
      .withResponse();
    expect(data.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "6 * 7 = 42" } });
    expect(data.usage?.total_tokens).toBeGreaterThan(0);
    const receipt = await receiptAt(response.headers.get("adyton-receipt"));
    expect(outputOf(receipt)).toEqual({ content: "6 * 7 = 42", stop: "complete", toolCalls: [] });
    expect(JSON.parse(fromUtf8(fromHex(receipt.payload).subarray(2)))).toMatchObject({ model: MODEL });
  });

  test("keeps the caller's context in the receipt, and refuses one that is not 32 bytes", async () => {
    const context = `0x${"c7".repeat(32)}`;
    const body = { model: MODEL, messages: [{ role: "user" as const, content: "hi" }] };
    const contextOf = async (headers: Record<string, string>): Promise<unknown> => {
      const { response } = await openai.chat.completions.create(body, { headers }).withResponse();
      const receipt = await receiptAt(response.headers.get("adyton-receipt"));
      expect(receipt.stateBlock).toBeNull();
      return understoodEvent(receipt.transcript[0]!);
    };
    expect(await contextOf({ "adyton-context": context })).toMatchObject({ context, stateBlock: null });
    expect(await contextOf({})).toMatchObject({ context: `0x${"00".repeat(32)}` });
    for (const wrong of ["0x00", context.toUpperCase(), context.slice(2)])
      await expect(contextOf({ "adyton-context": wrong })).rejects.toMatchObject({ status: 400 });
  });

  test("streams, and names the receipt in a last event", async () => {
    const messages = [{ role: "user" as const, content: "Say something long enough to come in pieces" }];
    const stream = await openai.chat.completions.create({
      model: MODEL,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const said = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
    expect(chunks.length).toBeGreaterThan(5);
    expect(chunks.some(({ usage }) => (usage?.total_tokens ?? 0) > 0)).toBe(true);
    const { adyton } = chunks.at(-1) as unknown as { adyton: { receipt: string } };
    expect(outputOf(await receiptAt(adyton.receipt))).toMatchObject({ content: said });
  });

  test("asks for structured output", async () => {
    const schema = { type: "object", properties: { flagged: { type: "boolean" } }, required: ["flagged"] };
    const { choices } = await openai.chat.completions.create({
      model: MODEL,
      messages: [{ role: "user", content: "I will bomb you" }],
      response_format: { type: "json_schema", json_schema: { name: "verdict", schema } },
    });
    expect(JSON.parse(choices[0]?.message.content ?? "")).toEqual({ flagged: true });
  });

  test("gives a receipt to nobody but its caller", async () => {
    const { response } = await openai.chat.completions
      .create({ model: MODEL, messages: [{ role: "user", content: "private" }] })
      .withResponse();
    const path = response.headers.get("adyton-receipt") ?? "";
    const stranger = await enclave.call("GET", path, undefined, `Bearer ${OTHER_CREDENTIAL}`);
    expect(stranger).toMatchObject({ status: 404, json: { error: { code: "INPUT_NOT_FOUND" } } });
    expect(stranger.text).not.toContain("private");
  });

  test("gives the receipt's COSE twin to who asks for it, the same bytes each time", async () => {
    const { response } = await openai.chat.completions
      .create({ model: MODEL, messages: [{ role: "user", content: "hi" }] })
      .withResponse();
    const path = response.headers.get("adyton-receipt") ?? "";
    const receipt = await receiptAt(path);
    const twin = await enclave.bytes(path, "application/eat+cwt");
    const verified = verifyCoseReceipt(twin);
    expect(checkSameStatement(verified, receipt).ok).toBe(true);
    expect(verified.statement.domain.name).toBe("Adyton Off-chain");
    expect(await enclave.bytes(path, "text/html, application/cose;q=0.5")).toEqual(twin);
    const refused = JSON.parse(new TextDecoder().decode(await enclave.bytes(path, "text/html"))) as unknown;
    expect(refused).toMatchObject({ error: { code: "INPUT_INVALID" } });
  });

  test("is in the log of what the keyset signed, which goes on from each of its heads", async () => {
    const receipts: Receipt[] = [];
    for (const content of ["first", "second", "third"]) {
      const { response } = await openai.chat.completions
        .create({ model: MODEL, messages: [{ role: "user", content }] })
        .withResponse();
      receipts.push(await receiptAt(response.headers.get("adyton-receipt")));
    }
    const heads = [];
    for (const receipt of receipts) {
      const proof = await enclave.bytes(`/v1/log/proof/${receipt.answer.requestId}`);
      heads.push(verifyInclusion(proof, receipt));
      expect(fromUtf8(proof)).not.toContain(receipt.answer.requestId.slice(2));
    }
    const [first, second, third] = heads.map(({ index }) => index);
    expect([second, third]).toEqual([first! + 1, first! + 2]);
    const [receipt] = receipts;
    const older = verifyCheckpoint(await enclave.bytes("/v1/log/checkpoint"), receipt!.keyset);
    await openai.chat.completions.create({ model: MODEL, messages: [{ role: "user", content: "fourth" }] });
    const going = await enclave.bytes(`/v1/log/consistency?from=${older.size}`);
    expect(verifyConsistency(older, going, receipt!.keyset).size).toBe(older.size + 1);
    const same = await enclave.bytes(`/v1/log/consistency?from=1&to=${older.size}`);
    expect(fromUtf8(same)).toContain(`\n${older.size}\n`);
  });

  test.for([
    ["/v1/log/proof/0x", 400],
    [`/v1/log/proof/0x${"ab".repeat(32)}`, 404],
    ["/v1/log/consistency", 400],
    ["/v1/log/consistency?from=1&from=2", 400],
    ["/v1/log/consistency?from=01", 400],
    ["/v1/log/consistency?from=999999999999999", 400],
    ["/v1/log/consistency?from=1&to=0", 400],
  ] as const)("refuses %s", async ([path, status]) => {
    expect(await enclave.call("GET", path)).toMatchObject({ status });
    expect(await enclave.call("GET", path, undefined, null)).toMatchObject({ status: 401 });
  });

  test("signs under the off-chain domain only: the signature is nobody's on any chain", async () => {
    const { response } = await openai.chat.completions
      .create({ model: MODEL, messages: [{ role: "user", content: "hi" }] })
      .withResponse();
    const { answer, signature, keyset } = await receiptAt(response.headers.get("adyton-receipt"));
    const onChain = recoverSigner(answerDigest(onChainDomain(CHAIN_ID, COORDINATOR), answer), signature);
    expect(onChain).not.toBe(keyset.answerKey);
  });

  test("reports a failing provider as an error, and keeps a receipt of the failure", async () => {
    const call = openai.chat.completions.create({
      model: "stand-in/http-500",
      messages: [{ role: "user", content: "hi" }],
    });
    const error: unknown = await call.then(
      () => null,
      (caught: unknown) => caught,
    );
    if (!(error instanceof OpenAI.APIError)) throw new Error("no API error");
    expect(error.status).toBe(502);
    const { answer } = await receiptAt((error.headers as Headers).get("adyton-receipt"));
    expect(answer.status).toBe(AnswerStatus.upstreamFailed);
  });

  test.for([
    ["a field that is not understood", { logit_bias: { "50256": -100 } }, 400],
    ["storage at the provider", { store: true }, 400],
    ["several answers at once", { n: 2 }, 400],
    ["an unknown model", { model: "stand-in/nobody" }, 404],
    ["sampling that the model does not take", { reasoning_effort: "low" }, 400],
  ] as const)("refuses %s", async ([, change, status]) => {
    const body = { model: MODEL, messages: [{ role: "user", content: "hi" }], ...change };
    expect(await enclave.call("POST", "/v1/chat/completions", JSON.stringify(body))).toMatchObject({
      status,
    });
  });
});

test("the example verifies the certificate, asks, streams, and verifies the receipt", async () => {
  const now = Math.floor(new Date().getTime() / 1000);
  const { evidence } = await verifyRaTlsCertificate(certificate, {}, { now });
  const policyFile = join(enclave.directory, "policy.json");
  writeFileSync(policyFile, JSON.stringify(proposePolicy(evidence)));
  const example = new URL("../../../examples/openai-client.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [
    example,
    enclave.url,
    CREDENTIAL,
    MODEL,
    policyFile,
    "What is 2 + 3?",
  ]);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const code = await new Promise((resolve) => child.once("exit", resolve));
  expect(output).toContain("2 + 3 = 5");
  expect(output).toContain("ok  signature");
  expect(code).toBe(0);
});
