/** Requests that want the answers of several platforms, from the chain and back. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AnswerStatus } from "../../protocol/answer.ts";
import { fromHex, type Hex, toHex, toUtf8 } from "../../protocol/bytes.ts";
import { Aggregation } from "../../protocol/request.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { ask, outcomeOf, type TestChain, until, untilSettled } from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";

let bed: Testbed;
let chain: TestChain;
let enclaves: readonly StandInEnclave[];
let oracle: OracleProcess;

beforeAll(async () => {
  bed = await startTestbed(["one", "two", "three"]);
  ({ chain, enclaves } = bed);
  oracle = await bed.startNode({ chainChange: { turnSeconds: 3 } });
  await bed.untilAdmitted();
});

afterAll(() => bed.stop());

beforeEach(() => {
  enclaves.forEach((enclave) => {
    enclave.decide = () => ({ status: AnswerStatus.ok });
  });
});

const callsOf = (requestId: Hex): number[] =>
  enclaves.map(({ calls }) => calls.get(requestId) ?? 0).sort((a, b) => b - a);

async function platformsOf(requestId: Hex): Promise<Set<string>> {
  const committed = await chain.coordinator.queryFilter(
    chain.coordinator.filters.QuorumCommitted(requestId),
    0,
  );
  return new Set(committed.flatMap(({ args }) => [...args.platformIds]));
}

const word = (value: number): Hex => `0x${value.toString(16).padStart(64, "0")}`;

describe("a request that wants several platforms", { timeout: 90_000 }, () => {
  test("is settled once with one answer of each of them, whose leaves were committed before any was shown", async () => {
    const { requestId } = await ask(chain, { threshold: 3, aggregation: Aggregation.identical });
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 1, status: AnswerStatus.ok });
    expect(callsOf(requestId)).toEqual([1, 1, 1]);
    expect((await platformsOf(requestId)).size).toBe(3);
    const [committed] = await chain.coordinator.queryFilter(
      chain.coordinator.filters.QuorumCommitted(requestId),
      0,
    );
    const [opened] = await chain.coordinator.queryFilter(
      chain.coordinator.filters.QuorumOpened(requestId),
      0,
    );
    expect([...(opened?.args.leaves ?? [])].sort()).toEqual([...(committed?.args.leaves ?? [])].sort());
    const shown = await opened?.getBlock();
    expect(shown?.timestamp).toBeGreaterThan(Number(committed?.args.windowEndsAt));
    for (const { payee } of enclaves) expect(await chain.coordinator.creditOf(payee)).toBeGreaterThan(0n);
  });

  test("asks no more platforms than it wants", async () => {
    const { requestId } = await ask(chain, { threshold: 2 });
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 1, status: AnswerStatus.ok });
    expect(callsOf(requestId)).toEqual([1, 1, 0]);
  });

  test("is told when they do not agree, and the middle one when it asks for the median", async () => {
    enclaves.forEach((enclave, index) => {
      enclave.decide = () => ({ status: AnswerStatus.ok, output: word(10 * (index + 1)) });
    });
    const differing = await ask(chain, { threshold: 3, aggregation: Aggregation.identical });
    expect(await untilSettled(chain, differing.requestId)).toMatchObject({ fulfilled: 1, status: 8 });
    const median = await ask(chain, { threshold: 3, aggregation: Aggregation.median });
    expect(await untilSettled(chain, median.requestId)).toMatchObject({
      fulfilled: 1,
      status: AnswerStatus.ok,
    });
    const [settled] = await chain.coordinator.queryFilter(
      chain.coordinator.filters.Fulfilled(median.requestId),
      0,
    );
    expect(settled?.args.outputHash).toBe(keccak(fromHex(word(20))));
  });

  test("gets a result also where the enclaves refuse to answer alike", async () => {
    enclaves.forEach((enclave) => {
      enclave.decide = () => ({ status: AnswerStatus.refused, output: toHex(toUtf8("")) });
    });
    const { requestId } = await ask(chain, { threshold: 2, aggregation: Aggregation.identical });
    expect(await untilSettled(chain, requestId)).toMatchObject({
      fulfilled: 1,
      status: AnswerStatus.refused,
    });
  });

  test("of which there are not so many is refunded, and no model was called", async () => {
    const { requestId } = await ask(chain, { threshold: 4, deadlineSeconds: 900 });
    await until("the refusal", async () => {
      const response = await fetch(`${oracle.url}/v1/requests/${requestId}`);
      const view = response.ok ? ((await response.json()) as { refusal: string | null }) : undefined;
      return view?.refusal === "QUORUM_NOT_REACHED" ? true : undefined;
    });
    expect(await outcomeOf(chain, requestId)).toMatchObject({ fulfilled: 0, refunded: 0 });
    await chain.rpc("evm_increaseTime", 1_000);
    await chain.rpc("evm_mine");
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 0, refunded: 1 });
    expect(callsOf(requestId)).toEqual([0, 0, 0]);
  });
});
