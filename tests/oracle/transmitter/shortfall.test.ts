import { beforeEach, expect, test } from "vitest";
import type { OpenTransaction } from "../../../oracle/store/transactions/transaction.ts";
import { Shortfall } from "../../../oracle/transmitter/shortfall.ts";
import { ChainError } from "../../../protocol/errors.ts";
import type { Hex } from "../../../protocol/bytes.ts";

const OURS: Hex = `0x${"a1".repeat(20)}`;
const OTHER: Hex = `0x${"a2".repeat(20)}`;
const REFUSED = new ChainError({ code: "CHAIN_FUNDS_LOW", message: "as the test wants" });
const UNAVAILABLE = new ChainError({ code: "CHAIN_RPC_UNAVAILABLE", message: "as the test wants" });
const UNDERPRICED = new ChainError({ code: "CHAIN_UNDERPRICED", message: "as the test wants" });

/** It may cost 10 times its id. */
function transaction(id: number, signer: Hex): OpenTransaction {
  const attempts = [{ hash: "0x" as const, maxFee: BigInt(id), priorityFee: 0n }];
  return { id, signer, nonce: id, kind: "other", gasLimit: 10, feeCap: undefined, sentAt: 0, attempts };
}

const PENDING = [transaction(1, OURS), transaction(2, OTHER), transaction(3, OURS), transaction(4, OURS)];

let required: Map<Hex, bigint>;
let shortfall: Shortfall;

beforeEach(() => {
  required = new Map();
  shortfall = new Shortfall({
    require: (address, amount) => {
      required.set(address, amount);
    },
  });
});

test("a key needs what its refused transaction may cost, and those before it", () => {
  shortfall.note(3, REFUSED);
  shortfall.tell(PENDING, [OURS, OTHER]);
  expect([required.get(OURS), required.get(OTHER)]).toEqual([40n, 0n]);
});

test.each([
  ["taken", undefined, false],
  ["refused for another reason", UNDERPRICED, false],
  ["sent to a server that is away", UNAVAILABLE, true],
])("one that is %s then", (_, error, isStillRefused) => {
  shortfall.note(3, REFUSED);
  shortfall.note(3, error);
  expect(shortfall.isRefused(3)).toBe(isStillRefused);
  expect(shortfall.lacking(PENDING, OURS)).toBe(isStillRefused ? 40n : 0n);
});

test("what is in flight no more needs nothing", () => {
  shortfall.note(3, REFUSED);
  shortfall.tell([transaction(4, OURS)], [OURS]);
  expect(required.get(OURS)).toBe(0n);
  expect(shortfall.isRefused(3)).toBe(false);
});

test("what is due and cannot be paid is needed by every key, where nothing more is", () => {
  shortfall.note(4, REFUSED);
  shortfall.noteDue(50n);
  shortfall.tell(PENDING, [OURS, OTHER]);
  expect([required.get(OURS), required.get(OTHER)]).toEqual([80n, 50n]);
  shortfall.noteDue(undefined);
  shortfall.tell(PENDING, [OURS, OTHER]);
  expect([required.get(OURS), required.get(OTHER)]).toEqual([80n, 0n]);
});
