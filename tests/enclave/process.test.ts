import { connect } from "node:tls";
import * as z from "zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyCoseReceipt } from "../../attestation/receipt/cose-receipt.ts";
import { verifyRaTlsCertificate } from "../../attestation/ra-tls/verify-ra-tls.ts";
import { startStandInModel, type StandInModel } from "../../devnet/stand-in-model.ts";
import { answerDigest, AnswerStatus, recoverSigner } from "../../protocol/answer.ts";
import { fromHex, fromUtf8 } from "../../protocol/bytes.ts";
import { onChainDomain } from "../../protocol/domain.ts";
import { AttestationReply, SignedAnswer, type AnswerCall } from "../../protocol/enclave-api.ts";
import { keysetId } from "../../protocol/keyset.ts";
import { decodeOutput } from "../../protocol/output-abi.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { PartKind } from "../../protocol/prompt-part.ts";
import { PanelRule } from "../../protocol/prompt.ts";
import { quorumLeafDigest, quorumLeafOf } from "../../protocol/quorum-leaf.ts";
import { requestId } from "../../protocol/request.ts";
import { toStateBlockText } from "../../protocol/state-block.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { transcriptRoot, understoodEvent } from "../../protocol/transcript.ts";
import { answerCall, callFor, MODERATION, TEXT, toWire } from "./support/calls.ts";
import { behaviourFile, CHAIN_ID, COORDINATOR, operatorFile } from "./support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess, type Reply } from "./support/enclave-process.ts";

let model: StandInModel;
let enclave: EnclaveProcess;
/** Seconds. The process asks the stand-in for the time, so its deadlines are by this machine's clock. */
const soon = (): bigint => BigInt(Math.floor(new Date().getTime() / 1000) + 600);

beforeAll(async () => {
  model = await startStandInModel(new Date());
  enclave = await startEnclaveProcess({ behaviour: behaviourFile(model), operator: operatorFile() });
});
afterAll(async () => {
  await enclave.stop();
  await model.stop();
});

function peerCertificate(url: string): Promise<Uint8Array> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(new Uint8Array(socket.getPeerX509Certificate()?.raw ?? []));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

async function ask(call: AnswerCall): Promise<Reply> {
  return await enclave.call("POST", "/v1/answers", toWire(call));
}

async function answerOf(call: AnswerCall): Promise<SignedAnswer> {
  const reply = await ask(call);
  expect(reply).toMatchObject({ status: 200 });
  return z.decode(SignedAnswer, reply.json as z.input<typeof SignedAnswer>);
}

describe("the enclave as a process", () => {
  test("answers a typed question, signed by the key of its keyset, over the transcript it shows", async () => {
    const call = answerCall({}, { deadline: soon() });
    const signed = await answerOf(call);
    const { answer, output } = signed;
    expect(answer.status).toBe(AnswerStatus.ok);
    expect(decodeOutput(parseOutputType(MODERATION.schema), fromHex(output))).toEqual([
      true,
      7n,
      expect.stringContaining("stand-in"),
    ]);
    expect(answer.requestId).toBe(requestId(call.request));
    expect(answer.outputHash).toBe(keccak(fromHex(output)));
    expect(answer.transcriptRoot).toBe(transcriptRoot(signed.transcript));
    const attested = await enclave.call("GET", `/v1/attestation?nonce=0x${"ab".repeat(32)}`, undefined, null);
    const { keyset, evidence } = z.decode(
      AttestationReply,
      attested.json as z.input<typeof AttestationReply>,
    );
    expect(keysetId(keyset)).toBe(enclave.keysetId);
    expect(answer.keysetId).toBe(enclave.keysetId);
    expect(evidence.claims).toContain("ab".repeat(32));
    expect(recoverSigner(answerDigest(onChainDomain(CHAIN_ID, COORDINATOR), answer), signed.signature)).toBe(
      keyset.answerKey,
    );
  });

  test("says in the transcript whom it asked, over which TLS session, and keeps the bytes", async () => {
    const { transcript, bodies } = await answerOf(answerCall({}, { deadline: soon() }));
    const events = transcript.map(understoodEvent);
    expect(events.map((event) => event?.type)).toEqual([
      "request.received",
      "request.forwarded",
      "response.received",
      "output.returned",
    ]);
    const response = events[2];
    expect(response).toMatchObject({
      status: 200,
      requestedModel: "stand-in-1",
      returnedModel: "stand-in-1",
      transport: { kind: "tls", host: "127.0.0.1", protocol: "TLSv1.3" },
    });
    if (response?.type !== "response.received" || response.transport.kind !== "tls")
      throw new Error("no response");
    expect(response.transport.certificateHashes).toHaveLength(1);
    expect(response.transport.subjectAltNames).toContain("IP Address:127.0.0.1");
    expect(JSON.parse(fromUtf8(fromHex(bodies[response.bodyHash] ?? "0x")))).toMatchObject({
      model: "stand-in-1",
    });
  });

  test.for([
    ["a provider that answers 500", "http-500", AnswerStatus.upstreamFailed],
    ["a provider that limits the rate", "rate-limited", AnswerStatus.upstreamFailed],
    ["a provider that never answers", "timeout", AnswerStatus.upstreamFailed],
    ["HTML with status 200", "html", AnswerStatus.upstreamFailed],
    ["a body cut short", "truncated", AnswerStatus.upstreamFailed],
    ["a body that stalls", "stalled", AnswerStatus.upstreamFailed],
    ["a redirect", "redirect", AnswerStatus.upstreamFailed],
    ["a body beyond the limit", "too-long", AnswerStatus.upstreamFailed],
    ["text where a bool was asked", "not-a-bool", AnswerStatus.invalidOutput],
    ["a refusal", "refusal", AnswerStatus.refused],
  ] as const)("signs a status and no output for %s", async ([, name, status]) => {
    const { answer, output } = await answerOf(
      answerCall({ models: [`stand-in/${name}`] }, { deadline: soon() }),
    );
    expect(answer.status).toBe(status);
    expect(output).toBe("0x");
  });

  test("asks once more when the first answer does not fit, and shows both exchanges", async () => {
    const { answer, transcript } = await answerOf(
      answerCall({ models: ["stand-in/repairable"] }, { deadline: soon() }),
    );
    expect(answer.status).toBe(AnswerStatus.ok);
    expect(transcript).toHaveLength(6);
  });

  test("asks a panel, and answers with one member down as long as its quorum holds", async () => {
    const models = ["stand-in/stand-in-1", "stand-in/http-500", "stand-in/repairable"];
    const ask = { models, panelRule: PanelRule.majority };
    const held = await answerOf(answerCall({ ...ask, panelQuorum: 2 }, { deadline: soon() }));
    expect(held.answer.status).toBe(AnswerStatus.ok);
    const events = held.transcript.map((leaf) => ("event" in leaf ? leaf.event.type : ""));
    expect(events.filter((type) => type === "response.received")).toHaveLength(4);
    const lost = await answerOf(answerCall({ ...ask, panelQuorum: 3 }, { deadline: soon() }));
    expect(lost.answer.status).toBe(AnswerStatus.upstreamFailed);
  });

  test.for([
    ["an unknown model", answerCall({ models: ["stand-in/nobody"] }), {}, AnswerStatus.invalidRequest],
    [
      "a payload that does not decode",
      callFor(new Uint8Array([1, 2, 2, 3])),
      {},
      AnswerStatus.invalidRequest,
    ],
    ["an off-chain payload type", callFor(new Uint8Array([3, 1, 123, 125])), {}, AnswerStatus.invalidRequest],
    [
      "an ABI-encoded prompt of protocol 1",
      callFor(new Uint8Array([1, 1, 2, 3])),
      {},
      AnswerStatus.invalidRequest,
    ],
    [
      "a part that this enclave does not serve",
      answerCall({ parts: [{ kind: PartKind.page, url: "https://example.org/" }] }),
      {},
      AnswerStatus.invalidRequest,
    ],
    ["a fee below the worst case", answerCall(), { fee: 10n }, AnswerStatus.outOfBudget],
    [
      "a text longer than asked for",
      answerCall({ format: TEXT }),
      { maxOutputBytes: 8 },
      AnswerStatus.invalidOutput,
    ],
  ] as const)("signs a status for %s", async ([, call, change, status]) => {
    const { answer } = await answerOf({
      ...call,
      request: { ...call.request, ...change, deadline: soon(), requestedAt: soon() - 600n },
    });
    expect(answer.status).toBe(status);
  });

  test.for([
    ["a deadline that passed", { deadline: soon() - 1_201n }, 502, "ENCLAVE_TIME_OUTSIDE"],
    ["a request from the future", { requestedAt: soon() - 200n }, 502, "ENCLAVE_TIME_OUTSIDE"],
    ["a life of more than seven days", { requestedAt: soon() - 604_801n }, 400, "INPUT_INVALID"],
    [
      "a deadline at its own time",
      { requestedAt: 1_900_000_000n, deadline: 1_900_000_000n },
      400,
      "INPUT_INVALID",
    ],
    ["another chain", { chainId: 1n }, 400, "INPUT_INVALID"],
    [
      "another coordinator",
      { coordinator: "0x00000000000000000000000000000000000000c1" },
      400,
      "INPUT_INVALID",
    ],
    ["another payload's hash", { payloadHash: `0x${"22".repeat(32)}` }, 400, "INPUT_INVALID"],
  ] as const)("signs nothing for %s", async ([, change, status, code]) => {
    const call = answerCall({}, { deadline: soon(), ...change });
    expect(await ask(call)).toMatchObject({ status, json: { error: { code } } });
  });

  test("binds the answer to the block that it was given before it asked, and says so first", async () => {
    const call = answerCall({}, { deadline: soon() });
    const { answer, transcript, stateBlock } = await answerOf(call);
    expect(answer.stateBlockHash).toBe(call.stateBlock.hash);
    expect(stateBlock).toEqual(call.stateBlock);
    expect(understoodEvent(transcript[0]!)).toMatchObject({
      type: "request.received",
      context: call.request.context,
      stateBlock: toStateBlockText(call.stateBlock),
    });
  });

  test("signs a leaf of the one answer to a request that a quorum settles, and none for others", async () => {
    const call = answerCall({}, { deadline: soon(), threshold: 2 });
    const [first, second] = [await answerOf(call), await answerOf(call)];
    expect(second).toEqual(first);
    const { answer, quorumLeaf } = first;
    const leaf = quorumLeafOf(answer);
    expect(quorumLeaf?.leaf).toBe(leaf.leaf);
    const digest = quorumLeafDigest(onChainDomain(CHAIN_ID, COORDINATOR), leaf);
    const signed = answerDigest(onChainDomain(CHAIN_ID, COORDINATOR), answer);
    const signer = recoverSigner(signed, first.signature);
    expect(recoverSigner(digest, quorumLeaf?.signature ?? "0x")).toBe(signer);
    const alone = await answerOf(answerCall({}, { deadline: soon() }));
    expect(alone.quorumLeaf).toBeNull();
    // Everything that the key signed is in its log: the answer by its request, the leaf by itself.
    for (const id of [answer.requestId, leaf.leaf])
      expect((await enclave.call("GET", `/v1/log/proof/${id}`)).status).toBe(200);
  });

  test("gives the COSE twin of what it signed for a coordinator", async () => {
    const { answer } = await answerOf(answerCall({}, { deadline: soon() }));
    const twin = await enclave.bytes(`/v1/answers/${answer.requestId}`, "application/eat+cwt");
    const { statement } = verifyCoseReceipt(twin);
    expect(statement.answer).toEqual(answer);
    expect(statement.domain).toEqual(onChainDomain(CHAIN_ID, COORDINATOR));
    const nothing = await enclave.bytes(`/v1/answers/0x${"00".repeat(32)}`, "application/eat+cwt");
    expect(JSON.parse(fromUtf8(nothing))).toMatchObject({ error: { code: "INPUT_NOT_FOUND" } });
  });

  test("gives the same bytes to whoever asks again, or at the same time", async () => {
    const call = answerCall({}, { deadline: soon() });
    const replies = await Promise.all([ask(call), ask(call), ask(call)]);
    replies.push(await ask(call));
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
  });

  test.for([
    ["no credential", null],
    ["a wrong credential", "Bearer nobody"],
    ["another scheme", "Basic Y2FsbGVyLWNyZWRlbnRpYWw="],
  ] as const)("refuses %s", async ([, authorization]) => {
    const reply = await enclave.call("GET", "/v1/models", undefined, authorization);
    expect(reply).toMatchObject({ status: 401, json: { error: { code: "INPUT_UNAUTHORIZED" } } });
  });

  test.for([
    ["text that is not JSON", "{", 400],
    ["a list", "[]", 400],
    ["a member more", toWire(answerCall()).replace("{", '{"digest":"0x00",'), 400],
    ["a body beyond the limit", JSON.stringify({ payload: "00".repeat(200_000) }), 413],
  ] as const)("refuses %s", async ([, body, status]) => {
    expect(await enclave.call("POST", "/v1/answers", body)).toMatchObject({ status });
  });
});

test("shows a certificate whose evidence vouches for its key and its keyset", async () => {
  const certificate = await peerCertificate(enclave.url);
  const now = Math.floor(new Date().getTime() / 1000);
  const verified = await verifyRaTlsCertificate(certificate, {}, { now });
  expect(verified).toMatchObject({
    format: "interoperable",
    keysetId: enclave.keysetId,
    nonce: `0x${"00".repeat(32)}`,
  });
  expect(verified.evidence.kind).toBe("simulator");
  certificate[certificate.length - 1]! ^= 1;
  await expect(verifyRaTlsCertificate(certificate, {}, { now })).rejects.toMatchObject({
    code: "EVIDENCE_SIGNATURE_INVALID",
  });
});

describe("stopping", () => {
  test("finishes the answer in flight and exits 0", async () => {
    const other = await startEnclaveProcess({ behaviour: behaviourFile(model), operator: operatorFile() });
    const call = answerCall({ models: ["stand-in/timeout"] }, { deadline: soon() });
    const pending = other.call("POST", "/v1/answers", toWire(call));
    await other.call("GET", "/v1/health", undefined, null);
    const stopped = other.stop("SIGTERM");
    expect(await pending).toMatchObject({
      status: 200,
      json: { answer: { status: AnswerStatus.upstreamFailed } },
    });
    expect(await stopped).toBe(0);
  });
});

describe("surroundings that could change the process before it runs", () => {
  test.for([
    ["a certificate authority of the host's", { NODE_EXTRA_CA_CERTS: "/tmp/ca.pem" }, []],
    ["TLS verification switched off", { NODE_TLS_REJECT_UNAUTHORIZED: "0" }, []],
    ["a cache of compiled code", { NODE_COMPILE_CACHE: "/tmp/adyton-no-cache" }, []],
    ["a preloaded library", { LD_LIBRARY_PATH: "/tmp" }, []],
    ["name servers of the host's", { RES_OPTIONS: "attempts:1" }, []],
    ["a name that means nothing to anybody", { HARMLESS: "" }, []],
    ["a key log", {}, ["--tls-keylog=/dev/null"]],
    ["a debugger", {}, ["--inspect=127.0.0.1:0"]],
  ] as const)("refuses to start with %s", async ([, env, flags]) => {
    const starting = startEnclaveProcess({
      behaviour: behaviourFile(model),
      operator: operatorFile(),
      env,
      flags,
    });
    await expect(starting).rejects.toThrow(/does not start with .* set: start it with an empty environment/u);
  });
});

const NONCE = `0x${"ab".repeat(32)}`;

describe("strangers without a credential", () => {
  test("use up their own bucket of evidence, and not that of a caller from the same address", async () => {
    const path = `/v1/attestation?nonce=${NONCE}`;
    const strangers = await Promise.all(
      Array.from({ length: 200 }, () => enclave.call("GET", path, undefined, null)),
    );
    expect(strangers.some(({ status }) => status === 429)).toBe(true);
    expect(await enclave.call("GET", path)).toMatchObject({ status: 200 });
  });
});
