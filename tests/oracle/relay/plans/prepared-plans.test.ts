import { beforeEach, expect, test } from "vitest";
import type { ChainHead } from "../../../../oracle/chain/chain-source.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { PreparedPlans } from "../../../../oracle/relay/plans/prepared-plans.ts";
import type { PlannedTransaction } from "../../../../oracle/transmitter/planned-transaction.ts";
import { ChainError } from "../../../../protocol/errors.ts";
import { word } from "../../support/requests.ts";

const HEAD: ChainHead = {
  latest: { number: 20, hash: word(20), parentHash: word(19), timestamp: 1, baseFeePerGas: 1n },
  settledNumber: 18,
};
let now: number;
let said: string[];
let ready: number;

beforeEach(() => {
  [now, said, ready] = [0, [], 0];
});

const transaction = (gasLimit: number): PlannedTransaction => ({
  ...{ kind: "round", to: `0x${"fe".repeat(20)}`, data: "0x", gasLimit, feeCap: 1n, requestIds: [] },
});
const gasOf = (taken: readonly PlannedTransaction[]): number[] => taken.map(({ gasLimit }) => gasLimit);

function plans(prepare: () => Promise<readonly PlannedTransaction[]>): PreparedPlans {
  return new PreparedPlans({
    ...{ chainId: 1, name: "feeds", prepare, now: () => now },
    onReady: () => (ready += 1),
    log: createLogger({
      level: "warn",
      write: (line) => said.push((JSON.parse(line) as { event: string }).event),
      now: () => 0,
    }),
  });
}

test("nobody waits for what is being prepared; whoever takes is told when there is something", async () => {
  const { promise, resolve } = Promise.withResolvers<readonly PlannedTransaction[]>();
  let begun = 0;
  const prepared = plans(() => {
    begun += 1;
    return promise;
  });
  expect([prepared.take(HEAD, 10), prepared.take(HEAD, 10)]).toEqual([[], []]);
  expect([begun, ready]).toEqual([1, 0]);
  resolve([transaction(1), transaction(2)]);
  await prepared.stop();
  expect(ready).toBe(1);
  expect(gasOf(prepared.take(HEAD, 10))).toEqual([1, 2]);
});

test("a part is taken at a time, each once, before more is prepared", async () => {
  const rounds = [[1, 2, 3], [4]];
  const prepared = plans(() => Promise.resolve((rounds.shift() ?? []).map(transaction)));
  prepared.take(HEAD, 2);
  await prepared.stop();
  expect(gasOf(prepared.take(HEAD, 2))).toEqual([1, 2]);
  expect(rounds).toHaveLength(1);
  expect(gasOf(prepared.take(HEAD, 2))).toEqual([3]);
  await prepared.stop();
  expect(gasOf(prepared.take(HEAD, 2))).toEqual([4]);
});

test("what nobody took for long is forgotten, and planned anew", async () => {
  const prepared = plans(() => Promise.resolve([transaction(now)]));
  prepared.take(HEAD, 1);
  await prepared.stop();
  now = 10_000;
  expect(prepared.take(HEAD, 1)).toEqual([]);
  await prepared.stop();
  expect(gasOf(prepared.take(HEAD, 1))).toEqual([10_000]);
});

test("a failure is said, and tried again", async () => {
  let fails = true;
  const prepared = plans(() =>
    fails
      ? Promise.reject(new ChainError({ code: "CHAIN_RPC_UNAVAILABLE", message: "away" }))
      : Promise.resolve([transaction(1)]),
  );
  prepared.take(HEAD, 1);
  await prepared.stop();
  expect([said, ready]).toEqual([["plan.failed"], 0]);
  fails = false;
  prepared.take(HEAD, 1);
  await prepared.stop();
  expect(gasOf(prepared.take(HEAD, 1))).toEqual([1]);
});
