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
const sized = (status: string, headers = ""): string =>
  `HTTP/1.1 ${status}\r\n${headers}content-length: ${BODY.length}\r\n\r\n${BODY}`;
const HINTS = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
const CODINGS = "content-encoding: identity\r\ncontent-encoding: gzip\r\n";
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
    ["529 with the time to wait", sized("529 Overloaded", "retry-after: 3\r\n"), "complete 529"],
    ["that redirects", sized("302 Found", "location: https://elsewhere.example/\r\n"), "complete 302"],
    ["after a 100", `HTTP/1.1 100 Continue\r\n\r\n${sized("200 OK")}`, "complete 200"],
    ["after early hints, twice", `${HINTS}${HINTS}${sized("200 OK")}`, "complete 200"],
    [
      "that changes protocols",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
      "MODEL_RESPONSE_MALFORMED",
    ],
    ["of HTTP/1.0, with its length", sized("200 OK").replace("1.1", "1.0"), "complete 200"],
    ["of HTTP/1.0, ended by closing", `HTTP/1.0 200 OK\r\n\r\n${BODY}`, "MODEL_RESPONSE_TRUNCATED"],
    [
      "chunked, with an extension and trailers, which change nothing",
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: content-encoding\r\n\r\n0b;x="y"\r\n${BODY}\r\n0\r\ncontent-encoding: gzip\r\n\r\n`,
      "complete 200",
    ],
    ["chunked without its last chunk", chunked("chunked").slice(0, -5), "MODEL_RESPONSE_TRUNCATED"],
    ["chunked after a coding", chunked("gzip, chunked"), "MODEL_RESPONSE_TRUNCATED"],
    ["chunked and of a length", chunked("chunked\r\ncontent-length: 3"), "MODEL_RESPONSE_MALFORMED"],
    ["of two lengths", sized("200 OK", "content-length: 2\r\n"), "MODEL_RESPONSE_MALFORMED"],
    ["short of its length", sized("200 OK").slice(0, -1), "MODEL_RESPONSE_TRUNCATED"],
    ["with another behind it", `${sized("200 OK")}${sized("500 Oops")}`, "complete 200"],
    ["in two codings", sized("200 OK", CODINGS), "MODEL_RESPONSE_MALFORMED"],
    ["of lines without carriage returns", sized("200 OK").replaceAll("\r", ""), "MODEL_RESPONSE_MALFORMED"],
    ["with a folded line", sized("200 OK", "x: a\r\n content-length: 2\r\n"), "MODEL_RESPONSE_MALFORMED"],
    [
      "with more headers than anybody sends",
      sized("200 OK", `x: ${"a".repeat(33_000)}\r\n`),
      "MODEL_RESPONSE_MALFORMED",
    ],
    ["that is none", "hello", "MODEL_RESPONSE_MALFORMED"],
    ["of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "MODEL_RESPONSE_MALFORMED"],
    ["of nothing", "", "MODEL_RESPONSE_TRUNCATED"],
    ["in some thousand pieces of one byte", pieces(4_096, 1), "complete 200"],
    ["in more pieces, of a size that servers send", pieces(20_000, 24), "complete 200"],
    ["in crumbs", pieces(4_097, 1), "MODEL_RESPONSE_MALFORMED"],
    // As many as a call takes no arguments: joining them must not end the process.
    ["in two hundred thousand crumbs", pieces(200_000, 1), "MODEL_RESPONSE_MALFORMED"],
  ] as const)("%s", async ([, raw, expected]) => {
    expect(outcomeOf(await answer(raw))).toBe(expected);
  });
});
