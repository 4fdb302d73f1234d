import { expect, test } from "vitest";
import type { BlockHeader, Log } from "../../../oracle/chain/rpc/block.ts";
import { BusyContracts } from "../../../oracle/chain/busy-contracts.ts";
import type { Hex } from "../../../protocol/bytes.ts";

const addressOf = (name: number): Hex => `0x${name.toString(16).padStart(40, "0")}`;
const [A, B, C] = [addressOf(1), addressOf(2), addressOf(3)];
const logsOf = (...addresses: readonly Hex[]): Log[] =>
  addresses.map((address, logIndex) => ({
    ...{ address, topics: [], data: "0x", blockNumber: 1, blockHash: "0x", transactionHash: "0x" },
    logIndex,
  }));
const block = (logsBloom?: Hex): BlockHeader => ({
  ...{ number: 1, hash: "0x", parentHash: "0x", timestamp: 0 },
  logsBloom,
});
const FULL = block(`0x${"ff".repeat(256)}`);
const EMPTY = block(`0x${"00".repeat(256)}`);

test("no contract is busy before a block was looked at", () => {
  expect(new BusyContracts().find([FULL])).toBeUndefined();
});

test("the busy contract with the fewest events is asked for", () => {
  const busy = new BusyContracts();
  busy.learn(logsOf(A, A, B, A));
  expect(busy.find([FULL])).toBe(B);
});

test("only those that every block had events of stay", () => {
  const busy = new BusyContracts();
  busy.learn(logsOf(A, B, C, C));
  busy.learn(logsOf(A, A, A, C, C));
  expect(busy.find([FULL])).toBe(C);
  busy.learn(logsOf(A));
  expect(busy.find([FULL])).toBe(A);
});

test("it begins anew when none stays", () => {
  const busy = new BusyContracts();
  busy.learn(logsOf(A));
  busy.learn(logsOf(B));
  expect(busy.find([FULL])).toBe(B);
});

test("none is asked for about blocks that cannot have its events, or do not tell", () => {
  const busy = new BusyContracts();
  busy.learn(logsOf(A));
  expect(busy.find([FULL, EMPTY])).toBeUndefined();
  expect(busy.find([FULL, block()])).toBeUndefined();
});
