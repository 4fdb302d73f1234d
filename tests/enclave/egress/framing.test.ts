/** HTTP as servers and proxies frame it, through the exchange over the loopback. */

import { once } from "node:events";
import { Agent } from "node:https";
import { createServer, type AddressInfo, type Server } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import type { ExchangeOutcome } from "../../../enclave/egress/exchange.ts";
import { createExchange } from "../../../enclave/egress/node-exchange.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const BODY = '{"ok":true}';
const exchange = createExchange({
  agent: new Agent(),
  limits: {
    connectMs: 60_000,
    firstByteMs: 60_000,
    stallMs: 60_000,
    wholeExchangeMs: 120_000,
    responseBytes: 1_048_576,
    retries: 0,
  },
  judgeSession: () => {
    throw new Error("there is no TLS here");
  },
});

/** What comes of a server that sends exactly this, and closes. */
async function answer(raw: string | Uint8Array): Promise<ExchangeOutcome> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(raw));
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://127.0.0.1:${port}/v1/x`);
  return await exchange({ url, method: "POST", headers: {}, body: new Uint8Array([0x7b, 0x7d]) });
}

const outcomeOf = (outcome: ExchangeOutcome): string =>
  outcome.kind === "complete" ? `complete ${outcome.response.status}` : outcome.error.code;

const chunked = (name: string): string =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${name}\r\n\r\nb\r\n${BODY}\r\n0\r\n\r\n`;
const pieces = (count: number, bytes: number): string =>
  `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${`${bytes.toString(16)}\r\n${" ".repeat(bytes)}\r\n`.repeat(count)}0\r\n\r\n`;
const compressed = (status: string): Buffer => {
  const body = gzipSync(BODY);
  const head = `HTTP/1.1 ${status}\r\nretry-after: 1\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
};

describe("a response", () => {
  test.for([
    ["chunked, in any case of the letters", chunked("Chunked"), "complete 200"],
    [
      "of identity, in any case of the letters",
      `HTTP/1.1 200 OK\r\ncontent-encoding: Identity\r\ncontent-length: 11\r\n\r\n${BODY}`,
      "complete 200",
    ],
    [
      "that ends by closing",
      `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${BODY}`,
      "MODEL_RESPONSE_TRUNCATED",
    ],
    ["that is compressed", compressed("200 OK"), "MODEL_RESPONSE_MALFORMED"],
    [
      "429 that ends by closing",
      "HTTP/1.1 429 Too Many Requests\r\nretry-after: 2\r\nconnection: close\r\n\r\nslow down",
      "complete 429",
    ],
    ["503 without a body", "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n", "complete 503"],
    ["429 that is compressed", compressed("429 Too Many Requests"), "complete 429"],
    ["in some thousand pieces of one byte", pieces(4_096, 1), "complete 200"],
    ["in more pieces, of a size that servers send", pieces(20_000, 24), "complete 200"],
    ["in crumbs", pieces(4_097, 1), "MODEL_RESPONSE_MALFORMED"],
    // As many as a call takes no arguments: joining them must not end the process.
    ["in two hundred thousand crumbs", pieces(200_000, 1), "MODEL_RESPONSE_MALFORMED"],
  ] as const)("%s", async ([, raw, expected]) => {
    expect(outcomeOf(await answer(raw))).toBe(expected);
  });
});
