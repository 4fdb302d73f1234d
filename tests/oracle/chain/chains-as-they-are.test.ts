/** Chains and servers as their users report them: every event is read, once, and nothing is a wall. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ChainHead, ChainSource } from "../../../oracle/chain/chain-source.ts";
import { RpcEndpoint } from "../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../oracle/log.ts";
import { FakeChain, WATCHED, topicOf } from "../support/fake-chain.ts";
import { MemoryJournal } from "../support/memory-journal.ts";
import { type RpcTapOptions, tapRpc } from "../support/rpc-tap.ts";

const FULL_BLOOM = `0x${"ff".repeat(256)}`;
const POLL = { interval: 5, timeout: 20_000 };

let chain: FakeChain;
let journal: MemoryJournal;
let stops: (() => Promise<void>)[];
let said: string[];
let heads: ChainHead[];
const log = createLogger({
  level: "info",
  write: (line) => said.push((JSON.parse(line) as { event: string }).event),
  now: () => 0,
});

beforeEach(() => {
  chain = new FakeChain();
  journal = new MemoryJournal();
  [stops, said, heads] = [[], [], []];
});

afterEach(async () => {
  for (const stop of stops) await stop();
  await chain.close();
});

async function follow(
  answer: RpcTapOptions["answer"],
  options: Partial<ConstructorParameters<typeof ChainSource>[0]> = {},
): Promise<ChainSource> {
  const tap = await tapRpc({ behind: await chain.listen(), ...(answer === undefined ? {} : { answer }) });
  const endpoint = new RpcEndpoint({ url: tap.url, timeoutMs: 5_000, log, now: () => 0 });
  const source = new ChainSource({
    chainId: 1,
    rpc: new RpcPool({ endpoints: [endpoint], log, now: () => 0 }),
    journal,
    log,
    addresses: [WATCHED],
    fromBlock: 0,
    confirmations: 0,
    pollMs: 5,
    maxRange: 1_000,
    onHead: (head) => heads.push(head),
    now: () => 0,
    ...options,
  });
  stops.push(
    () => source.stop(),
    () => tap.close(),
  );
  return source;
}

const isRead = (): boolean => journal.blocks.at(-1)?.number === chain.blocks.at(-1)?.number;
const everyTenth = (count: number): string[][] =>
  Array.from({ length: count }, (_, number) => (number % 10 === 5 ? [`e${number}`] : []));

describe("a chain", () => {
  test("whose server answers a long range with what one of its backends has, is read whole", async () => {
    chain.mine(...everyTenth(300));
    await follow(async ({ method, params: [filter], ...call }, ask) => {
      if (method !== "eth_getLogs" || (filter as { fromBlock?: string }).fromBlock === undefined)
        return undefined;
      const { result } = await ask({ ...call, method, params: [filter] });
      const logs = result as { readonly blockNumber: string }[];
      return { result: logs.filter(({ blockNumber }) => Number.parseInt(blockNumber, 16) <= 150) };
    });
    await expect.poll(isRead, POLL).toBe(true);
    expect(journal.events.map(({ topic }) => topic)).toEqual(everyTenth(300).flat().map(topicOf));
  });

  test("is not read over blocks that a backend has not got", async () => {
    chain.mine(...everyTenth(300));
    let isBehind = true;
    await follow(({ method, params: [filter] }) => {
      if (method !== "eth_getLogs" || !isBehind) return undefined;
      return (filter as { fromBlock?: string }).fromBlock === undefined
        ? { error: { code: -32_000, message: "unknown block" } }
        : { result: [] };
    });
    await expect
      .poll(() => said.filter((event) => event === "rpc.unavailable").length, POLL)
      .toBeGreaterThan(2);
    expect(journal.blocks.filter(({ number }) => number >= 5)).toEqual([]);
    isBehind = false;
    await expect.poll(isRead, POLL).toBe(true);
    expect(journal.events).toHaveLength(30);
  });

  test("without filters is read whole at its head, where a backend has not got the newest blocks", async () => {
    chain.mine(...everyTenth(40));
    const isOfRange = (filter: unknown): boolean =>
      (filter as { fromBlock?: string }).fromBlock !== undefined;
    await follow(async (call, ask) => {
      const [filter] = call.params;
      if (call.method === "eth_getLogs" && isOfRange(filter)) return { result: [] };
      if (call.method !== "eth_getBlockByNumber") return undefined;
      const { result } = await ask(call);
      return { result: result === null ? null : { ...(result as object), logsBloom: null } };
    });
    await expect.poll(isRead, POLL).toBe(true);
    chain.mine([], ["x"], [], ["y"], []);
    await expect.poll(isRead, POLL).toBe(true);
    expect(journal.events.map(({ topic }) => topic)).toEqual(
      [...everyTenth(40).flat(), "x", "y"].map(topicOf),
    );
  });

  test.for([
    ["null", { result: null }],
    ["words of its own", { error: { code: 12, message: "requested epoch was a null round (7)" } }],
  ] as const)("that leaves heights out, and says so by %s, is read over them", async ([, nothing]) => {
    chain.mine(...everyTenth(60));
    const missing = (number: number): boolean =>
      [0, 7, 8, 41].includes(number) || (number > 55 && number < 59);
    const left = chain.blocks.filter(({ number }) => !missing(number));
    const parents = new Map(left.map((block, index) => [block.number, left[index - 1]?.hash]));
    const source = await follow(async (call, ask) => {
      if (call.method !== "eth_getBlockByNumber") return undefined;
      const { result } = await ask(call);
      const block = result as { readonly number: string; readonly parentHash: string };
      const number = Number.parseInt(block.number, 16);
      if (missing(number)) return nothing;
      return { result: { ...block, parentHash: parents.get(number) ?? block.parentHash } };
    });
    await expect.poll(isRead, POLL).toBe(true);
    expect(journal.blocks.some(({ number }) => missing(number))).toBe(false);
    expect(journal.events).toHaveLength(everyTenth(60).flat().length);
    expect(source.deepestReorg).toBe(0);
  });

  test("whose server repeats logs, and gives those of others too, is read without either", async () => {
    chain.mine(...everyTenth(100));
    await follow(async (call, ask) => {
      if (call.method !== "eth_getLogs") return undefined;
      const { result } = await ask(call);
      const logs = result as readonly { readonly address: string; readonly logIndex: string }[];
      const foreign = logs.map((log) => ({ ...log, address: `0x${"5a".repeat(20)}`, logIndex: "0x9" }));
      return { result: [...logs, ...logs, ...foreign] };
    });
    await expect.poll(isRead, POLL).toBe(true);
    expect(journal.events).toHaveLength(10);
  });

  test.for([10, 60])(
    "of %i blocks whose server cuts long replies off in silence is read whole",
    async (count) => {
      const topics = Array.from({ length: count }, (_, block) =>
        block < 8 ? Array.from({ length: 100 }, (_unused, log) => `${block}.${log}`) : [],
      );
      chain.mine(...topics);
      await follow(async (call, ask) => {
        const [filter] = call.params as [{ fromBlock?: string }?];
        if (call.method !== "eth_getLogs" || filter?.fromBlock === undefined) return undefined;
        const { result } = await ask(call);
        return { result: (result as unknown[]).slice(0, 750) };
      });
      await expect.poll(isRead, POLL).toBe(true);
      expect(journal.events.map(({ topic }) => topic)).toEqual(topics.flat().map(topicOf));
    },
  );

  test("with a block of more logs than a reply may hold is read on", async () => {
    chain.mine([], ["x"], []);
    chain.foreign.set(topicOf("x"), `0x${"5a".repeat(20)}`);
    await follow(({ method, params: [filter] }) =>
      method === "eth_getLogs" && (filter as { address?: unknown }).address === undefined
        ? { error: { code: -32_005, message: "query returned more than 10000 results" } }
        : undefined,
    );
    await expect.poll(isRead, POLL).toBe(true);
    chain.mine(["later"]);
    await expect.poll(() => journal.events.map(({ topic }) => topic), POLL).toEqual([topicOf("later")]);
  });

  test.for([
    ["bloom filters of ones alone", { logsBloom: FULL_BLOOM }],
    ["no bloom filters", { logsBloom: undefined }],
    ["null for what it has not got", { logsBloom: null, baseFeePerGas: null, gasLimit: null }],
    ["a gas limit that is filled up with zeros", { gasLimit: `0x${"1c9c380".padStart(64, "0")}` }],
    ["a gas limit of 53 bits and more", { gasLimit: "0x1fffffffffffff" }],
    ["a gas limit of 64 bits", { gasLimit: "0xffffffffffffffff" }],
    ["a gas limit of 256 bits", { gasLimit: `0x${"f".repeat(64)}` }],
  ] as const)("with %s is read, in short ranges and in long ones", async ([, odd]) => {
    chain.mine(...everyTenth(100));
    await follow(async (call, ask) => {
      if (call.method !== "eth_getBlockByNumber") return undefined;
      const { result } = await ask(call);
      return { result: result === null ? null : { ...(result as object), ...odd } };
    });
    await expect.poll(isRead, POLL).toBe(true);
    chain.mine([], ["last"], []);
    await expect.poll(isRead, POLL).toBe(true);
    expect(journal.events).toHaveLength(11);
  });

  test.for([
    ["says null", { result: null }],
    ["has found none", { error: { code: -32_000, message: "finalized block not found" } }],
    [
      "says that it knows no such block",
      { error: { code: -32_602, message: "invalid block tag: finalized" } },
    ],
  ] as const)(
    "whose finalized block is waited for, and whose server %s, says that it waits for nothing",
    async ([, answer]) => {
      chain.mine([], ["a"], []);
      const source = await follow(
        ({ method, params: [tag] }) =>
          method === "eth_getBlockByNumber" && tag === "finalized" ? answer : undefined,
        { confirmations: "finalized" },
      );
      await expect.poll(isRead, POLL).toBe(true);
      expect(source.knowsFinality).toBe(false);
      expect(said.filter((event) => event === "chain.no-finality")).toHaveLength(1);
      expect(heads.at(-1)?.settledNumber).toBe(0);
    },
  );

  test.for([
    ["deeper than a reorg may be", {}, 300],
    ["below the finalized block", { confirmations: "finalized" }, 5],
  ] as const)(
    "that takes back blocks %s is left alone until a person has looked",
    async ([, options, depth]) => {
      chain.mine(...everyTenth(300));
      const finalized = `0x${(297).toString(16)}`;
      const source = await follow(
        ({ method, params: [tag], ...call }, ask) =>
          method === "eth_getBlockByNumber" && tag === "finalized"
            ? ask({ ...call, method, params: [finalized, false] }).then(({ result }) => ({ result }))
            : undefined,
        options,
      );
      await expect.poll(isRead, POLL).toBe(true);
      const before = journal.blocks.at(-1);
      chain.reorg(depth);
      chain.mine(...Array.from({ length: depth + 1 }, () => []));
      await expect.poll(() => source.violation, POLL).toMatchObject({ from: 299, to: 299 - depth });
      expect(said.filter((event) => event === "chain.finality-violated")).toHaveLength(1);
      expect([journal.rollbacks, journal.blocks.at(-1)]).toEqual([[], before]);
      source.acceptReorg();
      await expect.poll(isRead, POLL).toBe(true);
      expect(source.violation).toBeUndefined();
      expect(source.deepestReorg).toBe(depth);
    },
  );

  test("may take back what is not settled, and is followed", async () => {
    chain.mine(...everyTenth(100));
    const source = await follow(undefined, { confirmations: 2 });
    await expect.poll(isRead, POLL).toBe(true);
    chain.reorg(20);
    chain.mine(...Array.from({ length: 21 }, () => []));
    await expect.poll(isRead, POLL).toBe(true);
    expect([source.violation, source.deepestReorg]).toEqual([undefined, 20]);
  });

  test("whose server fails says so on one line for each failure, without a stack", async () => {
    chain.mine(...everyTenth(20));
    const lines: string[] = [];
    const shown = createLogger({ level: "info", write: (line) => lines.push(line), now: () => 0 });
    const gone = await tapRpc({});
    await gone.close();
    const dead = new RpcEndpoint({ url: gone.url, timeoutMs: 5_000, log: shown, now: () => 0 });
    await follow(undefined, {
      log: shown,
      rpc: new RpcPool({ endpoints: [dead], log: shown, now: () => 0 }),
    });
    await expect.poll(() => lines.length, POLL).toBeGreaterThan(3);
    const events = lines.map((line) => (JSON.parse(line) as { event: string }).event);
    expect(new Set(events)).toEqual(new Set(["rpc.unavailable"]));
    expect(lines.join("\n")).toContain("ECONNREFUSED");
    expect(lines.join("\n")).not.toContain('"stack"');
  });
});
