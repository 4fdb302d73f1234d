import { expect, test } from "vitest";
import { FoundReceipt } from "../../../../oracle/chain/rpc/block.ts";

const word = (value: number): string => `0x${value.toString(16).padStart(64, "0")}`;
const RECEIPT = { transactionHash: word(1), blockNumber: "0x2", blockHash: word(2), gasUsed: "0x5208" };

test.for<[string, unknown, object | null]>([
  ["none", null, null],
  ["one of no block", { ...RECEIPT, blockNumber: null, blockHash: null }, null],
  ["one without a status", RECEIPT, { blockNumber: 2 }],
  ["one whose status is null", { ...RECEIPT, status: null }, { blockNumber: 2 }],
  ["one with zeros before its status", { ...RECEIPT, status: "0x01" }, { status: 1 }],
])("%s is read: it must not make its server an outage", ([, reply, expected]) => {
  const receipt = FoundReceipt.parse(reply);
  if (expected === null) expect(receipt).toBeNull();
  else expect(receipt).toMatchObject(expected);
});
