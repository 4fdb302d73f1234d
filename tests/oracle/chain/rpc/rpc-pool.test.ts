import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { quantity } from "../../../../oracle/chain/rpc/block.ts";
import { RpcEndpoint } from "../../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../../oracle/log.ts";

const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(
    servers.splice(0).map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }),
  );
});

interface Behaviour {
  status: number;
  body: string;
  hits: number;
}

async function endpoint(behaviour: Behaviour, timeoutMs = 2_000): Promise<RpcEndpoint> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      behaviour.hits += 1;
      if (behaviour.status !== 0)
        response.writeHead(behaviour.status, { "content-type": "application/json" }).end(behaviour.body);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new RpcEndpoint({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-key`,
    timeoutMs,
    log,
    now: () => 0,
  });
}

const result = (value: string): Behaviour => ({
  status: 200,
  body: `{"jsonrpc":"2.0","id":1,"result":"${value}"}`,
  hits: 0,
});
const failure = (code: number, message: string, data?: string): Behaviour => ({
  status: 200,
  body: JSON.stringify({ jsonrpc: "2.0", id: 1, error: { code, message, data } }),
  hits: 0,
});

describe("a pool of RPC endpoints", () => {
  test.for([
    ["answers HTTP 503", { status: 503, body: "", hits: 0 }],
    ["answers HTML", { status: 200, body: "<html>", hits: 0 }],
    ["answers another id", { status: 200, body: '{"jsonrpc":"2.0","id":7,"result":"0x1"}', hits: 0 }],
    ["says it is rate limited", failure(-32_005, "limit exceeded")],
    ["answers another type", result("not a number")],
  ] as const)(
    "asks the next endpoint when the first %s, and the first again after its rest",
    async ([, broken]) => {
      let now = 0;
      const bad: Behaviour = { ...broken };
      const good = result("0x2a");
      const pool = new RpcPool({
        endpoints: [await endpoint(bad), await endpoint(good)],
        log,
        now: () => now,
      });
      expect(await pool.call("eth_blockNumber", [], quantity)).toBe(42);
      expect(bad.hits).toBe(1);
      expect(pool.healthy()).toBe(1);
      now += 60_000;
      expect(pool.healthy()).toBe(2);
    },
  );

  test("refuses when no endpoint serves, and names none of their paths", async () => {
    const pool = new RpcPool({
      endpoints: [await endpoint({ status: 500, body: "", hits: 0 })],
      log,
      now: () => 0,
    });
    const error: unknown = await pool
      .call("eth_blockNumber", [], quantity)
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "CHAIN_RPC_UNAVAILABLE", retryable: true });
    expect(JSON.stringify([String(error), (error as { details: unknown }).details])).not.toContain(
      "secret-key",
    );
  });

  test("counts as healthy what it would ask: one that lags behind, and none of another chain", async () => {
    const endpoints = [await endpoint(result("0x1")), await endpoint(result("0x1"))];
    const pool = new RpcPool({ endpoints, log, now: () => 0 });
    pool.setAside(endpoints[0]!, "other-chain");
    pool.setAside(endpoints[1]!, "lags");
    expect(pool.healthy()).toBe(1);
    expect(await pool.call("eth_blockNumber", [], quantity)).toBe(1);
    pool.setAside(endpoints[1]!, "disagrees");
    expect(pool.healthy()).toBe(0);
    await expect(pool.call("eth_blockNumber", [], quantity)).rejects.toMatchObject({
      code: "CHAIN_RPC_DISAGREEMENT",
    });
  });

  test("gives up on an endpoint that accepts and stays silent", async () => {
    const silent = await endpoint({ status: 0, body: "", hits: 0 }, 50);
    const pool = new RpcPool({ endpoints: [silent, await endpoint(result("0x1"))], log, now: () => 0 });
    expect(await pool.call("eth_blockNumber", [], quantity)).toBe(1);
  });

  test.for([
    ["a revert", failure(3, "execution reverted", "0xdeadbeef"), "CHAIN_REVERTED"],
    ["a revert without data", failure(-32_000, "execution reverted"), "CHAIN_REVERTED"],
    ["an empty account", failure(-32_003, "insufficient funds for gas * price + value"), "CHAIN_FUNDS_LOW"],
    ["a low fee", failure(-32_000, "replacement transaction underpriced"), "CHAIN_UNDERPRICED"],
  ] as const)("takes %s as the chain's word, and asks nobody else", async ([, said, code]) => {
    const second = result("0x1");
    const pool = new RpcPool({
      endpoints: [await endpoint(said), await endpoint(second)],
      log,
      now: () => 0,
    });
    await expect(pool.call("eth_call", [], quantity)).rejects.toMatchObject({ code });
    expect(second.hits).toBe(0);
  });
});
