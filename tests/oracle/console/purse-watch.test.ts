import { beforeEach, describe, expect, test } from "vitest";
import { PurseWatch, type Purse } from "../../../oracle/console/purse-watch.ts";

const KEY = `0x${"aa".repeat(20)}`;
const PAYEE = `0x${"bb".repeat(20)}`;
const HOUR_MS = 3_600_000;

describe("what a chain costs and brings", () => {
  let now: number;
  let balance: bigint;
  let credit: bigint;
  let watch: PurseWatch;

  beforeEach(() => {
    now = 0;
    balance = 1_000n;
    credit = 500n;
    const read = (): readonly Purse[] => [
      { chainId: 1, balances: [{ address: KEY, balance }], credits: [{ payee: PAYEE, credit }] },
    ];
    watch = new PurseWatch(read, () => now);
    watch.look();
  });

  const later = (ms: number): void => {
    now += ms;
    watch.look();
  };
  const report = () => watch.report()[0];

  test("a balance that falls is gas, a credit that rises is earned", () => {
    balance = 900n;
    credit = 530n;
    later(HOUR_MS);
    expect(report()).toMatchObject({ spent: 100n, earned: 30n, owed: 530n, watchedMs: HOUR_MS });
  });

  test("a top-up and a withdrawal are neither", () => {
    balance = 5_000n;
    credit = 0n;
    later(HOUR_MS);
    expect(report()).toMatchObject({ spent: 0n, earned: 0n, owed: 0n });
  });

  test("a key lasts as long as its balance at the pace that was seen", () => {
    balance = 900n;
    later(HOUR_MS);
    expect(report()?.keys[0]?.leftSeconds).toBe(9 * 3_600);
  });

  test("no pace is known at first, nor of a key that spends nothing", () => {
    balance = 900n;
    later(1_000);
    expect(report()?.keys[0]?.leftSeconds).toBeNull();
    balance = 1_000n;
    const idle = new PurseWatch(
      () => [{ chainId: 1, balances: [{ address: KEY, balance }], credits: [] }],
      () => now,
    );
    idle.look();
    now += HOUR_MS;
    idle.look();
    expect(idle.report()[0]?.keys[0]?.leftSeconds).toBeNull();
  });

  test("a day is watched: what was spent before counts no more", () => {
    balance = 900n;
    later(HOUR_MS);
    later(25 * HOUR_MS);
    expect(report()).toMatchObject({ spent: 0n, watchedMs: 24 * HOUR_MS });
  });
});
