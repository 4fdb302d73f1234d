import { describe, expect, test } from "vitest";
import type { TransactionSigner } from "../../../oracle/chain/signing/transaction-signer.ts";
import type { OpenTransaction } from "../../../oracle/store/transactions/transaction.ts";
import { isHeldUp, KeyLoads } from "../../../oracle/transmitter/key-loads.ts";
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
  expect(loads([OF_RICH]).choose(SIGNERS, 100n, undefined)?.address).toBe(POOR);
  expect(loads([]).choose(SIGNERS, 100n, undefined)?.address).toBe(RICH);
});

test("chooses no key that cannot pay besides what it has in flight", () => {
  const given = loads([OF_RICH]);
  given.add(POOR, 100n);
  given.add(RICH, 100n);
  expect(given.choose(SIGNERS, 100n, undefined)?.address).toBe(RICH);
  expect(given.choose(SIGNERS, 801n, undefined)).toBeUndefined();
  expect(given.choose(SIGNERS, 800n, undefined)?.address).toBe(RICH);
});

test("chooses no key that has as many in flight as it may", () => {
  const given = loads([OF_RICH], 1);
  given.add(POOR, 1n);
  expect(given.choose(SIGNERS, 1n, undefined)).toBeUndefined();
});

describe("of keys that have as many in flight", () => {
  const EQUAL = Array.from(
    { length: 3 },
    (_, index) => ({ address: `0x${String(index + 1).repeat(40)}` }) as TransactionSigner,
  );
  const requestId = (index: number): Hex => `0x${index.toString(16).padStart(64, "0")}`;
  const choose = (keys: readonly TransactionSigner[], index: number): Hex | undefined =>
    new KeyLoads({ pending: [], funds: { covers: () => true }, maxInFlight: 3 }).choose(
      keys,
      1n,
      requestId(index),
    )?.address;

  test("the request prefers one, the same after every restart and in whatever order they are listed", () => {
    for (let index = 0; index < 50; index += 1)
      expect(choose(EQUAL.toReversed(), index)).toBe(choose(EQUAL, index));
  });

  test("each has about its share, and one that goes moves its own requests alone", () => {
    const requests = Array.from({ length: 600 }, (_, index) => index);
    const chosen = requests.map((index) => choose(EQUAL, index));
    for (const { address } of EQUAL) {
      const share = chosen.filter((one) => one === address).length;
      expect(share).toBeGreaterThan(150);
      expect(share).toBeLessThan(250);
    }
    const [gone, ...left] = EQUAL;
    for (const index of requests)
      if (chosen[index] !== gone?.address) expect(choose(left, index)).toBe(chosen[index]);
  });
});

describe("a key is held up", () => {
  const { attempts } = OF_RICH;
  const later = { ...OF_RICH, id: 2, nonce: 1, attempts: attempts.slice(0, 1) };

  test("while its next nonce was offered again, and not for what comes later", () => {
    expect(isHeldUp([later, OF_RICH], RICH)).toBe(true);
    expect(isHeldUp([later], RICH)).toBe(false);
    expect(
      isHeldUp(
        [
          { ...later, attempts },
          { ...OF_RICH, attempts: later.attempts },
        ],
        RICH,
      ),
    ).toBe(false);
  });

  test("by its own transactions alone", () => {
    expect(isHeldUp([OF_RICH], POOR)).toBe(false);
    expect(isHeldUp([], RICH)).toBe(false);
  });
});
