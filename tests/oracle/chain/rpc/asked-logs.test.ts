import { expect, test } from "vitest";
import { askedLogs } from "../../../../oracle/chain/rpc/asked-logs.ts";
import type { Log } from "../../../../oracle/chain/rpc/block.ts";
import type { Hex } from "../../../../protocol/bytes.ts";

const word = (value: number): Hex => `0x${value.toString(16).padStart(64, "0")}`;
const ADDRESS: Hex = `0x${"ab".repeat(20)}`;
const ASKED: Log = {
  ...{
    address: ADDRESS,
    topics: [word(1), word(2), word(3)],
    data: "0x",
    blockNumber: 7,
    blockHash: word(7),
  },
  ...{ transactionHash: word(8), logIndex: 0 },
};
const FILTER = {
  address: `0x${"AB".repeat(20)}`,
  topics: [word(1), null, [word(9), word(3)]],
  fromBlock: "0x5",
  toBlock: "0x7",
};

test.for<[string, Partial<Log>]>([
  ["of another contract", { address: `0x${"cd".repeat(20)}` }],
  ["of another event", { topics: [word(4), word(2), word(3)] }],
  ["of none of several topics", { topics: [word(1), word(2), word(4)] }],
  ["with fewer topics", { topics: [word(1), word(2)] }],
  ["before the blocks", { blockNumber: 4 }],
  ["after the blocks", { blockNumber: 8 }],
  ["that was removed", { removed: true }],
])("a log %s was not asked for", ([, change]) => {
  expect(askedLogs([{ ...ASKED, ...change }, ASKED], FILTER)).toEqual([ASKED]);
});

test("names of blocks, and topics that are not named, bound nothing", () => {
  const filter = { address: ADDRESS, fromBlock: "earliest", toBlock: "latest" };
  expect(askedLogs([ASKED], filter)).toEqual([ASKED]);
});
