/** Servers as their users report them: what each cannot do is done in another way, and costs no rest. */

import { afterEach, expect, test } from "vitest";
import { data, quantity } from "../../../../oracle/chain/rpc/block.ts";
import { RpcEndpoint } from "../../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { type RpcTap, type RpcTapOptions, tapRpc } from "../../support/rpc-tap.ts";

const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
const taps: RpcTap[] = [];

afterEach(async () => {
  await Promise.all(taps.splice(0).map((tap) => tap.close()));
});

async function server(options: RpcTapOptions): Promise<RpcTap> {
  const tap = await tapRpc(options);
  taps.push(tap);
  return tap;
}

let time = 0;

function poolOf(...servers: readonly RpcTap[]): RpcPool {
  time = 0;
  const now = (): number => time;
  const endpoints = servers.map(({ url }) => new RpcEndpoint({ url, timeoutMs: 2_000, log, now }));
  return new RpcPool({ endpoints, log, now });
}

const CALLS = Array.from({ length: 10 }, () => ({ method: "eth_call", params: [{}, "latest"] }));
const TOO_MANY = { code: 31, message: "Batch of more than 3 requests are not allowed on free tier" };

test.for([
  ["as one error of all, with status 200", 200, undefined],
  ["as one error of all, with status 400", 400, undefined],
  ["with each call", 200, "each"],
  ["without a word, with status 413", 413, "nothing"],
] as const)(
  "a server that takes batches of three, and says so %s, is sent smaller ones",
  async ([, status, how]) => {
    const sizes: number[] = [];
    const tap = await server({
      answer: () => ({ result: "0x2a" }),
      exchange: (calls) => {
        sizes.push(calls.length);
        if (calls.length <= 3) return undefined;
        if (how === "nothing") return { status, body: "too large" };
        const error = { jsonrpc: "2.0", id: null, error: TOO_MANY };
        return { status, body: how === "each" ? calls.map(({ id }) => ({ ...error, id })) : error };
      },
    });
    const rpc = poolOf(tap);
    expect(await rpc.send(CALLS)).toEqual(CALLS.map(() => ({ ok: true, result: "0x2a" })));
    sizes.length = 0;
    await rpc.send(CALLS);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(3);
    expect(rpc.healthy()).toBe(1);
  },
);

test("a revert that comes with HTTP status 400 is the contract's word, and no outage", async () => {
  const tap = await server({
    exchange: ([call]) => ({
      status: 400,
      body: { jsonrpc: "2.0", id: call?.id, error: { code: 3, message: "execution reverted", data: "0x" } },
    }),
  });
  const rpc = poolOf(tap);
  await expect(rpc.call("eth_call", [{}, "latest"], data)).rejects.toMatchObject({ code: "CHAIN_REVERTED" });
  expect(rpc.healthy()).toBe(1);
});

test("words that nobody has explained are asked of the next server, and the first one does not rest", async () => {
  const first = await server({ answer: () => ({ error: { code: -32_099, message: "flux" } }) });
  const second = await server({ answer: () => ({ result: "0x2a" }) });
  const rpc = poolOf(first, second);
  expect(await rpc.call("eth_blockNumber", [], quantity)).toBe(42);
  expect(rpc.healthy()).toBe(2);
});

test("a server without a pending block is asked about the newest one, from then on at once", async () => {
  const tags: unknown[] = [];
  const tap = await server({
    answer: ({ params }) => {
      tags.push(params.at(-1));
      return params.at(-1) === "pending"
        ? { error: { code: -32_000, message: "pending block is not available" } }
        : { result: "0x" };
    },
  });
  const rpc = poolOf(tap);
  await rpc.send([{ method: "eth_call", params: [{}, "pending"] }]);
  await rpc.send([{ method: "eth_call", params: [{}, "pending"] }]);
  expect(tags).toEqual(["pending", "latest", "latest"]);
});

test("a transaction goes to every server that serves; one that swallows it, or takes no more, keeps it from nobody", async () => {
  const swallowing = await server({ answer: () => ({ result: `0x${"07".repeat(32)}` }) });
  const limited = await server({
    answer: () => ({ error: { code: -32_007, message: "request limit reached" } }),
  });
  const good = await server({ answer: () => ({ result: "0x01" }) });
  const rpc = poolOf(limited, swallowing, good);
  const call = { method: "eth_sendRawTransaction", params: ["0x02"] };
  const [replies] = await rpc.broadcast([call]);
  expect(replies).toHaveLength(2);
  expect([swallowing, limited, good].map(({ methods }) => methods.length)).toEqual([1, 1, 1]);
  await rpc.broadcast([call], "one");
  expect(swallowing.methods.length + good.methods.length).toBe(3);
});

test("a broadcast that reaches nobody says so", async () => {
  const limited = await server({ answer: () => ({ error: { code: 429, message: "no" } }) });
  const other = await server({ answer: () => ({ error: { code: 429, message: "no" } }) });
  await expect(
    poolOf(limited, other).broadcast([{ method: "eth_sendRawTransaction", params: ["0x02"] }]),
  ).rejects.toMatchObject({ code: "CHAIN_RPC_UNAVAILABLE" });
});

test.for<[string, (id: unknown) => unknown]>([
  ["an id as text", (id) => ({ jsonrpc: "2.0", id: String(id), result: "0x2a" })],
  ["an error of null beside the result", (id) => ({ id, result: "0x2a", error: null })],
  ["a quantity that is filled up with zeros", (id) => ({ id, result: `0x${"2a".padStart(64, "0")}` })],
])("a reply with %s is read", async ([, reply]) => {
  const tap = await server({ exchange: ([call]) => ({ status: 200, body: reply(call?.id) }) });
  expect(await poolOf(tap).call("eth_blockNumber", [], quantity)).toBe(42);
});

const says = (id: unknown, result: unknown): object => ({ jsonrpc: "2.0", id, result });

test.for<[string, (ids: readonly number[]) => unknown]>([
  ["out of order", (ids) => ids.map((id, index) => says(id, `0x${index}`)).reverse()],
  [
    "with each of them twice",
    (ids) => [...ids, ...ids].map((id, index) => says(id, `0x${index % ids.length}`)),
  ],
  [
    "with some that nobody asked for",
    (ids) => [says(-1, "0x9"), ...ids.map((id, index) => says(id, `0x${index}`))],
  ],
])("replies to a batch %s are each their call's", async ([, reply]) => {
  const tap = await server({
    exchange: (calls) => ({ status: 200, body: reply(calls.map(({ id }) => id)) }),
  });
  const three = await poolOf(tap).send(CALLS.slice(0, 3));
  expect(three).toEqual(["0x0", "0x1", "0x2"].map((result) => ({ ok: true, result })));
});

test.for<[string, (ids: readonly number[]) => unknown]>([
  ["with one of them missing", (ids) => ids.slice(1).map((id) => says(id, "0x1"))],
  ["of which two contradict each other", (ids) => [says(ids[0], "0x9"), ...ids.map((id) => says(id, "0x1"))]],
  ["to other calls", (ids) => ids.map((id) => says(id + 100, "0x1"))],
  ["without ids", (ids) => ids.map(() => ({ jsonrpc: "2.0", result: "0x1" }))],
  ["as one reply", (ids) => says(ids[0], "0x1")],
  ["cut off in the middle", (ids) => JSON.stringify(ids.map((id) => says(id, "0x1"))).slice(0, -9)],
])("replies to a batch %s are an outage, and another server is asked", async ([, reply]) => {
  const bad = await server({
    exchange: (calls) => ({ status: 200, body: reply(calls.map(({ id }) => id)) }),
  });
  const good = await server({ answer: () => ({ result: "0x2a" }) });
  const rpc = poolOf(bad, good);
  expect(await rpc.send(CALLS.slice(0, 3))).toEqual(Array(3).fill({ ok: true, result: "0x2a" }));
  expect(rpc.healthy()).toBe(1);
});

test.for<[string, (ids: readonly number[]) => unknown]>([
  ["an id that is not the call's", ([id = 0]) => says(id + 1, "0x1")],
  ["a number that has a fraction for its id", ([id = 0]) => says(id + 0.5, "0x1")],
])("a reply with %s is no reply", async ([, reply]) => {
  const tap = await server({
    exchange: (calls) => ({ status: 200, body: reply(calls.map(({ id }) => id)) }),
  });
  await expect(poolOf(tap).call("eth_blockNumber", [], quantity)).rejects.toMatchObject({
    code: "CHAIN_RPC_UNAVAILABLE",
  });
});

test.for<[string, unknown, string]>([
  ["an error of text", { error: "execution reverted" }, "CHAIN_REVERTED"],
  ["an error without a code", { error: { message: "insufficient funds for gas" } }, "CHAIN_FUNDS_LOW"],
  ["an error whose code is text", { error: { code: "-32000", message: "fee too low" } }, "CHAIN_UNDERPRICED"],
  ["an error without words", { error: { code: -32_000 } }, "CHAIN_RPC_REFUSED"],
  ["an error of text that is a limit", { error: "rate limit reached" }, "CHAIN_RPC_UNAVAILABLE"],
  ["neither a result nor an error", {}, "CHAIN_RPC_UNAVAILABLE"],
  ["something of a gateway", { message: "API rate limit exceeded" }, "CHAIN_RPC_UNAVAILABLE"],
  ["a page", "<!doctype html><title>502</title>", "CHAIN_RPC_UNAVAILABLE"],
  ["nothing", "", "CHAIN_RPC_UNAVAILABLE"],
  ["null", null, "CHAIN_RPC_UNAVAILABLE"],
])("a reply with status 200 and %s is what it says", async ([, body, code]) => {
  const tap = await server({
    exchange: ([call]) => ({
      status: 200,
      body: typeof body === "object" && body !== null ? { jsonrpc: "2.0", id: call?.id, ...body } : body,
    }),
  });
  await expect(poolOf(tap).call("eth_sendRawTransaction", ["0x"], data)).rejects.toMatchObject({ code });
});

test.for([
  ["in seconds", { "retry-after": "7" }, 7_000],
  [
    "by a date",
    { "retry-after": "Mon, 30 Nov 2026 13:00:09 GMT", date: "Mon, 30 Nov 2026 13:00:00 GMT" },
    9_000,
  ],
  ["for longer than is good for anybody", { "retry-after": "86400" }, 30_000],
] as const)("a server that asks to be left alone, %s, is", async ([, headers, ms]) => {
  let isLimited = true;
  const tap = await server({
    answer: () => ({ result: "0x2a" }),
    exchange: () => (isLimited ? { status: 429, body: "slow down", headers } : undefined),
  });
  const rpc = poolOf(tap);
  const ask = (): Promise<number> => rpc.call("eth_blockNumber", [], quantity);
  await expect(ask()).rejects.toMatchObject({ code: "CHAIN_RPC_UNAVAILABLE" });
  isLimited = false;
  time = ms - 1;
  await expect(ask()).rejects.toMatchObject({ code: "CHAIN_RPC_UNAVAILABLE" });
  await expect(rpc.broadcast([{ method: "eth_sendRawTransaction", params: ["0x"] }])).rejects.toMatchObject({
    code: "CHAIN_RPC_UNAVAILABLE",
  });
  expect(tap.methods).toHaveLength(1);
  time = ms;
  expect(await ask()).toBe(42);
});
