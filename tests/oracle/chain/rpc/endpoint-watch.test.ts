/** Several RPC servers of one chain, of which some lie, lag or are of another chain. */

import { beforeEach, describe, expect, test } from "vitest";
import { EndpointWatch } from "../../../../oracle/chain/rpc/endpoint-watch.ts";
import type { RpcEndpoint } from "../../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { ChainError } from "../../../../protocol/errors.ts";
import { word } from "../../support/requests.ts";

const CHAIN_ID = 31_337;
const HEIGHT = 100;
const HONEST = word(1);
const FORGED = word(2);

/** What a server says; a block of `null` is one that it does not have. */
interface Server {
  chainId: number;
  head: number;
  hash: string | null;
  isDown: boolean;
}

let servers: Server[];
let pool: RpcPool;
let watch: EndpointWatch;
let events: string[];

const header = (hash: string): object => ({
  number: `0x${HEIGHT.toString(16)}`,
  hash,
  parentHash: word(0),
  timestamp: "0x1",
});

function toEndpoint(server: Server, index: number): RpcEndpoint {
  return {
    name: String(index),
    send: (calls: readonly { readonly method: string }[]) => {
      if (server.isDown)
        return Promise.reject(new ChainError({ code: "CHAIN_RPC_UNAVAILABLE", message: "down" }));
      const { chainId, head, hash } = server;
      const results: Record<string, unknown> = {
        eth_chainId: `0x${chainId.toString(16)}`,
        eth_blockNumber: `0x${head.toString(16)}`,
        eth_getBlockByNumber: hash === null ? null : header(hash),
      };
      return Promise.resolve(calls.map(({ method }) => ({ ok: true, result: results[method] })));
    },
    close: () => undefined,
  } as unknown as RpcEndpoint;
}

function given(count: number): void {
  servers = Array.from({ length: count }, () => ({
    chainId: CHAIN_ID,
    head: HEIGHT + 10,
    hash: HONEST,
    isDown: false,
  }));
  events = [];
  const log = createLogger({
    level: "info",
    write: (line) => {
      const { event, endpoint, reason } = JSON.parse(line) as Record<string, string>;
      events.push([event, endpoint, reason].filter((part) => part !== undefined).join(" "));
    },
    now: () => 0,
  });
  pool = new RpcPool({ endpoints: servers.map(toEndpoint), log, now: () => 0 });
  watch = new EndpointWatch({
    chainId: CHAIN_ID,
    rpc: pool,
    log,
    reference: () => HEIGHT,
    maxLag: 20,
    periodMs: 3_600_000,
  });
}

const served = (): Promise<string> => pool.use(({ name }) => Promise.resolve(name));
const change = (index: number, to: Partial<Server>): void => void Object.assign(servers[index]!, to);

async function look(): Promise<void> {
  await watch.look();
  await watch.stop();
}

describe("three endpoints", () => {
  beforeEach(() => {
    given(3);
  });

  test("that agree all serve, in the operator's order", async () => {
    await look();
    expect(pool.aside.size).toBe(0);
    expect(watch.disputed).toBe(false);
    expect(await served()).toBe("0");
  });

  test("outvote the one that contradicts them about a settled block, though it is the first", async () => {
    change(0, { hash: FORGED });
    await look();
    expect(await served()).toBe("1");
    expect(watch.disputed).toBe(false);
    expect(events).toEqual(["rpc.set-aside 0 disagrees"]);
    // Silence about that block is no agreement.
    change(0, { hash: null });
    await look();
    expect(await served()).toBe("1");
    change(0, { hash: HONEST });
    await look();
    expect(await served()).toBe("0");
    expect(events).toEqual(["rpc.set-aside 0 disagrees", "rpc.restored 0"]);
  });

  test("that say three things have no majority", async () => {
    change(1, { hash: FORGED });
    change(2, { hash: word(3) });
    await look();
    expect(watch.disputed).toBe(true);
    expect(await served()).toBe("0");
  });

  test("are not made to lag by one that claims blocks which are not there", async () => {
    change(0, { head: 10 ** 9, hash: HONEST });
    await look();
    expect(pool.aside.size).toBe(0);
  });

  test("put aside the one that has fallen behind, and take it back; meanwhile it is the last to be asked", async () => {
    change(0, { head: HEIGHT - 11, hash: null });
    await look();
    expect([...pool.aside.values()]).toEqual(["lags"]);
    expect(await served()).toBe("1");
    const unavailable = new ChainError({ code: "CHAIN_RPC_UNAVAILABLE", message: "down" });
    expect(
      await pool.use(({ name }) => (name === "0" ? Promise.resolve(name) : Promise.reject(unavailable))),
    ).toBe("0");
    change(0, { head: HEIGHT + 10, hash: HONEST });
    await look();
    expect(pool.aside.size).toBe(0);
  });

  test("never ask the one that is of another chain, whatever it says of blocks", async () => {
    change(0, { chainId: 1 });
    await look();
    expect(await served()).toBe("1");
    change(1, { chainId: 1 });
    change(2, { chainId: 1 });
    await look();
    await expect(served()).rejects.toMatchObject({ code: "CHAIN_RPC_DISAGREEMENT", retryable: true });
  });

  test("do not count the one that cannot be reached", async () => {
    change(0, { isDown: true });
    await look();
    expect(watch.disputed).toBe(false);
    change(1, { hash: FORGED });
    await look();
    expect(watch.disputed).toBe(true);
  });
});

describe("two endpoints", () => {
  beforeEach(() => {
    given(2);
  });

  test("that contradict each other: the operator's order is read, and nothing is paid for until they agree", async () => {
    change(1, { hash: FORGED });
    await look();
    expect(watch.disputed).toBe(true);
    expect(await served()).toBe("0");
    expect(events).toEqual(["rpc.set-aside 1 disagrees", "rpc.disputed"]);
    change(1, { hash: HONEST });
    await look();
    expect(watch.disputed).toBe(false);
    expect(events.slice(2)).toEqual(["rpc.restored 1", "rpc.agreed"]);
  });

  test("of which one does not have the block yet agree", async () => {
    change(0, { hash: null });
    await look();
    expect(watch.disputed).toBe(false);
    expect(pool.aside.size).toBe(0);
  });
});
