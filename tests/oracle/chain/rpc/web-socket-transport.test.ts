import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocketTransport } from "../../../../oracle/chain/rpc/web-socket-transport.ts";
import { createLogger } from "../../../../oracle/log.ts";
import {
  startWebSocketServer,
  type WebSocketClient,
  type WebSocketServer,
} from "../../support/web-socket-server.ts";

const SILENT_AFTER_MS = 5_000;
/** What Node's WebSocket takes. */
const LONGEST_REPLY_BYTES = 128 * 1024 * 1024;

interface Call {
  readonly id: number | string;
  readonly method: string;
}

let server: WebSocketServer;
let transport: WebSocketTransport;
let now: number;
/** What the server does with a message; answers every call with its own id unless a test says otherwise. */
let respond: (calls: readonly Call[], client: WebSocketClient) => void;
let subscriptions: number;
let events: string[];

const answer = (calls: readonly Call[], client: WebSocketClient): void => {
  const replies = calls.map(({ id }) => ({ jsonrpc: "2.0", id, result: `0x${id}` }));
  client.send(JSON.stringify(replies.length === 1 ? replies[0] : replies.reverse()));
};
const announce = (client: WebSocketClient | undefined, number: number): void => {
  const params = { subscription: "0x1", result: { number: `0x${number.toString(16)}` } };
  client?.send(JSON.stringify({ jsonrpc: "2.0", method: "eth_subscription", params }));
};

async function start(timeoutMs = 5_000): Promise<WebSocketTransport> {
  server = await startWebSocketServer((text, client) => {
    const calls = [JSON.parse(text) as Call | Call[]].flat();
    if (calls[0]?.method === "eth_subscribe") {
      subscriptions += 1;
      client.send(JSON.stringify({ jsonrpc: "2.0", id: calls[0].id, result: "0x1" }));
      return;
    }
    respond(calls, client);
  });
  transport = new WebSocketTransport({
    address: { url: server.url, headers: {} },
    name: "test",
    timeoutMs,
    silentAfterMs: SILENT_AFTER_MS,
    log: createLogger({
      level: "info",
      write: (line) => events.push((JSON.parse(line) as { event: string }).event),
      now: () => now,
    }),
    now: () => now,
  });
  return transport;
}

beforeEach(() => {
  now = 0;
  subscriptions = 0;
  events = [];
  respond = answer;
});

afterEach(async () => {
  transport.close();
  await server.stop();
});

const call = (id: number): [string, number[]] => [
  JSON.stringify({ jsonrpc: "2.0", id, method: "eth_test" }),
  [id],
];
const subscribed = (count: number): Promise<void> =>
  expect.poll(() => subscriptions, { interval: 5, timeout: 10_000 }).toBe(count);

describe("JSON-RPC over a WebSocket", () => {
  test("gives each call its own reply, in whatever order they come, over one connection", async () => {
    await start();
    const held: (() => void)[] = [];
    respond = (calls, client) => {
      held.push(() => {
        answer(calls, client);
      });
      if (held.length === 3) for (const release of held.reverse()) release();
    };
    const replies = await Promise.all([1, 2, 3].map((id) => transport.exchange(...call(id))));
    expect(replies.map((reply) => (reply as Call).id)).toEqual([1, 2, 3]);
    expect(server.clients).toHaveLength(1);
  });

  test("gives a batch its replies together", async () => {
    await start();
    const batch = [7, 8].map((id) => ({ jsonrpc: "2.0", id, method: "eth_test" }));
    const reply = (await transport.exchange(JSON.stringify(batch), [7, 8])) as Call[];
    expect(reply.map(({ id }) => id).sort()).toEqual([7, 8]);
  });

  test("ignores what is no reply to a call of its own", async () => {
    await start();
    respond = (calls, client) => {
      for (const noise of ["not JSON", "[]", "null", '{"id":999}', '{"method":"eth_subscription"}', "[[1]]"])
        client.send(noise);
      answer(calls, client);
    };
    expect(await transport.exchange(...call(1))).toMatchObject({ id: 1 });
  });

  test("fails the calls that wait when the line is cut, and serves the next over another connection", async () => {
    await start();
    respond = (_calls, client) => {
      client.cut();
    };
    await expect(transport.exchange(...call(1))).rejects.toThrow();
    respond = answer;
    expect(await transport.exchange(...call(2))).toMatchObject({ id: 2 });
    expect(server.clients).toHaveLength(2);
  });

  test("replaces a connection whose other end is gone without a word", async () => {
    await start(100);
    respond = () => undefined;
    await expect(transport.exchange(...call(1))).rejects.toThrow("no reply in time");
    respond = answer;
    expect(await transport.exchange(...call(2))).toMatchObject({ id: 2 });
    expect(server.clients).toHaveLength(2);
  });

  test("takes no reply that would only fill memory, and serves the next over another connection", async () => {
    // Nothing but the reply's length can end the call: its bytes never come, and there is an hour for them.
    await start(3_600_000);
    respond = (_calls, client) => {
      client.sendHead(LONGEST_REPLY_BYTES + 1);
    };
    await expect(transport.exchange(...call(1))).rejects.toThrow("the WebSocket");
    respond = answer;
    expect(await transport.exchange(...call(2))).toMatchObject({ id: 2 });
    expect(server.clients).toHaveLength(2);
  });

  test("fails where nobody listens", async () => {
    await start();
    await server.stop();
    await expect(transport.exchange(...call(1))).rejects.toThrow();
  });
});

describe("a subscription to new blocks", () => {
  test("wakes whoever listens at each block, and is made anew after a cut line", async () => {
    await start();
    let heads = 0;
    transport.subscribe(() => {
      heads += 1;
    });
    await subscribed(1);
    announce(server.clients[0], 1);
    announce(server.clients[0], 2);
    await expect.poll(() => heads, { interval: 5 }).toBe(2);
    server.clients[0]?.cut();
    await subscribed(2);
    announce(server.clients[1], 3);
    await expect.poll(() => heads, { interval: 5 }).toBe(3);
  });

  test("is begun over a connection that was opened for a call before", async () => {
    await start();
    await transport.exchange(...call(1));
    let heads = 0;
    transport.subscribe(() => {
      heads += 1;
    });
    await subscribed(1);
    announce(server.clients[0], 1);
    await expect.poll(() => heads, { interval: 5 }).toBe(1);
    expect(server.clients).toHaveLength(1);
  });

  test("that owes a block for too long is replaced, though its connection works", async () => {
    await start();
    transport.subscribe(() => undefined);
    await subscribed(1);
    transport.noticeHead(10);
    transport.noticeHead(11);
    now += SILENT_AFTER_MS;
    transport.noticeHead(11);
    expect(server.clients).toHaveLength(1);
    now += 1;
    transport.noticeHead(12);
    await subscribed(2);
    expect(events).toEqual(["rpc.subscription-silent"]);
  });

  test("that announces what others learn a little later or earlier is left alone, and one of a chain that stands still too", async () => {
    await start();
    let heads = 0;
    transport.subscribe(() => {
      heads += 1;
    });
    await subscribed(1);
    for (const number of [10, 11, 12]) {
      transport.noticeHead(number);
      announce(server.clients[0], number);
      await expect.poll(() => heads, { interval: 5 }).toBe(number - 9);
      now += SILENT_AFTER_MS;
      transport.noticeHead(number);
    }
    now += 100 * SILENT_AFTER_MS;
    transport.noticeHead(12);
    expect(server.clients).toHaveLength(1);
    expect(events).toEqual([]);
  });

  test("is not made again after the end", async () => {
    await start();
    transport.subscribe(() => undefined);
    await subscribed(1);
    transport.close();
    await expect(transport.exchange(...call(1))).rejects.toThrow("closed");
    expect(server.clients).toHaveLength(1);
  });
});
