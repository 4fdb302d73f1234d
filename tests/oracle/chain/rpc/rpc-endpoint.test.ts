import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { HttpTransport } from "../../../../oracle/chain/rpc/http-transport.ts";
import { RpcEndpoint } from "../../../../oracle/chain/rpc/rpc-endpoint.ts";
import { createLogger, toLoggedError } from "../../../../oracle/log.ts";
import { startWebSocketServer } from "../../support/web-socket-server.ts";

const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
const CREDENTIALS = "us%40er:p%2Fss";
const BASIC = `Basic ${Buffer.from("us@er:p/ss").toString("base64")}`;
const CALL = { method: "eth_test", params: [] };
const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

async function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly server: Server; readonly host: string }> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      handle(request, response);
    });
  });
  stops.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const endpointAt = (url: string): RpcEndpoint => {
  const endpoint = new RpcEndpoint({ url, timeoutMs: 5_000, log, now: () => 0 });
  stops.push(() => {
    endpoint.close();
    return Promise.resolve();
  });
  return endpoint;
};

test("user and password of a URL go to the server over HTTP, and into no error", async () => {
  const seen: (string | undefined)[] = [];
  const { server, host } = await listen((request, response) => {
    seen.push(request.headers.authorization);
    response.end('{"jsonrpc":"2.0","id":1,"result":"0x1"}');
  });
  const endpoint = endpointAt(`http://${CREDENTIALS}@${host}/key`);
  expect(await endpoint.send([CALL])).toEqual([{ ok: true, result: "0x1" }]);
  expect(seen).toEqual([BASIC]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const error: unknown = await endpoint.send([CALL]).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "CHAIN_RPC_UNAVAILABLE" });
  expect(JSON.stringify(toLoggedError(error))).not.toMatch(/p%2Fss|p\/ss|\/key/);
});

test("user and password of a URL go to the server over a WebSocket", async () => {
  const server = await startWebSocketServer((text, client) => {
    const { id } = JSON.parse(text) as { readonly id: number };
    client.send(JSON.stringify({ jsonrpc: "2.0", id, result: "0x1" }));
  });
  stops.push(() => server.stop());
  const endpoint = endpointAt(server.url.replace("ws://", `ws://${CREDENTIALS}@`));
  expect(await endpoint.send([CALL])).toEqual([{ ok: true, result: "0x1" }]);
  expect(server.clients.map(({ authorization }) => authorization)).toEqual([BASIC]);
});

test("a reply without end is cut off", async () => {
  const { host } = await listen((_request, response) => {
    const more = (): void => void response.write(" ".repeat(65_536), () => setImmediate(more));
    more();
  });
  const transport = new HttpTransport({ url: `http://${host}`, headers: {} }, 60_000, 1_000_000);
  await expect(transport.exchange("{}")).rejects.toThrow(RangeError);
});
