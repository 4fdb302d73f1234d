import { expect, test } from "vitest";
import type { TransactionSigner } from "../../../oracle/chain/signing/transaction-signer.ts";
import type { OpenTransaction } from "../../../oracle/store/transactions/transaction.ts";
import { KeyLoads } from "../../../oracle/transmitter/key-loads.ts";
import type { Hex } from "../../../protocol/bytes.ts";

const RICH: Hex = `0x${"a1".repeat(20)}`;
const POOR: Hex = `0x${"a2".repeat(20)}`;
const BALANCES: ReadonlyMap<Hex, bigint> = new Map([
  [RICH, 1_000n],
  [POOR, 150n],
]);
const SIGNERS = [RICH, POOR].map((address) => ({ address }) as TransactionSigner);

/** It may cost 100. */
const OF_RICH: OpenTransaction = {
  ...{ id: 1, signer: RICH, nonce: 0, kind: "other", gasLimit: 10, feeCap: undefined, sentAt: 0 },
  attempts: [
    { hash: "0x", maxFee: 5n, priorityFee: 0n },
    { hash: "0x", maxFee: 10n, priorityFee: 0n },
  ],
};

function loads(pending: readonly OpenTransaction[], maxInFlight = 3): KeyLoads {
  const covers = (address: Hex, amount: bigint): boolean => (BALANCES.get(address) ?? 0n) >= amount;
  return new KeyLoads({ pending, funds: { covers }, maxInFlight });
}

test("chooses the key that has least in flight", () => {
  expect(loads([OF_RICH]).leastLoaded(SIGNERS, 100n)?.address).toBe(POOR);
  expect(loads([]).leastLoaded(SIGNERS, 100n)?.address).toBe(RICH);
});

test("chooses no key that cannot pay besides what it has in flight", () => {
  const given = loads([OF_RICH]);
  given.add(POOR, 100n);
  given.add(RICH, 100n);
  expect(given.leastLoaded(SIGNERS, 100n)?.address).toBe(RICH);
  expect(given.leastLoaded(SIGNERS, 801n)).toBeUndefined();
  expect(given.leastLoaded(SIGNERS, 800n)?.address).toBe(RICH);
});

test("chooses no key that has as many in flight as it may", () => {
  const given = loads([OF_RICH], 1);
  given.add(POOR, 1n);
  expect(given.leastLoaded(SIGNERS, 1n)).toBeUndefined();
});
