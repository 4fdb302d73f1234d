import express from "express";
import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errorHandler } from "../../../enclave/api/error-reply.ts";
import { readBytes, readJson } from "../../../enclave/api/request-body.ts";

const LIMIT = 1_024;
let server: Server;
let port: number;
const bugs: unknown[] = [];
const refusals: string[] = [];
beforeAll(async () => {
  const app = express();
  app.post("/bytes", readBytes(LIMIT), (call, response) => {
    response.send(String((call.body as Uint8Array).length));
  });
  app.post("/large", readBytes(1_048_576), (call, response) => {
    response.send(String((call.body as Uint8Array).length));
  });
  app.post("/json", readJson(LIMIT), (call, response) => {
    response.json(call.body);
  });
  app.use((error: { code?: string }, _: unknown, __: unknown, next: (error: unknown) => void) => {
    refusals.push(String(error.code));
    next(error);
  });
  app.use(errorHandler((bug) => bugs.push(bug)));
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
  expect(bugs).toEqual([]);
});

async function post(
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly text: string }> {
  return await new Promise((resolve, reject) => {
    const call = request({ port, host: "127.0.0.1", path, method: "POST", headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    call.on("error", reject);
    call.end(body);
  });
}

test.for([
  ["nothing", "", "0"],
  ["as many bytes as are allowed", "x".repeat(LIMIT), String(LIMIT)],
] as const)("takes %s", async ([, body, text]) => {
  expect(await post("/bytes", body)).toEqual({ status: 200, text });
});

test.for([["application/json"], ["text/plain"], ["application/json; charset=utf-16"]] as const)(
  "reads JSON as UTF-8, named as it may be: %s",
  async ([type]) => {
    const reply = await post("/json", '{"a":"ß"}', { "content-type": type });
    expect(reply).toEqual({ status: 200, text: '{"a":"ß"}' });
  },
);

const chunked = { "transfer-encoding": "chunked" };
test.for<[string, number, string | Uint8Array, Record<string, string>]>([
  ["one byte more than is allowed", 413, "x".repeat(LIMIT + 1), {}],
  ["the same in chunks, which announce no length", 413, "x".repeat(LIMIT + 1), chunked],
  ["much more", 413, "x".repeat(LIMIT * 1_000), chunked],
  ["a compressed body", 400, gzipSync('{"a":1}'), { "content-encoding": "gzip" }],
  ["text that is not JSON", 400, "{", {}],
  ["nothing, where JSON is asked", 400, "", {}],
  ["bytes that are no UTF-8", 400, Uint8Array.of(0x22, 0xff, 0x22), {}],
  ["a byte order mark", 400, "\ufeff{}", {}],
  ["a member that is named twice", 400, '{"model":"a","model":"b"}', {}],
  ["the same by an escape, deep inside", 400, '{"a":[{"b":1,"\\u0062":1}]}', {}],
  ["more brackets than are read", 400, "[".repeat(500), {}],
])("refuses %s", async ([, status, body, headers]) => {
  const reply = await post("/json", body, headers);
  expect(reply.status).toBe(status);
  expect(JSON.parse(reply.text)).toMatchObject({
    error: { code: status === 413 ? "INPUT_TOO_LARGE" : "INPUT_INVALID" },
  });
});

test("takes a body in more pieces than a call takes arguments", async () => {
  const pieces = 200_000;
  const socket = connect(port, "127.0.0.1");
  socket.write("POST /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n");
  socket.write(`${"1\r\nx\r\n".repeat(pieces)}0\r\n\r\n`);
  let reply = "";
  socket.setEncoding("utf8").on("data", (text: string) => (reply += text));
  await once(socket, "close");
  expect(reply).toMatch(new RegExp(`^HTTP/1.1 200 OK[^]*${pieces}$`));
});

test("a caller who hangs up inside of a body is refused, and is no bug", async () => {
  const before = refusals.length;
  const socket = connect(port, "127.0.0.1");
  const arrived = new Promise((resolve) => server.once("request", resolve));
  socket.write("POST /json HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
  await arrived;
  socket.destroy();
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (refusals.length > before) resolve();
      else setImmediate(look);
    };
    look();
  });
  expect(refusals.at(-1)).toBe("INPUT_INVALID");
});
