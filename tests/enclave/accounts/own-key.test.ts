/** A provider key that a requester brings: used for its owner, within its cap, and left nowhere. */

import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import * as z from "zod";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { proposePolicy } from "../../../attestation/index.ts";
import { verifyRaTlsCertificate } from "../../../attestation/ra-tls/verify-ra-tls.ts";
import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { toHex, type Hex } from "../../../protocol/bytes.ts";
import { AttestationReply, SignedAnswer } from "../../../protocol/enclave-api.ts";
import { encodeKeyedPayload } from "../../../protocol/keyed-payload.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";
import {
  MAX_KEY_LIFETIME_SECONDS,
  sealProviderKey,
  type ProviderKey,
} from "../../../protocol/provider-key.ts";
import type { Request } from "../../../protocol/request.ts";
import { NO_REPLY_KEY, sealPayload } from "../../../protocol/sealed-payload.ts";
import type { SealingTarget } from "../../../protocol/sealed-secret.ts";
import { callFor, prompt, TEXT, toWire } from "../support/calls.ts";
import {
  behaviourFile,
  CHAIN_ID,
  COORDINATOR,
  CREDENTIAL,
  modelFile,
  operatorFile,
} from "../support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../support/enclave-process.ts";
import { startHostileServer, type HostileServer } from "../support/hostile-server.ts";

/** Chosen by the key's owner; the operator has never seen it. */
const OWN_CREDENTIAL = "a-credential-of-my-own";
const MODEL = "first/model";
/** What the provider says that each call used. */
const USED = { prompt_tokens: 20, completion_tokens: 10 };
const REPLY = JSON.stringify({
  id: "r",
  model: "m",
  choices: [{ finish_reason: "stop", message: { content: "hello" } }],
  usage: USED,
});
const PAYER = "0x00000000000000000000000000000000000000bb";
const CONSUMER = "0x00000000000000000000000000000000000000aa";
const POLICY: Hex = `0x${"11".repeat(32)}`;

let provider: HostileServer;
let enclave: EnclaveProcess;
let target: SealingTarget;
let status = 200;
/** Every test has a key of its own: caps are for a keyset's life. */
let key: string;
let keys = 0;

const nowSeconds = (): number => Math.floor(new Date().getTime() / 1000);
const sha256 = (text: string): Hex => `0x${createHash("sha256").update(text).digest("hex")}`;

beforeAll(async () => {
  const authority = await createThrowawayAuthority(new Date());
  provider = await startHostileServer({
    credentials: await authority.issue(["localhost"]),
    respond: (response) => {
      response.statusCode = status;
      response.setHeader("content-length", REPLY.length);
      response.end(REPLY);
    },
  });
  const url = `https://localhost:${provider.port}/v1`;
  const behaviour = behaviourFile({ url, certificateAuthority: authority.certificate });
  behaviour.time = { source: "host-clock-for-testing" };
  const [standIn] = Object.values(behaviour.providers);
  // The operator brings no key: what reaches the provider is the requester's, or nothing.
  behaviour.providers = {
    first: {
      ...standIn!,
      secret: "first-key",
      models: { model: modelFile("model"), dear: modelFile("dear") },
    },
    second: { ...standIn!, secret: "second-key", models: { model: modelFile("model") } },
  };
  enclave = await startEnclaveProcess({ behaviour, operator: operatorFile() });
  const reply = await enclave.call("GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`, undefined, null);
  const { keyset } = z.decode(AttestationReply, reply.json as z.input<typeof AttestationReply>);
  target = { keysetId: enclave.keysetId as Hex, sealingKey: keyset.sealingKey };
});
afterAll(async () => {
  await enclave.stop();
  await provider.stop();
});
beforeEach(() => {
  keys += 1;
  key = `sk-own-${keys}-e7d1a9`;
  status = 200;
  provider.received.length = 0;
});

function ownKey(change: Partial<ProviderKey> = {}): ProviderKey {
  return {
    models: [MODEL],
    key,
    owner: { credentialSha256: sha256(OWN_CREDENTIAL) },
    cap: { inputTokens: 100_000, outputTokens: 100_000 },
    expiresAt: nowSeconds() + 3_600,
    ...change,
  };
}

interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly body?: object | string;
  readonly credential?: string | null;
  readonly sealed?: string;
}

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly code: string | undefined;
  readonly receipt: string;
}

function send({
  method = "POST",
  path = "/v1/chat/completions",
  body,
  credential,
  sealed,
}: Call): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      ...(credential === null ? {} : { authorization: `Bearer ${credential ?? OWN_CREDENTIAL}` }),
      ...(sealed === undefined ? {} : { "adyton-provider-key": sealed }),
    };
    const url = new URL(path, enclave.url);
    const client = request(url, { method, headers, rejectUnauthorized: false, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => {
        const code = /"code":"([A-Z_]+)"/.exec(text)?.[1];
        const receipt = String(response.headers["adyton-receipt"] ?? "");
        resolve({ status: response.statusCode ?? 0, text, code, receipt });
      });
    });
    client.on("error", reject);
    client.end(typeof body === "object" ? JSON.stringify(body) : body);
  });
}

const question = (change: object = {}): object => ({
  model: MODEL,
  max_tokens: 50,
  messages: [{ role: "user", content: "hi" }],
  ...change,
});

const asked = (): boolean => provider.received.length > 0;
const shown = (): string | undefined => /"authorization":"([^"]*)"/.exec(provider.received.join())?.[1];

describe("a caller with a provider key of its own", () => {
  test("needs no credential of the operator's: the provider is shown the key, and the receipt is the caller's", async () => {
    const sealed = await sealProviderKey(target, ownKey());
    const reply = await send({ body: question(), sealed });
    expect(reply.status).toBe(200);
    expect(shown()).toBe(`Bearer ${key}`);
    const receipt = { method: "GET", path: reply.receipt };
    expect(await send({ ...receipt, sealed })).toMatchObject({ status: 200 });
    const others = { owner: { credentialSha256: sha256("another") } };
    const stranger = { credential: "another", sealed: await sealProviderKey(target, ownKey(others)) };
    expect(await send({ ...receipt, ...stranger })).toMatchObject({ status: 404 });
  });

  test("pays with it also where the operator knows the caller", async () => {
    const owner = { credentialSha256: sha256(CREDENTIAL) };
    const sealed = await sealProviderKey(target, ownKey({ owner }));
    expect(await send({ body: question(), credential: CREDENTIAL, sealed })).toMatchObject({ status: 200 });
    expect(shown()).toBe(`Bearer ${key}`);
  });

  test.for<[string, Call, number, string]>([
    ["by nobody", { credential: null }, 401, "INPUT_UNAUTHORIZED"],
    ["by another caller", { credential: "another" }, 401, "INPUT_UNAUTHORIZED"],
    [
      "by a caller of the operator's that is not its owner",
      { credential: CREDENTIAL },
      401,
      "INPUT_UNAUTHORIZED",
    ],
    [
      "for another model of the provider",
      { body: question({ model: "first/dear" }) },
      401,
      "INPUT_UNAUTHORIZED",
    ],
    ["for another provider", { body: question({ model: "second/model" }) }, 401, "INPUT_UNAUTHORIZED"],
    ["at a contract's route", { path: "/v1/answers" }, 401, "INPUT_UNAUTHORIZED"],
    ["to read the metrics", { method: "GET", path: "/metrics", body: "" }, 401, "INPUT_UNAUTHORIZED"],
    ["to provision", { method: "PUT", path: "/v1/secrets/first-key" }, 401, "INPUT_UNAUTHORIZED"],
  ])("is not used %s, and nothing is sent anywhere", async ([, call, expected, code]) => {
    const sealed = await sealProviderKey(target, ownKey());
    expect(await send({ body: question(), sealed, ...call })).toMatchObject({ status: expected, code });
    expect(asked()).toBe(false);
  });

  test.for<[string, (at: SealingTarget) => Promise<string>, number, string]>([
    [
      "to another keyset",
      (at) => sealProviderKey({ ...at, keysetId: `0x${"12".repeat(32)}` }, ownKey()),
      400,
      "INPUT_INVALID",
    ],
    [
      "to another sealing key",
      (at) => sealProviderKey({ ...at, sealingKey: `0x09${"00".repeat(31)}` }, ownKey()),
      400,
      "INPUT_INVALID",
    ],
    [
      "until yesterday",
      (at) => sealProviderKey(at, ownKey({ expiresAt: nowSeconds() - 86_400 })),
      410,
      "INPUT_EXPIRED",
    ],
    [
      "for longer than a month",
      (at) => sealProviderKey(at, ownKey({ expiresAt: nowSeconds() + MAX_KEY_LIFETIME_SECONDS + 3_600 })),
      400,
      "INPUT_INVALID",
    ],
    [
      "for a request's payer",
      (at) => sealProviderKey(at, ownKey({ owner: { payer: PAYER } })),
      401,
      "INPUT_UNAUTHORIZED",
    ],
  ])("sealed %s is refused", async ([, seal, expected, code]) => {
    expect(await send({ body: question(), sealed: await seal(target) })).toMatchObject({
      status: expected,
      code,
    });
    expect(asked()).toBe(false);
  });

  test("is refused before the call once the cap is reached, however often the key is sealed anew", async () => {
    // One call sets aside 34 input tokens at most and 50 output tokens, and uses 20 and 10.
    const sealed = await sealProviderKey(target, ownKey({ cap: { inputTokens: 1_000, outputTokens: 65 } }));
    expect(await send({ body: question(), sealed })).toMatchObject({ status: 200 });
    expect(await send({ body: question(), sealed })).toMatchObject({ status: 200 });
    provider.received.length = 0;
    const anew = await sealProviderKey(target, ownKey({ cap: { inputTokens: 1_000, outputTokens: 65 } }));
    for (const again of [sealed, anew]) {
      expect(await send({ body: question(), sealed: again })).toMatchObject({
        status: 402,
        code: "INPUT_CAP_REACHED",
      });
    }
    expect(asked()).toBe(false);
    expect(await send({ body: question({ max_tokens: 45 }), sealed })).toMatchObject({ status: 200 });
  });

  test("spends nothing of the cap on calls that the provider turns away", async () => {
    const sealed = await sealProviderKey(target, ownKey({ cap: { inputTokens: 1_000, outputTokens: 50 } }));
    status = 401;
    for (let count = 0; count < 3; count += 1)
      expect(await send({ body: question(), sealed })).toMatchObject({ status: 502 });
    status = 200;
    expect(await send({ body: question(), sealed })).toMatchObject({ status: 200 });
  });

  test("is said to be missing where the operator has brought none: the prompt goes nowhere without one", async () => {
    const reply = await send({ body: question(), credential: CREDENTIAL });
    expect(reply).toMatchObject({ status: 502, code: "ENCLAVE_UNAVAILABLE" });
    expect(asked()).toBe(false);
  });
});

async function keyed(change: Partial<ProviderKey> = {}): Promise<Uint8Array<ArrayBuffer>> {
  const payload = encodePayload({
    type: PayloadType.inference,
    prompt: prompt({ models: [MODEL], format: TEXT, maxOutputTokens: 50 }),
  });
  const inner = encodeKeyedPayload({ keys: [ownKey({ owner: { payer: PAYER }, ...change })], payload });
  const context = {
    chainId: CHAIN_ID,
    coordinator: COORDINATOR,
    consumer: CONSUMER,
    policyId: POLICY,
  } as const;
  return await sealPayload(inner, { recipients: [target], context, replyKey: NO_REPLY_KEY });
}

async function answer(
  payload: Uint8Array,
  change: Partial<Request> = {},
): Promise<SignedAnswer & { text: string }> {
  const call = callFor(payload, { deadline: BigInt(nowSeconds() + 600), ...change });
  const reply = await enclave.call("POST", "/v1/answers", toWire(call));
  const signed = z.decode(SignedAnswer, reply.json as z.input<typeof SignedAnswer>);
  return { ...signed, text: reply.text };
}

describe("a sealed question with a provider key in it", () => {
  test("is asked with that key", async () => {
    const signed = await answer(await keyed());
    expect(signed.answer.status).toBe(AnswerStatus.ok);
    expect(shown()).toBe(`Bearer ${key}`);
    expect(signed.text).not.toContain(key);
    expect(signed.text).not.toContain(Buffer.from(key).toString("hex"));
  });

  test("costs the operator's price for a call and none for tokens", async () => {
    expect((await answer(await keyed(), { fee: 0n })).answer.status).toBe(AnswerStatus.ok);
  });

  test.for<[string, () => Promise<Uint8Array>, Partial<Request>]>([
    ["of another payer's", keyed, { payer: "0x00000000000000000000000000000000000000cc" }],
    ["of a caller's and no payer's", () => keyed({ owner: { credentialSha256: POLICY } }), {}],
    ["that has expired", () => keyed({ expiresAt: nowSeconds() - 60 }), {}],
    ["copied to another consumer", keyed, { consumer: COORDINATOR }],
    [
      "in clear",
      () => Promise.resolve(encodeKeyedPayload({ keys: [ownKey()], payload: new Uint8Array(2) })),
      {},
    ],
  ])("%s is an invalid request, and nothing is asked", async ([, make, change]) => {
    const { answer: signed } = await answer(await make(), change);
    expect(signed.status).toBe(AnswerStatus.invalidRequest);
    expect(asked()).toBe(false);
  });

  test("for another model leaves that model to the operator, whose key is not there", async () => {
    const { answer: signed } = await answer(await keyed({ models: ["first/dear"] }));
    expect(signed.status).toBe(AnswerStatus.upstreamFailed);
    expect(asked()).toBe(false);
  });

  test("replayed under other requests, as a host can, spends no more than the cap", async () => {
    const payload = await keyed({ cap: { inputTokens: 10_000, outputTokens: 69 } });
    const statuses = [];
    for (let count = 0; count < 5; count += 1) statuses.push((await answer(payload)).answer.status);
    // What a host can bring about earns it nothing, and does not end the request at once.
    const { ok, upstreamFailed } = AnswerStatus;
    // 50 set aside and 10 used, each time: 0 + 50, 10 + 50; then 20 + 50 is beyond 69.
    expect(statuses).toEqual([ok, ok, upstreamFailed, upstreamFailed, upstreamFailed]);
    expect(provider.received.filter((text) => text.startsWith("POST"))).toHaveLength(2);
  });
});

test("the example verifies the enclave, seals a key to it, and asks with it", async () => {
  const { hostname, port } = new URL(enclave.url);
  const certificate = await new Promise<Buffer>((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().raw);
      socket.destroy();
    });
    socket.once("error", reject);
  });
  const { evidence } = await verifyRaTlsCertificate(certificate, {}, { now: nowSeconds() });
  const directory = mkdtempSync(join(tmpdir(), "adyton-own-key-"));
  writeFileSync(join(directory, "policy.json"), JSON.stringify(proposePolicy(evidence)));
  writeFileSync(join(directory, "key"), `${key}\n`);
  const example = new URL("../../../examples/bring-your-own-key.ts", import.meta.url).pathname;
  const files = [join(directory, "key"), MODEL, join(directory, "policy.json")];
  const child = spawn(process.execPath, [example, enclave.url, ...files, "hi"]);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const code = await new Promise((resolve) => child.once("exit", resolve));
  rmSync(directory, { recursive: true, force: true });
  expect(output).toContain("hello\nreceipt: /v1/receipts/0x");
  expect(code).toBe(0);
  expect(shown()).toBe(`Bearer ${key}`);
});

test("after all that, no key is in any file, in the output, or in the metrics", async () => {
  const metrics = await enclave.call("GET", "/metrics");
  const files = readdirSync(enclave.directory).map((name) =>
    readFileSync(join(enclave.directory, name), "latin1"),
  );
  const held = [metrics.text, enclave.stderr(), ...files].join("\n");
  for (const form of [
    "sk-own-",
    toHex(Buffer.from("sk-own-")).slice(2),
    Buffer.from("sk-own-").toString("base64").slice(0, 8),
  ])
    expect(held).not.toContain(form);
});
