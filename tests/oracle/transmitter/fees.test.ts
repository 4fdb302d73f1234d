import { expect, test } from "vitest";
import { type Fees, raiseFees } from "../../../oracle/transmitter/fees.ts";

const GWEI = 10n ** 9n;
const gwei = (maxFee: number, priorityFee: number): Fees => ({
  maxFee: BigInt(Math.round(maxFee * 1e9)),
  priorityFee: BigInt(Math.round(priorityFee * 1e9)),
});

/** Raises for as long as it may be raised, at an unchanged market. */
function raiseOften(first: Fees, market: Fees, baseFee: bigint): Fees {
  let last = first;
  for (let round = 0; round < 60; round += 1) {
    const raised = raiseFees(last, market, { baseFee, cap: 500n * GWEI });
    if (raised === undefined) return last;
    last = raised;
  }
  return last;
}

test.for([
  ["2 gwei, where the base fee is below", 0.01, 1, 2],
  ["as much as the base fee", 30, 10, 30],
  ["what the market asks for", 0.01, 25, 25],
] as const)(
  "a tip is raised up to %s, and no further however long nobody mines it",
  ([, base, tip, most]) => {
    const baseFee = BigInt(Math.round(base * 1e9));
    const market = gwei(2 * base + tip, tip);
    const { priorityFee } = raiseOften(market, market, baseFee);
    expect(Number(priorityFee) / 1e9).toBeLessThanOrEqual(most);
    expect(Number(priorityFee) / 1e9).toBeGreaterThan(most / 1.13);
  },
);

test("what the base fee has outgrown is raised, whatever its tip: a replacement without a higher one is refused", () => {
  const last = gwei(3, 2);
  const raised = raiseFees(last, gwei(10, 1), { baseFee: 4n * GWEI, cap: 500n * GWEI });
  expect(raised).toEqual({ maxFee: 10n * GWEI, priorityFee: 2_250_000_001n });
});

test("nothing is raised above its cap", () => {
  expect(raiseFees(gwei(3, 1), gwei(3, 1), { baseFee: GWEI, cap: 3n * GWEI })).toBeUndefined();
});
