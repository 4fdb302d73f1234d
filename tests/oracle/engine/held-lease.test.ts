import { expect, test } from "vitest";
import { HeldLease } from "../../../oracle/engine/held-lease.ts";
import { createLogger } from "../../../oracle/log.ts";
import type { Store } from "../../../oracle/store/store.ts";
import { describeStores, useStore } from "../support/stores.ts";
import { wallClockMs } from "../support/wall-clock.ts";

const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
/** Short: the tests wait for leases to run out. */
const LEASE_MS = 400;
/** Thirty of them are renewed by one thread. */
const MANY_LEASES_MS = 4_000;
const POLL = { interval: 10, timeout: 30_000 };

describeStores("a lease that a process holds", (create) => {
  let store: Store;

  useStore(create, (opened) => {
    store = opened;
  });

  function hold(
    name: string,
    holder: string,
    isFit: () => boolean = () => true,
    leaseMs = LEASE_MS,
  ): HeldLease {
    return new HeldLease({
      store,
      name,
      holder,
      leaseMs,
      isFit,
      onTaken: () => undefined,
      log,
      now: wallClockMs,
    });
  }

  const write = (lease: HeldLease): Promise<void> =>
    store.db.transaction().execute((trx) => lease.require(trx));

  test("goes to another when its process can do the work no longer, and comes back as a new term", async () => {
    let firstIsFit = true;
    let secondIsFit = false;
    const first = hold("chain:1", "first", () => firstIsFit);
    await expect.poll(() => first.isHeld(), POLL).toBe(true);
    expect(first.term).toBe(1);
    await write(first);
    const second = hold("chain:1", "second", () => secondIsFit);
    secondIsFit = true;
    firstIsFit = false;
    await expect.poll(() => second.isHeld(), POLL).toBe(true);
    expect(first.isHeld()).toBe(false);
    await expect(write(first)).rejects.toMatchObject({ code: "CHAIN_RPC_DISAGREEMENT" });
    firstIsFit = true;
    await second.stop();
    await expect.poll(() => first.isHeld(), POLL).toBe(true);
    expect(first.term).toBe(2);
    await first.stop();
  });

  test("is spread over the processes that could hold it, and handed over when one comes or goes", async () => {
    const names = Array.from({ length: 10 }, (_, index) => `chain:${100 + index}`);
    const node = (holder: string): HeldLease[] =>
      names.map((name) => hold(name, holder, () => true, MANY_LEASES_MS));
    const held = (leases: readonly HeldLease[]): number => leases.filter((one) => one.isHeld()).length;
    const first = node("first");
    await expect.poll(() => held(first), POLL).toBe(10);
    const second = node("second");
    const third = node("third");
    const counts = (): number[] => [first, second, third].map(held);
    await expect.poll(() => counts().every((count) => count > 0 && count < 7), POLL).toBe(true);
    await expect.poll(() => counts().reduce((sum, count) => sum + count), POLL).toBe(10);
    expect(first.map(({ follower }) => follower)).not.toContain("nobody");
    await Promise.all([...second, ...third].map((lease) => lease.stop()));
    await expect.poll(() => held(first), POLL).toBe(10);
    await Promise.all(first.map((lease) => lease.stop()));
  });

  test("given back, it is free at once", async () => {
    const first = hold("chain:2", "first");
    await expect.poll(() => first.isHeld(), POLL).toBe(true);
    await first.stop();
    expect(first.isHeld()).toBe(false);
    const second = hold("chain:2", "second");
    await expect.poll(() => second.isHeld(), POLL).toBe(true);
    await second.stop();
  });
});
