import { beforeEach, expect, test } from "vitest";
import { coordinatorInterface } from "../../../oracle/chain/contracts/contracts.ts";
import { RpcEndpoint } from "../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../oracle/log.ts";
import { Earnings } from "../../../oracle/transmitter/earnings.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { tapRpc } from "../support/rpc-tap.ts";

const COORDINATOR: Hex = `0x${"c0".repeat(20)}`;
const [FIRST, SECOND]: [Hex, Hex] = [`0x${"01".repeat(20)}`, `0x${"02".repeat(20)}`];
const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
let now: number;

beforeEach(() => {
  now = 0;
});

test("are what the coordinator owes each payee, once for all enclaves that name it, read once a minute", async () => {
  let owed = 5n;
  const tap = await tapRpc({
    answer: ({ params: [call] }) => {
      const { to, data } = call as { to: Hex; data: Hex };
      const [account] = coordinatorInterface.decodeFunctionData("creditOf", data) as unknown as [string];
      const credit = to === COORDINATOR && account.toLowerCase() === FIRST ? owed : 7n;
      return { result: `0x${credit.toString(16).padStart(64, "0")}` };
    },
  });
  const endpoint = new RpcEndpoint({ url: tap.url, timeoutMs: 5_000, log, now: () => now });
  const rpc = new RpcPool({ endpoints: [endpoint], log, now: () => now });
  const payees = (): Hex[] => [FIRST, SECOND, FIRST];
  const earnings = new Earnings({ rpc, coordinator: COORDINATOR, payees, now: () => now });
  try {
    await earnings.refresh();
    const [first, second] = [
      { payee: FIRST, credit: 5n },
      { payee: SECOND, credit: 7n },
    ];
    expect(earnings.credits).toEqual([first, second]);
    owed = 6n;
    now = 59_999;
    await earnings.refresh();
    expect(earnings.credits).toEqual([first, second]);
    now = 60_000;
    await earnings.refresh();
    expect(earnings.credits).toEqual([{ payee: FIRST, credit: 6n }, second]);
    expect(tap.methods).toHaveLength(4);
    expect(endpoint.traffic).toMatchObject({ exchanges: 2, failures: 0 });
  } finally {
    await tap.close();
  }
  now = 120_000;
  await expect(earnings.refresh()).rejects.toMatchObject({ code: "CHAIN_RPC_UNAVAILABLE" });
  expect(earnings.credits).toHaveLength(2);
  expect(endpoint.traffic).toMatchObject({ exchanges: 3, failures: 1 });
});
