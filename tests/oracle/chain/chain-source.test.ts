import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ChainSource } from "../../../oracle/chain/chain-source.ts";
import { RpcEndpoint } from "../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../oracle/log.ts";
import { FakeChain, STRANGER, topicOf, WATCHED } from "../support/fake-chain.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { MemoryJournal } from "../support/memory-journal.ts";

const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
let chain: FakeChain;
let journal: MemoryJournal;
let sources: ChainSource[];

beforeEach(() => {
  chain = new FakeChain();
  journal = new MemoryJournal();
  sources = [];
});

afterEach(async () => {
  await Promise.all(sources.map((source) => source.stop()));
  await chain.close();
});

let clock = 0;

async function follow(
  options: {
    readonly maxRange?: number;
    readonly fromBlock?: number;
    readonly others?: readonly FakeChain[];
  } = {},
): Promise<ChainSource> {
  const urls = await Promise.all([chain, ...(options.others ?? [])].map((server) => server.listen()));
  const rpc = new RpcPool({
    endpoints: urls.map((url) => new RpcEndpoint({ url, timeoutMs: 5_000, log, now: () => 0 })),
    log,
    now: () => 0,
  });
  const source = new ChainSource({
    chainId: 1,
    rpc,
    journal,
    log,
    addresses: [WATCHED],
    fromBlock: options.fromBlock ?? 0,
    confirmations: 0,
    pollMs: 5,
    maxRange: options.maxRange ?? 1_000,
    onHead: () => undefined,
    now: () => clock,
  });
  sources.push(source);
  return source;
}

/** The chain as the journal has it, once its newest block is the chain's. */
async function synced(): Promise<string[]> {
  const isSynced = (): boolean => journal.blocks.at(-1)?.hash === chain.blocks.at(-1)?.hash;
  await expect.poll(isSynced, { interval: 5, timeout: 10_000 }).toBe(true);
  return journal.events.map(({ topic }) => topic);
}

const topics = (...names: readonly string[]): string[] => names.map(topicOf);

describe("the chain source", () => {
  test("reads every event once, in order, from the block it is told to start at", async () => {
    chain.mine(["too early"], ["a", "b"], [], ["c"]);
    await follow({ fromBlock: 1 });
    expect(await synced()).toEqual(topics("a", "b", "c"));
    chain.mine(["d"]);
    expect(await synced()).toEqual(topics("a", "b", "c", "d"));
  });

  test("fills a gap longer than a range without missing or doubling an event", async () => {
    const blocks = Array.from({ length: 200 }, (_, index) => (index % 7 === 0 ? [`event ${index}`] : []));
    chain.mine(...blocks);
    await follow({ maxRange: 64 });
    expect(await synced()).toEqual(topics(...blocks.flat()));
  });

  test.for([1, 2, 3, 4, 5])("walks back to the common ancestor of a reorg of depth %i", async (depth) => {
    chain.mine(["a"], ["b"], ["c"], ["d"], ["e"], ["f"]);
    await follow();
    await synced();
    const kept = ["a", "b", "c", "d", "e", "f"].slice(0, 6 - depth);
    chain.reorg(depth);
    chain.mine(...Array.from({ length: depth + 1 }, (_, index) => [`new ${index}`]));
    const fresh = Array.from({ length: depth + 1 }, (_, index) => `new ${index}`);
    expect(await synced()).toEqual(topics(...kept, ...fresh));
    expect(journal.rollbacks).toEqual([5 - depth]);
  });

  test("notices a reorg that ends in a shorter chain once a block contradicts what was read", async () => {
    chain.mine(["a"], ["b"], ["c"], ["d"]);
    await follow();
    await synced();
    chain.reorg(3);
    chain.mine(["x"]);
    expect(await synced()).toEqual(topics("a", "x"));
  });

  test("takes a node that lags behind for slow, not for a reorg", async () => {
    chain.mine(["a"], ["b"], ["c"]);
    await follow();
    await synced();
    const [, , last] = chain.blocks;
    chain.blocks.length = 2;
    const seen = chain.calls.length;
    await expect.poll(() => chain.calls.length, { interval: 5 }).toBeGreaterThan(seen + 4);
    expect(journal.rollbacks).toEqual([]);
    chain.blocks.push(last!);
    chain.mine(["d"]);
    expect(await synced()).toEqual(topics("a", "b", "c", "d"));
  });

  test("waits for a node that has a block but not yet its logs", async () => {
    chain.mine(["a"]);
    await follow();
    await synced();
    chain.mine(["b"]);
    const block = chain.blocks.at(-1);
    chain.unindexed.add(block!.hash);
    const asked = (): number => chain.calls.filter((method) => method === "eth_getLogs").length;
    const before = asked();
    await expect.poll(asked, { interval: 5 }).toBeGreaterThan(before + 2);
    expect(journal.blocks.at(-1)?.number).toBe(0);
    chain.unindexed.clear();
    expect(await synced()).toEqual(topics("a", "b"));
  });

  test("waits for a node that has not yet the logs of its newest block, however far it has to catch up", async () => {
    chain.mine(...Array.from({ length: 100 }, (_, index) => [`event ${index}`]));
    const block = chain.blocks.at(-1)!;
    chain.unindexed.add(block.hash);
    await follow();
    const asked = (): number => chain.calls.filter((method) => method === "eth_getLogs").length;
    await expect.poll(asked, { interval: 5 }).toBeGreaterThan(5);
    expect(journal.blocks.at(-1)?.number).toBeLessThan(block.number);
    chain.unindexed.clear();
    expect(await synced()).toEqual(topics(...chain.blocks.map((_, index) => `event ${index}`)));
  });

  test("asks for fewer blocks at once where a server refuses so many", async () => {
    const names = Array.from({ length: 300 }, (_, index) => `event ${index}`);
    chain.mine(...names.map((name) => [name]));
    chain.widestRange = 50;
    await follow();
    expect(await synced()).toEqual(topics(...names));
  });

  test("takes a server of another chain for away, not for a reorg to the beginning", async () => {
    const other = new FakeChain();
    other.chainId = 2;
    other.mine(["x"], ["y"], ["z"], ["u"]);
    chain.mine(["a"], ["b"]);
    await follow({ others: [other] });
    await synced();
    chain.down = true;
    const seen = other.calls.length;
    await expect.poll(() => other.calls.length, { interval: 5 }).toBeGreaterThan(seen + 4);
    expect(journal.rollbacks).toEqual([]);
    chain.down = false;
    chain.mine(["c"]);
    expect(await synced()).toEqual(topics("a", "b", "c"));
    await Promise.all(sources.splice(0).map((source) => source.stop()));
    await other.close();
  });

  test("is stalled when it has not got as far as the chain for half a minute, whatever the server answers", async () => {
    const further = (): Promise<unknown> => {
      const seen = chain.calls.length;
      return expect.poll(() => chain.calls.length, { interval: 5 }).toBeGreaterThan(seen + 4);
    };
    clock = 1_000;
    chain.mine(["a"], ["b"]);
    const source = await follow();
    expect(source.isStalled).toBe(true);
    await expect.poll(() => source.isStalled, { interval: 5 }).toBe(false);
    // No block comes, and that is the chain's affair.
    clock = 100_000;
    await expect.poll(() => source.isStalled, { interval: 5 }).toBe(false);
    // A server that has lost its blocks answers, and tells nothing.
    chain.blocks.length = 1;
    await further();
    clock = 130_000;
    await further();
    expect(source.isStalled).toBe(false);
    clock = 130_001;
    expect(source.isStalled).toBe(true);
    chain.mine(["c"], ["d"]);
    await expect.poll(() => source.isStalled, { interval: 5 }).toBe(false);
  });

  test("is not held up by a bloom filter that contains the contract by chance", async () => {
    chain.foreign.set(topicOf("somebody else's"), STRANGER);
    chain.mine(["a"], ["somebody else's"], ["b"], ["somebody else's"]);
    await follow();
    expect(await synced()).toEqual(topics("a", "b"));
    expect(journal.blocks.at(-1)?.number).toBe(3);
  });

  describe("on a chain whose bloom filters contain the contract all the time", () => {
    const asked = (): number => chain.calls.filter((method) => method === "eth_getLogs").length;
    const RARE: Hex = `0x${"7a".repeat(20)}`;

    /** Follows it until a busy contract is known. */
    beforeEach(async () => {
      chain.foreign.set(topicOf("busy"), STRANGER).set(topicOf("rare"), RARE);
      chain.mine(["busy", "rare", "rare"]);
      await follow();
      await synced();
      expect(asked()).toBe(2);
      chain.mine(["busy"]);
      await synced();
      chain.calls.length = 0;
      chain.headers.length = 0;
    });

    test("asks once for the logs of a new block, and not again for the block", async () => {
      chain.mine(["busy"]);
      await synced();
      chain.mine(["a", "busy"]);
      expect(await synced()).toEqual(topics("a"));
      expect(asked()).toBe(2);
      expect(chain.headers).toEqual([]);
    });

    test("asks once for the logs of several blocks", async () => {
      chain.mine(["busy"], ["b", "rare"], ["busy"]);
      expect(await synced()).toEqual(topics("b"));
      expect(asked()).toBe(1);
    });

    test("asks for all the logs of a block in which the busy contract was idle", async () => {
      chain.mine(["rare"]);
      expect(await synced()).toEqual([]);
      expect(asked()).toBe(2);
    });

    test("waits for the logs of a block of which the node has none yet", async () => {
      chain.mine(["a", "busy"]);
      const block = chain.blocks.at(-1)!;
      chain.unindexed.add(block.hash);
      await expect.poll(asked, { interval: 5 }).toBeGreaterThan(2);
      expect(journal.blocks.at(-1)?.number).toBe(block.number - 1);
      chain.unindexed.clear();
      expect(await synced()).toEqual(topics("a"));
    });
  });

  test.for(["eth_getLogs", "eth_getBlockByNumber"])(
    "is not fooled by a reorg in the middle of %s",
    async (method) => {
      chain.mine(["a"], ["b"], ["c"], ["d"]);
      let calls = 0;
      chain.onCall = (called) => {
        if (called === method) {
          calls += 1;
          if (calls === 2 || (method === "eth_getLogs" && calls === 1)) {
            chain.reorg(2);
            chain.mine(["x"], ["y"], ["z"]);
          }
        }
      };
      await follow();
      await synced();
      chain.onCall = () => undefined;
      chain.mine(["end"]);
      const events = await synced();
      expect(events).toEqual(chain.blocks.flatMap(({ logs }) => logs));
    },
  );

  test("goes on after an outage where it left off", async () => {
    chain.mine(["a"]);
    await follow();
    await synced();
    chain.down = true;
    chain.mine(["b"], ["c"]);
    chain.down = false;
    expect(await synced()).toEqual(topics("a", "b", "c"));
  });

  test("continues from the stored cursor after a restart", async () => {
    chain.mine(["a"], ["b"]);
    const first = await follow();
    await synced();
    await first.stop();
    await chain.close();
    chain.mine(["c"]);
    await follow();
    expect(await synced()).toEqual(topics("a", "b", "c"));
  });

  test("while another process writes the journal, it follows the head and counts as settled only what is written", async () => {
    chain.mine(["a"], ["b"], ["c"], ["d"]);
    journal.ours = false;
    journal.blocks = chain.blocks.slice(0, 2).map(({ hash }, number) => ({ number, hash }));
    const source = await follow();
    await expect.poll(() => source.head?.latest.number, { interval: 5 }).toBe(3);
    expect(source.head?.settledNumber).toBe(1);
    chain.mine(["e"]);
    await expect.poll(() => source.head?.latest.number, { interval: 5 }).toBe(4);
    expect(journal.events).toEqual([]);
    journal.ours = true;
    expect(await synced()).toEqual(topics("c", "d", "e"));
    expect(source.head?.settledNumber).toBe(4);
  });
});
