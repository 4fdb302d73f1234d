/** What a node does by itself to stay able to serve: renews its admissions, and stops where it could not be repaid. */

import { Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { ask, type TestChain, TRANSMITTER_KEYS, until, untilSettled } from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";

/** As the test chain's policy has it. */
const VALIDITY_SECONDS = 86_400;
const RENEW_BEFORE_SECONDS = 3_600;
const TRANSMITTER = new Wallet(TRANSMITTER_KEYS[0] ?? "").address.toLowerCase();

let bed: Testbed;
let chain: TestChain;
let enclave: StandInEnclave;
let oracle: OracleProcess;

beforeAll(async () => {
  bed = await startTestbed();
  ({ chain, enclave } = bed);
  oracle = await bed.startNode({ chainChange: { renewBeforeSeconds: RENEW_BEFORE_SECONDS } });
  await bed.untilAdmitted();
});

afterAll(() => bed.stop());

async function expiries(): Promise<bigint[]> {
  const events = await chain.registry.queryFilter(chain.registry.filters.EnclaveAdmitted(), 0);
  return events.map(({ args }) => args.expiresAt);
}

interface Health {
  readonly status: string;
  readonly chains: readonly { readonly keysUsable: number; readonly keysLowOnFunds: readonly string[] }[];
}

const health = async (): Promise<Health> => (await (await fetch(`${oracle.url}/v1/health`)).json()) as Health;
const isLogged = (event: string): Promise<true | undefined> =>
  Promise.resolve(oracle.log().includes(`"event":"${event}"`) ? true : undefined);

describe("a node", { timeout: 90_000 }, () => {
  test("sends nothing and calls no model with a key that is low on funds, says so, and goes on when it is funded", async () => {
    await chain.rpc("anvil_setBalance", TRANSMITTER, "0x1");
    await until("the log line", () => isLogged("funds.low"));
    expect(await health()).toMatchObject({
      status: "degraded",
      chains: [{ keysUsable: 0, keysLowOnFunds: [TRANSMITTER] }],
    });
    const { requestId } = await ask(chain);
    await until("the node's decision", () =>
      Promise.resolve(
        oracle
          .log()
          .split("\n")
          .some((line) => line.includes(requestId) && line.includes('"reason":"funds-low"'))
          ? true
          : undefined,
      ),
    );
    expect(enclave.calls.has(requestId)).toBe(false);
    await chain.rpc("anvil_setBalance", TRANSMITTER, "0xde0b6b3a7640000");
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 1, status: 1 });
    expect(enclave.calls.get(requestId)).toBe(1);
    expect(await health()).toMatchObject({ status: "ok", chains: [{ keysUsable: 1, keysLowOnFunds: [] }] });
  });

  test("renews an admission before it ends, so that no request waits for it", async () => {
    const [first] = await expiries();
    await chain.rpc("evm_increaseTime", VALIDITY_SECONDS - 2 * RENEW_BEFORE_SECONDS);
    await chain.rpc("evm_mine");
    const early = await ask(chain);
    await untilSettled(chain, early.requestId);
    expect(await expiries()).toHaveLength(1);
    await chain.rpc("evm_increaseTime", RENEW_BEFORE_SECONDS);
    await chain.rpc("evm_mine");
    const [, renewed] = await until("the renewal", async () => {
      const all = await expiries();
      return all.length > 1 ? all : undefined;
    });
    expect(renewed).toBeGreaterThan((first ?? 0n) + BigInt(VALIDITY_SECONDS - 2 * RENEW_BEFORE_SECONDS));
    await chain.rpc("evm_increaseTime", 2 * RENEW_BEFORE_SECONDS);
    await chain.rpc("evm_mine");
    const late = await ask(chain);
    expect(await untilSettled(chain, late.requestId)).toMatchObject({ fulfilled: 1, status: 1 });
    expect(await expiries()).toHaveLength(2);
    expect(await isLogged("enclave.not-admitted")).toBeUndefined();
  });
});
