import { beforeEach, expect, test } from "vitest";
import type { RpcEndpoint } from "../../../oracle/chain/rpc-endpoint.ts";
import type { RpcPool } from "../../../oracle/chain/rpc-pool.ts";
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
let funds: Funds;

beforeEach(() => {
  balances = new Map([
    [RICH, 10n ** 18n],
    [POOR, FLOOR - 1n],
  ]);
  reachable = true;
  now = 0;
  events = [];
  const endpoint = {
    name: "fake",
    send: (calls: readonly { params: readonly unknown[] }[]) => {
      if (!reachable) {
        throw new ChainError({ code: "CHAIN_RPC_UNAVAILABLE", message: "as the test wants" });
      }
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
        const { event, address } = JSON.parse(line) as { event: string; address: string };
        events.push(`${event} ${address}`);
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
