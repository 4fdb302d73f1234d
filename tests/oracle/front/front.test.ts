import { createHash, X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { deflateRawSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { createFront } from "../../../oracle/front/front.ts";
import type { VerifiedEnclave } from "../../../oracle/front/upstream.ts";
import { listen, type Listening } from "../../../oracle/http/server.ts";
import { toHex, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { AppraisalError } from "../../../protocol/errors.ts";
import { encodeFunctionsCall, type FunctionsRequest } from "../../../protocol/functions-request.ts";
import { payloadHash } from "../../../protocol/payload.ts";

const authority = await createThrowawayAuthority(new Date());

const BLOCK_HASH: Hex = `0x${"b7".repeat(32)}`;
const ASKED: FunctionsRequest = {
  ...{ chainId: 31_337n, consumer: `0x${"c1".repeat(20)}`, requestedAt: 1_790_000_000n, requestBlock: 77n },
  ...{ nonce: 0, context: `0x${"00".repeat(32)}`, policyId: `0x${"02".repeat(32)}`, maxOutputBytes: 1_024 },
  ...{ payloadHash: payloadHash(toUtf8("payload")), deadline: 1_790_003_600n },
};
/** What the script sends: the call, deflated. */
const CALL = deflateRawSync(encodeFunctionsCall({ request: ASKED, payload: toUtf8("payload") })).toString(
  "base64",
);
const SCRIPT_BODY = JSON.stringify({ call: CALL });

interface FakeEnclave extends VerifiedEnclave {
  readonly received: {
    readonly line: string;
    readonly authorization: string;
    readonly prefer: string;
    readonly body: string;
  }[];
  readonly server: Server;
}

const open: { close: () => unknown }[] = [];
let enclave: FakeEnclave;
let front: Listening;
let connects: number;
let blocks: Map<bigint, Hex>;
let connect: () => Promise<VerifiedEnclave>;
let errors: unknown[];
let isSlow: boolean;

/** An enclave with a TLS key of its own. */
async function startEnclave(): Promise<FakeEnclave> {
  const credentials = await authority.issue(["localhost"]);
  const received: FakeEnclave["received"] = [];
  const server = createServer({ ...credentials, minVersion: "TLSv1.3" }, (request, response) => {
    void answer(request, response, received);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push({
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  });
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tlsKeyHash: keyHash(credentials.cert),
    received,
    server,
  };
}

function keyHash(certificate: string): Hex {
  const spki = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  return toHex(createHash("sha256").update(spki).digest());
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  received: FakeEnclave["received"],
): Promise<void> {
  let body = "";
  for await (const part of request.setEncoding("utf8") as AsyncIterable<string>) body += part;
  received.push({
    line: `${request.method ?? ""} ${request.url ?? ""}`,
    authorization: request.headers.authorization ?? "",
    prefer: String(request.headers["prefer"] ?? ""),
    body,
  });
  response.writeHead(isSlow ? 202 : 200).end('{"response":"0x02"}');
}

beforeEach(async () => {
  enclave = await startEnclave();
  connects = 0;
  blocks = new Map([[ASKED.requestBlock, BLOCK_HASH]]);
  errors = [];
  isSlow = false;
  connect = () => Promise.resolve(enclave);
  const app = createFront({
    connect: () => {
      connects += 1;
      return connect();
    },
    readBlock: (number) => {
      const hash = blocks.get(number);
      return Promise.resolve(hash === undefined ? undefined : { number, hash });
    },
    onError: (error) => errors.push(error),
  });
  front = await listen(app, { host: "127.0.0.1", port: 0 });
  open.push(front);
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

function send(path: string, body?: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${front.port}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: "Bearer s3cret", "x-other": "not passed on" },
    ...(body === undefined ? {} : { body }),
  });
}

const QUESTION = { line: "POST /v1/functions/answers", authorization: "Bearer s3cret", prefer: "" };
const WITH_BLOCK = JSON.stringify({ call: CALL, stateBlock: { number: "77", hash: BLOCK_HASH } });

test("passes a call on with its credential and the block that it was asked in, and the reply back with its status", async () => {
  const reply = await send("/v1/functions/answers", JSON.stringify({ call: CALL }));
  expect(reply.status).toBe(200);
  expect(await reply.text()).toBe('{"response":"0x02"}');
  isSlow = true;
  expect((await send("/v1/functions/answers", JSON.stringify({ call: CALL }))).status).toBe(202);
  await send(`/v1/answers/0x${"11".repeat(32)}`);
  expect(enclave.received).toEqual([
    { ...QUESTION, body: WITH_BLOCK },
    { ...QUESTION, body: WITH_BLOCK },
    { line: `GET /v1/answers/0x${"11".repeat(32)}`, authorization: "Bearer s3cret", prefer: "", body: "" },
  ]);
  expect(connects).toBe(1);
});

test("asks the enclave to wait for as long as the caller would, and for no longer than it does", async () => {
  const { port } = front;
  for (const prefer of ["wait=50", "respond-async, wait=9999", "wait=soon"]) {
    await fetch(`http://127.0.0.1:${port}/v1/functions/answers`, {
      method: "POST",
      headers: { prefer },
      body: JSON.stringify({ call: CALL, maxResponseBytes: 4_238 }),
    });
  }
  expect(enclave.received.map(({ prefer }) => prefer)).toEqual(["wait=50", "wait=50", ""]);
  expect(JSON.parse(enclave.received[0]?.body ?? "")).toMatchObject({ maxResponseBytes: 4_238 });
});

test("asks nobody while the chain has not got the question's block", async () => {
  blocks = new Map();
  expect((await send("/v1/functions/answers", SCRIPT_BODY)).status).toBe(503);
  blocks = new Map([[ASKED.requestBlock, BLOCK_HASH]]);
  expect((await send("/v1/functions/answers", SCRIPT_BODY)).status).toBe(200);
  expect(enclave.received).toEqual([{ ...QUESTION, body: WITH_BLOCK }]);
});

test.for([
  ["no JSON", "call"],
  ["no call", "{}"],
  [
    "a block of the caller's own",
    JSON.stringify({ call: CALL, stateBlock: { number: "1", hash: BLOCK_HASH } }),
  ],
  ["a call that is not base64", JSON.stringify({ call: "*" })],
  ["a call that is not compressed", JSON.stringify({ call: "AAAA" })],
  [
    "a call of another form",
    JSON.stringify({ call: deflateRawSync(Buffer.from("no call")).toString("base64") }),
  ],
  [
    "a call that grows beyond any",
    JSON.stringify({ call: deflateRawSync(Buffer.alloc(1_000_000)).toString("base64") }),
  ],
] as const)("refuses %s, and asks nobody", async ([, body]) => {
  expect((await send("/v1/functions/answers", body)).status).toBe(400);
  expect(enclave.received).toEqual([]);
  expect(errors).toEqual([]);
});

test("passes nothing on to a server that does not hold the attested key", async () => {
  const impostor = await startEnclave();
  connect = () => Promise.resolve({ url: impostor.url, tlsKeyHash: enclave.tlsKeyHash });
  expect((await send("/v1/functions/answers", SCRIPT_BODY)).status).toBe(502);
  expect(impostor.received).toEqual([]);
});

test("passes nothing on to an enclave whose evidence the policy refuses, and verifies again at the next call", async () => {
  const refusal = new AppraisalError({ code: "APPRAISAL_DEBUG_ENABLED", message: "a debug TD" });
  connect = () => Promise.reject(refusal);
  expect((await send("/v1/functions/answers", SCRIPT_BODY)).status).toBe(502);
  expect(enclave.received).toEqual([]);
  expect(errors).toEqual([refusal]);
  connect = () => Promise.resolve(enclave);
  expect((await send("/v1/functions/answers", SCRIPT_BODY)).status).toBe(200);
});

test("finds the enclave again after it has restarted with other keys", async () => {
  expect((await send("/v1/functions/answers", SCRIPT_BODY)).status).toBe(200);
  const restarted = await startEnclave();
  enclave.server.close();
  enclave.server.closeAllConnections();
  connect = () => Promise.resolve(restarted);
  const statuses = [(await send("/v1/functions/answers", SCRIPT_BODY)).status];
  statuses.push((await send("/v1/functions/answers", SCRIPT_BODY)).status);
  expect(statuses.at(-1)).toBe(200);
  expect(restarted.received.length).toBeGreaterThan(0);
});

test.for([
  ["/v1/answers", "{}"],
  ["/v1/secrets/key", undefined],
  ["/v1/secrets/x", undefined],
  ["/v1/functions/answers", undefined],
] as const)("has no other route: %s", async ([path, body]) => {
  expect((await send(path, body)).status).toBe(404);
  expect(enclave.received).toEqual([]);
});

test("refuses a body that no script can send", async () => {
  expect((await send("/v1/functions/answers", "x".repeat(90_000))).status).toBe(413);
  expect(errors).toEqual([]);
});

test("lets pages of any origin ask for evidence and send sealed calls, and nothing else", async () => {
  const url = `http://127.0.0.1:${front.port}`;
  const preflight = await fetch(`${url}/v1/sealed`, {
    method: "OPTIONS",
    headers: { origin: "https://page.example", "access-control-request-method": "POST" },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
  expect(preflight.headers.get("access-control-allow-headers")).toBe("content-type, payment-signature");
  expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
  const evidence = await fetch(`${url}/v1/attestation?nonce=0x00`);
  expect(evidence.headers.get("access-control-allow-origin")).toBe("*");
  expect(
    (await send("/v1/functions/answers", SCRIPT_BODY)).headers.get("access-control-allow-origin"),
  ).toBeNull();
});

test("passes a sealed call on as it is, without the headers that came with it", async () => {
  const reply = await fetch(`http://127.0.0.1:${front.port}/v1/sealed`, {
    method: "POST",
    headers: {
      "content-type": "application/vnd.adyton.sealed",
      authorization: "Bearer outside",
      cookie: "a=b",
    },
    body: "sealed bytes",
  });
  expect(reply.status).toBe(200);
  expect(enclave.received).toEqual([
    { line: "POST /v1/sealed", authorization: "", prefer: "", body: "sealed bytes" },
  ]);
  const large = await fetch(`http://127.0.0.1:${front.port}/v1/sealed`, {
    method: "POST",
    headers: { "content-type": "application/vnd.adyton.sealed" },
    body: new Uint8Array(256 * 1_024 + 1),
  });
  expect(large.status).toBe(413);
});

test("takes no payment for a sealed call, and says why: nobody but the enclave sees whether it was answered", async () => {
  const reply = await fetch(`http://127.0.0.1:${front.port}/v1/sealed`, {
    method: "POST",
    headers: { "content-type": "application/vnd.adyton.sealed", "payment-signature": "e30=" },
    body: "sealed bytes",
  });
  expect(reply.status).toBe(400);
  expect(await reply.json()).toMatchObject({
    error: { code: "INPUT_INVALID", message: expect.stringContaining("Leave out the payment") as string },
  });
  expect(enclave.received).toEqual([]);
});
