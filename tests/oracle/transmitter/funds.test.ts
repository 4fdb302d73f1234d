import { beforeEach, expect, test } from "vitest";
import type { RpcEndpoint } from "../../../oracle/chain/rpc/rpc-endpoint.ts";
import type { RpcPool } from "../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../oracle/log.ts";
import { Funds } from "../../../oracle/transmitter/funds.ts";
import { ChainError } from "../../../protocol/errors.ts";
import type { Hex } from "../../../protocol/bytes.ts";

const FLOOR = 10n ** 16n;
const RICH: Hex = `0x${"a1".repeat(20)}`;
const POOR: Hex = `0x${"a2".repeat(20)}`;

let balances: Map<Hex, bigint>;
let reachable: boolean;
let now: number;
let events: string[];
let needed: (string | undefined)[];
let funds: Funds;

beforeEach(() => {
  balances = new Map([
    [RICH, 10n ** 18n],
    [POOR, FLOOR - 1n],
  ]);
  reachable = true;
  now = 0;
  [events, needed] = [[], []];
  const endpoint = {
    name: "fake",
    send: (calls: readonly { params: readonly unknown[] }[]) => {
      if (!reachable) throw new ChainError({ code: "CHAIN_RPC_UNAVAILABLE", message: "as the test wants" });
      return Promise.resolve(
        calls.map(({ params: [address] }) => ({
          ok: true,
          result: `0x${(balances.get(address as Hex) ?? 0n).toString(16)}`,
        })),
      );
    },
  } as unknown as RpcEndpoint;
  funds = new Funds({
    chainId: 1,
    rpc: { use: (work: (used: RpcEndpoint) => unknown) => work(endpoint) } as unknown as RpcPool,
    addresses: [RICH, POOR],
    floor: FLOOR,
    log: createLogger({
      level: "info",
      write: (line) => {
        const said = JSON.parse(line) as { event: string; address: string; needed?: string };
        events.push(`${said.event} ${said.address}`);
        needed.push(said.needed);
      },
      now: () => now,
    }),
    now: () => now,
  });
});

test("uses no key before its balance is known", () => {
  expect(funds.hasUsable()).toBe(false);
  expect(funds.keys).toMatchObject([{ balance: null }, { balance: null }]);
});

test("uses the keys at or above the floor, and says once which are below", async () => {
  await funds.refresh();
  expect([RICH, POOR].map((address) => funds.isUsable(address))).toEqual([true, false]);
  balances.set(POOR, FLOOR - 2n);
  now += 10_000;
  await funds.refresh();
  expect(events).toEqual([`funds.low ${POOR}`]);
});

test("stops using a key that runs low, resumes when it is funded, and says both", async () => {
  await funds.refresh();
  balances.set(RICH, 0n);
  now += 10_000;
  expect(await funds.refresh()).toBe(false);
  expect(funds.hasUsable()).toBe(false);
  balances.set(POOR, FLOOR);
  now += 1_000;
  expect(await funds.refresh()).toBe(true);
  expect(funds.isUsable(POOR)).toBe(true);
  expect(events).toEqual([`funds.low ${POOR}`, `funds.low ${RICH}`, `funds.restored ${POOR}`]);
});

test("keeps what it knew while the chain cannot be asked", async () => {
  await funds.refresh();
  reachable = false;
  now += 10_000;
  await expect(funds.refresh()).rejects.toMatchObject({ code: "CHAIN_RPC_UNAVAILABLE" });
  expect(funds.isUsable(RICH)).toBe(true);
});

test("uses no key with less than it was told that the key needs, and says how much that is", async () => {
  balances.delete(POOR);
  await funds.refresh();
  funds.require(RICH, 10n ** 18n + 1n);
  expect(funds.hasUsable()).toBe(false);
  expect(needed).toEqual([String(FLOOR), String(10n ** 18n + 1n)]);
  balances.set(RICH, 10n ** 18n + 1n);
  // At once: what was known of the balance may be old.
  expect(await funds.refresh()).toBe(true);
  expect(funds.isUsable(RICH)).toBe(true);
  expect(events).toEqual([`funds.low ${POOR}`, `funds.low ${RICH}`, `funds.restored ${RICH}`]);
});

test("says again what a key needs when that has doubled, and uses it again when it needs it no more", async () => {
  await funds.refresh();
  for (const ether of [2n, 3n, 4n, 4n]) funds.require(RICH, ether * 10n ** 18n);
  expect(needed.slice(1)).toEqual([String(2n * 10n ** 18n), String(4n * 10n ** 18n)]);
  funds.require(RICH, 0n);
  expect(funds.isUsable(RICH)).toBe(true);
  expect(events.at(-1)).toBe(`funds.restored ${RICH}`);
});
