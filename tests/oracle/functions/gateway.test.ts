import { createHash, X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { createGateway, type VerifiedEnclave } from "../../../oracle/functions/gateway.ts";
import { listen, type Listening } from "../../../oracle/http/server.ts";
import { toHex, type Hex } from "../../../protocol/bytes.ts";
import { AppraisalError } from "../../../protocol/errors.ts";

const authority = await createThrowawayAuthority(new Date());

interface FakeEnclave extends VerifiedEnclave {
  readonly received: { readonly line: string; readonly authorization: string; readonly body: string }[];
  readonly server: Server;
}

const open: { close: () => unknown }[] = [];
let enclave: FakeEnclave;
let gateway: Listening;
let connects: number;
let connect: () => Promise<VerifiedEnclave>;
let errors: unknown[];

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
    body,
  });
  response.writeHead(body === "slow" ? 202 : 200).end('{"response":"0x02"}');
}

beforeEach(async () => {
  enclave = await startEnclave();
  connects = 0;
  errors = [];
  connect = () => Promise.resolve(enclave);
  const app = createGateway({
    connect: () => {
      connects += 1;
      return connect();
    },
    onError: (error) => errors.push(error),
  });
  gateway = await listen(app, { host: "127.0.0.1", port: 0 });
  open.push(gateway);
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

function send(path: string, body?: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${gateway.port}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: "Bearer s3cret", "x-other": "not passed on" },
    ...(body === undefined ? {} : { body }),
  });
}

test("passes a call on with its credential and its exact body, and the reply back with its status", async () => {
  const reply = await send("/v1/functions/answers", '{"call": "AA=="}');
  expect(reply.status).toBe(200);
  expect(await reply.text()).toBe('{"response":"0x02"}');
  expect((await send("/v1/functions/answers", "slow")).status).toBe(202);
  await send(`/v1/answers/0x${"11".repeat(32)}`);
  expect(enclave.received).toEqual([
    { line: "POST /v1/functions/answers", authorization: "Bearer s3cret", body: '{"call": "AA=="}' },
    { line: "POST /v1/functions/answers", authorization: "Bearer s3cret", body: "slow" },
    { line: `GET /v1/answers/0x${"11".repeat(32)}`, authorization: "Bearer s3cret", body: "" },
  ]);
  expect(connects).toBe(1);
});

test("passes nothing on to a server that does not hold the attested key", async () => {
  const impostor = await startEnclave();
  connect = () => Promise.resolve({ url: impostor.url, tlsKeyHash: enclave.tlsKeyHash });
  expect((await send("/v1/functions/answers", "{}")).status).toBe(502);
  expect(impostor.received).toEqual([]);
});

test("passes nothing on to an enclave whose evidence the policy refuses, and verifies again at the next call", async () => {
  const refusal = new AppraisalError({ code: "APPRAISAL_DEBUG_ENABLED", message: "a debug TD" });
  connect = () => Promise.reject(refusal);
  expect((await send("/v1/functions/answers", "{}")).status).toBe(502);
  expect(enclave.received).toEqual([]);
  expect(errors).toEqual([refusal]);
  connect = () => Promise.resolve(enclave);
  expect((await send("/v1/functions/answers", "{}")).status).toBe(200);
});

test("finds the enclave again after it has restarted with other keys", async () => {
  expect((await send("/v1/functions/answers", "{}")).status).toBe(200);
  const restarted = await startEnclave();
  enclave.server.close();
  enclave.server.closeAllConnections();
  connect = () => Promise.resolve(restarted);
  const statuses = [(await send("/v1/functions/answers", "{}")).status];
  statuses.push((await send("/v1/functions/answers", "{}")).status);
  expect(statuses.at(-1)).toBe(200);
  expect(restarted.received.length).toBeGreaterThan(0);
});

test.for([
  ["/v1/answers", "{}"],
  ["/v1/attestation?nonce=0x00", undefined],
  ["/v1/secrets/x", undefined],
  ["/v1/functions/answers", undefined],
] as const)("has no other route: %s", async ([path, body]) => {
  expect((await send(path, body)).status).toBe(404);
  expect(enclave.received).toEqual([]);
});

test("refuses a body that no script can send", async () => {
  expect((await send("/v1/functions/answers", "x".repeat(4_096))).status).toBe(200);
  expect((await send("/v1/functions/answers", "x".repeat(4_097))).status).toBe(413);
  expect(errors).toEqual([]);
});
