import { beforeEach, expect, test } from "vitest";
import type { ChainHead } from "../../../../oracle/chain/chain-source.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { PreparedPlans } from "../../../../oracle/relay/plans/prepared-plans.ts";
import type { PlannedTransaction } from "../../../../oracle/transmitter/planned-transaction.ts";
import type { OpenTransaction, TransactionKind } from "../../../../oracle/store/transactions/transaction.ts";
import type { Room } from "../../../../oracle/transmitter/room.ts";
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

/** A quarter of it is `share`. */
const roomFor = (share: number, ...inFlight: readonly TransactionKind[]): Room => ({
  all: 4 * share,
  free: 4 * share - inFlight.length,
  pending: inFlight.map((kind, nonce): OpenTransaction => ({
    ...{ id: nonce, signer: `0x${"5e".repeat(20)}`, nonce, kind, gasLimit: 1, feeCap: 1n, sentAt: 0 },
    attempts: [{ hash: word(nonce), maxFee: 1n, priorityFee: 0n }],
  })),
});

function plans(prepare: () => Promise<readonly PlannedTransaction[]>): PreparedPlans {
  return new PreparedPlans({
    ...{ chainId: 1, name: "feeds", kind: "round", prepare, now: () => now },
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
  expect([prepared.take(HEAD, roomFor(10)), prepared.take(HEAD, roomFor(10))]).toEqual([[], []]);
  expect([begun, ready]).toEqual([1, 0]);
  resolve([transaction(1), transaction(2)]);
  await prepared.stop();
  expect(ready).toBe(1);
  expect(gasOf(prepared.take(HEAD, roomFor(10)))).toEqual([1, 2]);
});

test("a part is taken at a time, each once, before more is prepared", async () => {
  const rounds = [[1, 2, 3], [4]];
  const prepared = plans(() => Promise.resolve((rounds.shift() ?? []).map(transaction)));
  prepared.take(HEAD, roomFor(2));
  await prepared.stop();
  expect(gasOf(prepared.take(HEAD, roomFor(2)))).toEqual([1, 2]);
  expect(rounds).toHaveLength(1);
  expect(gasOf(prepared.take(HEAD, roomFor(2)))).toEqual([3]);
  await prepared.stop();
  expect(gasOf(prepared.take(HEAD, roomFor(2)))).toEqual([4]);
});

test("what is in flight counts to its part: what is left is for settlements until the next block", async () => {
  const prepared = plans(() => Promise.resolve(Array.from({ length: 20 }, (_, gas) => transaction(gas))));
  prepared.take(HEAD, roomFor(4));
  await prepared.stop();
  expect(prepared.take(HEAD, roomFor(4))).toHaveLength(4);
  expect(prepared.take(HEAD, roomFor(4, "round", "round", "round", "round"))).toEqual([]);
  expect(prepared.take(HEAD, roomFor(4, "round", "round", "fulfill"))).toHaveLength(2);
  expect(prepared.take(HEAD, roomFor(4, "fulfill", "admit"))).toHaveLength(3);
});

test("of a room that is nearly full it has a part, and one where there is room for no more", async () => {
  const prepared = plans(() => Promise.resolve(Array.from({ length: 20 }, (_, gas) => transaction(gas))));
  prepared.take(HEAD, roomFor(4));
  await prepared.stop();
  const full = Array.from({ length: 8 }, (): TransactionKind => "fulfill");
  expect(prepared.take(HEAD, roomFor(4, ...full))).toHaveLength(2);
  expect(prepared.take(HEAD, { all: 1, free: 1, pending: [] })).toHaveLength(1);
});

test("what nobody took for long is forgotten, and planned anew", async () => {
  const prepared = plans(() => Promise.resolve([transaction(now)]));
  prepared.take(HEAD, roomFor(1));
  await prepared.stop();
  now = 10_000;
  expect(prepared.take(HEAD, roomFor(1))).toEqual([]);
  await prepared.stop();
  expect(gasOf(prepared.take(HEAD, roomFor(1)))).toEqual([10_000]);
});

test("a failure is said, and tried again", async () => {
  let fails = true;
  const prepared = plans(() =>
    fails
      ? Promise.reject(new ChainError({ code: "CHAIN_RPC_UNAVAILABLE", message: "away" }))
      : Promise.resolve([transaction(1)]),
  );
  prepared.take(HEAD, roomFor(1));
  await prepared.stop();
  expect([said, ready]).toEqual([["plan.failed"], 0]);
  fails = false;
  prepared.take(HEAD, roomFor(1));
  await prepared.stop();
  expect(gasOf(prepared.take(HEAD, roomFor(1)))).toEqual([1]);
});
