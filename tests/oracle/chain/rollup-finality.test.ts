/** When a rollup's block counts, by its servers' documented replies to the names of blocks. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ChainHead, ChainSource } from "../../../oracle/chain/chain-source.ts";
import { RpcEndpoint } from "../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../oracle/log.ts";
import { FakeChain, WATCHED } from "../support/fake-chain.ts";
import { MemoryJournal } from "../support/memory-journal.ts";
import { ARBITRUM_BLOCK, OP_BLOCK } from "../support/rollup-replies.ts";
import { tapRpc } from "../support/rpc-tap.ts";

const POLL = { interval: 5, timeout: 20_000 };
const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
const toHex = (number: number): string => `0x${number.toString(16)}`;

let chain: FakeChain;
let journal: MemoryJournal;
let heads: ChainHead[];
let stops: (() => Promise<void>)[];
/** What the server has by this name: a height, or an error. */
let finalized: number | { readonly error: object };

beforeEach(() => {
  chain = new FakeChain();
  journal = new MemoryJournal();
  [heads, stops] = [[], []];
});

afterEach(async () => {
  for (const stop of stops) await stop();
  await chain.close();
});

/** Blocks with all the fields that the stack's have, of the fake chain's heights and hashes. */
async function follow(shape: object, confirmations: number | "finalized"): Promise<ChainSource> {
  const tap = await tapRpc({
    behind: await chain.listen(),
    answer: async ({ method, params: [tag], id }, ask) => {
      if (method !== "eth_getBlockByNumber") return undefined;
      if (tag === "finalized" && typeof finalized !== "number") return finalized;
      const height = tag === "finalized" ? toHex(finalized as number) : tag;
      const { result } = await ask({ id, method, params: [height, false] });
      return { result: result === null ? null : { ...shape, ...(result as object) } };
    },
  });
  const endpoint = new RpcEndpoint({ url: tap.url, timeoutMs: 5_000, log, now: () => 0 });
  const source = new ChainSource({
    ...{
      chainId: 1,
      journal,
      log,
      addresses: [WATCHED],
      fromBlock: 0,
      confirmations,
      pollMs: 5,
      maxRange: 1_000,
    },
    rpc: new RpcPool({ endpoints: [endpoint], log, now: () => 0 }),
    onHead: (head) => heads.push(head),
    now: () => 0,
  });
  stops.push(
    () => source.stop(),
    () => tap.close(),
  );
  return source;
}

const settled = (): number | undefined => heads.at(-1)?.settledNumber;
const mine = (blocks: number): void => {
  chain.mine(...Array.from({ length: blocks }, () => []));
};

describe.for([
  ["Arbitrum", ARBITRUM_BLOCK],
  ["the OP Stack", OP_BLOCK],
] as const)("on %s", ([, shape]) => {
  test("a block counts once the parent chain has finalised it, and not by what the sequencer says alone", async () => {
    mine(50);
    finalized = 20;
    await follow(shape, "finalized");
    await expect.poll(settled, POLL).toBe(20);
    finalized = 30;
    mine(1);
    await expect.poll(settled, POLL).toBe(30);
  });

  test("with no confirmations the sequencer's word counts at once", async () => {
    mine(50);
    await follow(shape, 0);
    await expect.poll(settled, POLL).toBe(49);
  });

  test("a finalised block that its server has not got yet counts as far as the head", async () => {
    mine(50);
    finalized = 49;
    await follow(shape, "finalized");
    await expect.poll(settled, POLL).toBe(49);
    expect(heads.every(({ latest, settledNumber }) => settledNumber <= latest.number)).toBe(true);
  });

  test("what the sequencer takes back above the finalised block is followed, and below it stops the chain", async () => {
    mine(50);
    finalized = 20;
    const source = await follow(shape, "finalized");
    await expect.poll(() => journal.blocks.at(-1)?.number, POLL).toBe(49);
    chain.reorg(25);
    mine(26);
    await expect.poll(() => journal.blocks.at(-1)?.hash, POLL).toBe(chain.blocks.at(-1)?.hash);
    expect(source.deepestReorg).toBe(25);
    chain.reorg(40);
    mine(41);
    await expect.poll(() => source.violation, POLL).toMatchObject({ settled: 20 });
  });

  test("a server that follows no parent chain is told from one that is away", async () => {
    mine(50);
    finalized = { error: { code: -32_000, message: "finalized block not found" } };
    const source = await follow(shape, "finalized");
    await expect.poll(settled, POLL).toBe(0);
    expect([source.knowsFinality, source.isStalled]).toEqual([false, false]);
  });
});
