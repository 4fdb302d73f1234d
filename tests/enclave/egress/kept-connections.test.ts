/**
 * Connections that are kept between exchanges, and servers that close them: a request goes over another connection where nothing of it
 * was written, and is never written twice (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
 */

import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { createThrowawayAuthority, type ThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { Behaviour } from "../../../enclave/configuration/behaviour.ts";
import { createEgress, type EgressOptions } from "../../../enclave/egress/egress.ts";
import type { Exchange, ExchangeOutcome } from "../../../enclave/egress/exchange.ts";
import { behaviourFile } from "../support/configuration.ts";

let authority: ThrowawayAuthority;
beforeAll(async () => {
  // OpenSSL judges dates by the machine's clock.
  authority = await createThrowawayAuthority(new Date());
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** TCP's end of each connection: TLS has none that is without a word. */
const beneath = new Map<number | undefined, Socket>();
const reset = (socket: TLSSocket): void => {
  beneath.get(socket.remotePort)?.resetAndDestroy();
};

/** Returns when the bytes have left, which TLS says a turn of the loop too early. */
const write = (socket: TLSSocket, text: string): Promise<void> =>
  new Promise((resolve) => {
    socket.write(text, () => setImmediate(resolve));
  });

const ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

interface Stage {
  readonly exchange: Exchange;
  readonly send: () => Promise<ExchangeOutcome>;
  /** The server's ends of all connections, in the order in which they were made. */
  readonly sockets: readonly TLSSocket[];
  /** By connection, requests of which a byte arrived. */
  readonly requests: () => readonly number[];
}

/** @param respond what the server does with the `count`-th request of a connection */
async function start(
  respond: (socket: TLSSocket, count: number) => void = (socket) => socket.write(ANSWER),
  options: Partial<EgressOptions> = {},
): Promise<Stage> {
  const sockets: TLSSocket[] = [];
  const counts = new Map<TLSSocket, number>();
  // Without a delay: else a second word waits until the first is acknowledged.
  const server = createServer({ ...(await authority.issue(["127.0.0.1"])), noDelay: true }, (socket) => {
    sockets.push(socket);
    counts.set(socket, 0);
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => {
      // Head and body may come apart.
      if (!bytes.toString().startsWith("POST ")) return;
      const count = (counts.get(socket) ?? 0) + 1;
      counts.set(socket, count);
      respond(socket, count);
    });
  });
  server.on("connection", (socket: Socket) => beneath.set(socket.remotePort, socket));
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/v1/x`);
  const behaviour = Behaviour.parse(
    behaviourFile({ url: url.origin, certificateAuthority: authority.certificate }),
  );
  const exchange = createEgress(behaviour, {
    connection: "pooled",
    minimumTls: "TLSv1.3",
    minimumScts: 0,
    now: () => null,
    ...options,
  });
  return {
    exchange,
    send: () => exchange({ url, method: "POST", headers: {}, body: new Uint8Array([0x7b, 0x7d]) }),
    sockets,
    requests: () => sockets.map((socket) => counts.get(socket) ?? 0),
  };
}

const outcomeOf = (outcome: ExchangeOutcome): string =>
  outcome.kind === "complete" ? `complete ${outcome.response.status}` : outcome.error.code;

test("a connection serves one request after another, and a fresh one only its own", async () => {
  const pooled = await start();
  for (let call = 0; call < 3; call += 1) expect(outcomeOf(await pooled.send())).toBe("complete 200");
  expect(pooled.requests()).toEqual([3]);
  const fresh = await start(undefined, { connection: "fresh" });
  for (let call = 0; call < 3; call += 1) expect(outcomeOf(await fresh.send())).toBe("complete 200");
  expect(fresh.requests()).toEqual([1, 1, 1]);
});

describe("a kept connection that its server has closed carries nothing, and the request goes over another:", () => {
  test.for([
    ["the end told by TLS and TCP", (socket: TLSSocket) => socket.end()],
    ["the end of TCP alone", (socket: TLSSocket) => socket.destroy()],
    ["a reset", reset],
    ["a response that nobody asked for", (socket: TLSSocket) => write(socket, ANSWER)],
    [
      "a response that nobody asked for, and its end",
      async (socket: TLSSocket) => {
        await write(socket, "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        socket.end();
      },
    ],
  ] as const)("%s", async ([, close]) => {
    const { send, sockets, requests } = await start();
    expect(outcomeOf(await send())).toBe("complete 200");
    const [first] = sockets;
    if (first === undefined) throw new Error("no connection");
    await close(first);
    // Just now: this end cannot have heard of it before it takes the connection.
    expect(outcomeOf(await send())).toBe("complete 200");
    expect(requests()).toEqual([1, 1]);
  });

  test("all that were kept", async () => {
    const { send, sockets, requests } = await start();
    const many = await Promise.all(Array.from({ length: 5 }, send));
    expect(many.map(outcomeOf)).toEqual(Array(5).fill("complete 200"));
    for (const socket of sockets) socket.destroy();
    expect(outcomeOf(await send())).toBe("complete 200");
    expect(requests()).toEqual([1, 1, 1, 1, 1, 1]);
  });
});

describe("a request of which a byte was written is never sent again, though nothing came back:", () => {
  test.for([
    ["the connection ends", (socket: TLSSocket) => socket.end()],
    ["the connection is reset", reset],
  ] as const)("%s", async ([, close]) => {
    const { send, requests } = await start((socket, count) => {
      if (count === 1) socket.write(ANSWER);
      else close(socket);
    });
    expect(outcomeOf(await send())).toBe("complete 200");
    expect(outcomeOf(await send())).toBe("MODEL_RESPONSE_TRUNCATED");
    expect(requests()).toEqual([2]);
  });
});

test("a connection that was idle for long is closed from this side", async () => {
  const { send, sockets, requests } = await start(undefined, { keptIdleMs: 1 });
  expect(outcomeOf(await send())).toBe("complete 200");
  const [first] = sockets;
  if (first === undefined) throw new Error("no connection");
  if (!first.destroyed) await once(first, "close");
  expect(outcomeOf(await send())).toBe("complete 200");
  expect(requests()).toEqual([1, 1]);
});

test("a connection in use is not idle, however long the answer takes", async () => {
  const { send, requests } = await start(
    // Longer than an idle connection would live.
    (socket) => setTimeout(() => socket.write(ANSWER), 20),
    { keptIdleMs: 1 },
  );
  expect(outcomeOf(await send())).toBe("complete 200");
  expect(requests()).toEqual([1]);
});
