/** A sealed question, from its asker to its asker: nothing that the host holds shows what was asked or answered. */

import { x25519 } from "@noble/curves/ed25519.js";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { startStandInModel, type StandInModel } from "../../../devnet/stand-in-model.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { fromHex, fromUtf8, toHex, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { onChainDomain } from "../../../protocol/domain.ts";
import { AttestationReply, SignedAnswer } from "../../../protocol/enclave-api.ts";
import type { Keyset } from "../../../protocol/keyset.ts";
import { decodeOutput } from "../../../protocol/output-abi.ts";
import { parseOutputType } from "../../../protocol/output-type.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";
import { encodeReceipt } from "../../../protocol/receipt.ts";
import { requestId } from "../../../protocol/request.ts";
import {
  NO_REPLY_KEY,
  openReply,
  sealPayload,
  type SealedContext,
  type SealingTerms,
} from "../../../protocol/sealed-payload.ts";
import { callFor, MODERATION, prompt, toWire } from "../support/calls.ts";
import { behaviourFile, CHAIN_ID, COORDINATOR, operatorFile } from "../support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../support/enclave-process.ts";

const PROMPT = "You idiot: the merger closes on Thursday";
const asker = x25519.keygen();
const context: SealedContext = {
  chainId: CHAIN_ID,
  coordinator: COORDINATOR,
  consumer: "0x00000000000000000000000000000000000000aa",
  policyId: `0x${"11".repeat(32)}`,
};

let model: StandInModel;
let enclave: EnclaveProcess;
let keyset: Keyset;

beforeAll(async () => {
  model = await startStandInModel(new Date());
  enclave = await startEnclaveProcess({ behaviour: behaviourFile(model), operator: operatorFile() });
  const reply = await enclave.call("GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`, undefined, null);
  keyset = z.decode(AttestationReply, reply.json as z.input<typeof AttestationReply>).keyset;
});
afterAll(async () => {
  await enclave.stop();
  await model.stop();
});

async function sealed(
  change: Partial<SealingTerms> = {},
  content: string = PROMPT,
): Promise<Uint8Array<ArrayBuffer>> {
  const inner = encodePayload({
    type: PayloadType.inference,
    prompt: prompt({ messages: [{ role: 2, content }] }),
  });
  return await sealPayload(inner, {
    recipients: [
      { keysetId: `0x${"33".repeat(32)}`, sealingKey: toHex(x25519.keygen().publicKey) },
      { keysetId: enclave.keysetId as Hex, sealingKey: keyset.sealingKey },
    ],
    context,
    replyKey: toHex(asker.publicKey),
    ...change,
  });
}

async function ask(payload: Uint8Array) {
  const deadline = BigInt(Math.floor(new Date().getTime() / 1000) + 600);
  const call = callFor(payload, { deadline });
  const reply = await enclave.call("POST", "/v1/answers", toWire(call));
  const signed = z.decode(SignedAnswer, reply.json as z.input<typeof SignedAnswer>);
  return { call, signed, text: reply.text, id: requestId(call.request) };
}

describe("a sealed question", () => {
  test("that a fee did not cover is closed for a while, whatever fee comes next", async () => {
    const seal = async (): Promise<Uint8Array> =>
      await sealed({ replyKey: NO_REPLY_KEY }, "what a fee does not cover");
    const deadline = BigInt(Math.floor(new Date().getTime() / 1000) + 600);
    const uncovered = await enclave.call(
      "POST",
      "/v1/answers",
      toWire(callFor(await seal(), { deadline, fee: 0n })),
    );
    expect(uncovered.json).toMatchObject({ answer: { status: AnswerStatus.outOfBudget } });
    const next = await enclave.call("POST", "/v1/answers", toWire(callFor(await seal(), { deadline })));
    expect(next.json).toMatchObject({ error: { code: "INPUT_RATE_LIMITED", retryable: true } });
  });

  test("is answered to its asker alone, with a record that only the asker reads", async () => {
    const { signed, id } = await ask(await sealed());
    expect(signed.answer.status).toBe(AnswerStatus.ok);
    const output = await openReply(asker.secretKey, id, fromHex(signed.output));
    expect(decodeOutput(parseOutputType(MODERATION.schema), output)[0]).toBe(true);
    const record = await enclave.bytes(`/v1/sealed-records/${id}`);
    const { bodies, transcript } = JSON.parse(fromUtf8(await openReply(asker.secretKey, id, record))) as {
      bodies: Record<string, Hex>;
      transcript: unknown[];
    };
    expect(transcript).toHaveLength(4);
    expect(
      Object.values(bodies)
        .map((body) => fromUtf8(fromHex(body)))
        .join(),
    ).toContain(PROMPT);
  });

  test("leaves nothing of itself with the host: in replies, files and output there is no word of it", async () => {
    const { text, id } = await ask(await sealed());
    const record = Buffer.from(await enclave.bytes(`/v1/sealed-records/${id}`)).toString("latin1");
    const files = readdirSync(enclave.directory).map((name) =>
      readFileSync(join(enclave.directory, name), "latin1"),
    );
    const held = [text, record, enclave.stderr(), ...files].join("\n");
    for (const secret of [
      PROMPT,
      "merger",
      Buffer.from("merger").toString("hex"),
      Buffer.from("merger").toString("base64"),
    ])
      expect(held).not.toContain(secret);
  });

  test("has a receipt that verifies, with its exchanges withheld", async () => {
    const { call, signed } = await ask(await sealed());
    expect(signed.transcript.map((leaf) => "leafHash" in leaf)).toEqual([false, true, true, false]);
    expect(signed.bodies).toEqual({});
    const { endorsements, quorumLeaf, ...rest } = signed;
    expect(quorumLeaf).toBeNull();
    const file = encodeReceipt({
      version: 2,
      domain: onChainDomain(CHAIN_ID, COORDINATOR),
      request: call.request,
      payload: call.payload,
      keyset,
      endorsements: endorsements ?? {},
      ...rest,
    });
    expect((await verifyReceipt(file)).checks.length).toBeGreaterThan(8);
  });

  test("is answered in clear where it asks for that", async () => {
    const { signed } = await ask(await sealed({ replyKey: NO_REPLY_KEY }));
    expect(decodeOutput(parseOutputType(MODERATION.schema), fromHex(signed.output))[0]).toBe(true);
  });

  test.for<[string, () => Promise<Uint8Array>]>([
    ["for another consumer", () => sealed({ context: { ...context, consumer: COORDINATOR } })],
    ["for another coordinator", () => sealed({ context: { ...context, coordinator: context.consumer } })],
    ["for another chain", () => sealed({ context: { ...context, chainId: 1n } })],
    ["for another policy", () => sealed({ context: { ...context, policyId: `0x${"12".repeat(32)}` } })],
    [
      "to another key",
      () =>
        sealed({ recipients: [{ keysetId: enclave.keysetId as Hex, sealingKey: toHex(asker.publicKey) }] }),
    ],
    [
      "around something else than a question",
      () =>
        sealPayload(toUtf8("hello"), {
          recipients: [{ keysetId: enclave.keysetId as Hex, sealingKey: keyset.sealingKey }],
          context,
          replyKey: NO_REPLY_KEY,
        }),
    ],
  ])("sealed %s is an invalid request, and nothing is asked", async ([, seal]) => {
    const { signed } = await ask(await seal());
    expect(signed.answer.status).toBe(AnswerStatus.invalidRequest);
    expect(signed.transcript).toHaveLength(2);
  });

  test("sealed to other keysets is signed by nobody here: not even that it cannot be read", async () => {
    const recipients = [{ keysetId: `0x${"33".repeat(32)}` as const, sealingKey: keyset.sealingKey }];
    const deadline = BigInt(Math.floor(new Date().getTime() / 1000) + 600);
    const call = callFor(await sealed({ recipients }), { deadline });
    const reply = await enclave.call("POST", "/v1/answers", toWire(call));
    expect(reply).toMatchObject({
      status: 409,
      json: { error: { code: "INPUT_NOT_RECIPIENT", retryable: false } },
    });
    const found = await enclave.call("GET", `/v1/answers/${requestId(call.request)}`);
    expect(found).toMatchObject({ status: 404, json: { error: { code: "INPUT_NOT_FOUND" } } });
  });

  test("whose reply is taken for another request's does not open", async () => {
    const [one, other] = [await ask(await sealed()), await ask(await sealed())];
    await expect(openReply(asker.secretKey, other.id, fromHex(one.signed.output))).rejects.toMatchObject({
      code: "INPUT_INVALID",
    });
  });
});
