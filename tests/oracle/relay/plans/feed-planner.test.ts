/** When rounds of feeds are due: by schedule, by a number that moved away; and that a thousand of them hold nothing up. */

import { beforeEach, expect, test } from "vitest";
import type { ChainHead } from "../../../../oracle/chain/chain-source.ts";
import { pushFeedInterface } from "../../../../oracle/chain/contracts/contracts.ts";
import type { RpcCall, RpcEndpoint, RpcReply } from "../../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { deviates } from "../../../../oracle/relay/plans/feed-deviation.ts";
import { type Feed, FeedPlanner } from "../../../../oracle/relay/plans/feed-planner.ts";
import { PreparedPlans } from "../../../../oracle/relay/plans/prepared-plans.ts";
import type { OpenTransaction } from "../../../../oracle/store/transactions/transaction.ts";
import type { Room } from "../../../../oracle/transmitter/room.ts";
import type { Store } from "../../../../oracle/store/store.ts";
import type { Hex } from "../../../../protocol/bytes.ts";
import { word } from "../../support/requests.ts";
import { createPgliteStore, useStore } from "../../support/stores.ts";

const COORDINATOR: Hex = `0x${"c0".repeat(20)}`;
const SOURCE: Hex = `0x${"50".repeat(20)}`;
const BEGIN = 1_790_000_000;
const PERIOD = 3_600;
const MIN_INTERVAL = 60;
const ANSWER_WITHIN = 300;
const addressOf = (index: number): Hex => `0x${(0xfeed0000 + index).toString(16).padStart(40, "0")}`;

/** The chain as the feeds' views show it. */
interface World {
  time: number;
  block: number;
  /** Seconds. */
  scheduledAt: number;
  lastEventAt: number;
  lastEventBlock: number;
  hasEmitter: boolean;
  source: bigint;
  answer: { readonly value: bigint; readonly updatedAt: number } | undefined;
}

let store: Store;
let world: World;
let said: string[];
let exchanges: number;

useStore(createPgliteStore, (opened) => {
  store = opened;
});

beforeEach(() => {
  world = {
    ...{
      time: BEGIN,
      block: 100,
      scheduledAt: BEGIN + PERIOD,
      lastEventAt: BEGIN - 1_000,
      lastEventBlock: 50,
    },
    ...{ hasEmitter: true, source: 1_000n, answer: { value: 1_000n, updatedAt: BEGIN - 900 } },
  };
  [said, exchanges] = [[], 0];
});

const log = createLogger({
  level: "info",
  write: (line) => said.push((JSON.parse(line) as { event: string }).event),
  now: () => 0,
});

function reply({ method, params: [call] }: RpcCall): RpcReply {
  const ok = (result: unknown): RpcReply => ({ ok: true, result });
  if (method === "eth_getLogs") return ok([]);
  if (method === "eth_estimateGas") return ok("0x30d40");
  const { to, data } = call as { readonly to: Hex; readonly data: Hex };
  if (to === SOURCE) return ok(`0x${BigInt.asUintN(256, world.source).toString(16).padStart(64, "0")}`);
  const view = pushFeedInterface.parseTransaction({ data })?.name ?? "";
  const encode = (...values: unknown[]): RpcReply =>
    ok(pushFeedInterface.encodeFunctionResult(view, values as never));
  switch (view) {
    case "terms":
      return encode({
        ...{ policyId: word(1), subscriptionId: 1, fee: 1, gasPriceCap: 1, callbackGasLimit: 1 },
        ...{ maxOutputBytes: 32, answerWithinSeconds: ANSWER_WITHIN, periodSeconds: PERIOD },
        ...{ minIntervalSeconds: MIN_INTERVAL, topic: word(2) },
        emitter: world.hasEmitter ? SOURCE : `0x${"00".repeat(20)}`,
      });
    case "COORDINATOR":
      return encode(COORDINATOR);
    case "scheduledAt":
      return encode(world.scheduledAt);
    case "eventRoundsFrom":
      return encode(world.lastEventAt + MIN_INTERVAL, world.lastEventBlock);
    default: {
      const { answer } = world;
      if (answer !== undefined) return encode(1, answer.updatedAt, word256(answer.value));
      const error = pushFeedInterface.getError("NoAnswerYet")?.selector;
      return { ok: false, failure: { code: 3, message: "execution reverted", data: error } };
    }
  }
}

const word256 = (value: bigint): Hex => `0x${BigInt.asUintN(256, value).toString(16).padStart(64, "0")}`;

/** Answers a turn later, as a server does. */
function pool(): RpcPool {
  const endpoint = {
    name: "test",
    send: async (calls: readonly RpcCall[]) => {
      exchanges += 1;
      await new Promise<void>((resolve) => setImmediate(resolve));
      return calls.map(reply);
    },
  } as unknown as RpcEndpoint;
  return new RpcPool({ endpoints: [endpoint], log, now: () => 0 });
}

const head = (): ChainHead => ({
  latest: {
    number: world.block,
    hash: word(world.block),
    parentHash: word(1),
    timestamp: world.time,
    baseFeePerGas: 1n,
  },
  settledNumber: world.block - 2,
});

const planner = (feeds: readonly Feed[]): FeedPlanner =>
  new FeedPlanner({
    ...{
      chainId: 1,
      rpc: pool(),
      store,
      log,
      now: () => world.time * 1_000,
      coordinator: COORDINATOR,
      feeds,
    },
    ...{ from: `0x${"fe".repeat(20)}`, feeCap: 10n, maxRange: 1_000 },
  });

const FOLLOWING: Feed = {
  ...{ address: addressOf(0), delaySeconds: 0 },
  deviation: { percent: 0.5, to: SOURCE, data: "0x12345678" },
};

const roundInFlight = (nonce: number): OpenTransaction => ({
  ...{ id: nonce, signer: addressOf(0), nonce, kind: "round", gasLimit: 1, feeCap: 1n, sentAt: 0 },
  attempts: [{ hash: word(nonce), maxFee: 1n, priorityFee: 0n }],
});

async function roundsOf(feeds: FeedPlanner): Promise<(string | undefined)[]> {
  const planned = await feeds.plan(head());
  return planned.map(({ data }) => {
    const call = pushFeedInterface.parseTransaction({ data });
    return call === null ? undefined : `${call.name}(${call.args.join()})`;
  });
}

function pass(seconds: number): void {
  world.time += seconds;
  world.block += 1;
}

test("a number that moves by the percentage starts a round at once, as an event does", async () => {
  const feeds = planner([FOLLOWING]);
  world.source = 1_004n;
  expect(await roundsOf(feeds)).toEqual([]);
  pass(10);
  world.source = 995n;
  expect(await roundsOf(feeds)).toEqual([`requestEventRound(${world.block})`]);
});

test("the schedule is the heartbeat of a feed whose number stands still", async () => {
  const feeds = planner([FOLLOWING]);
  pass(PERIOD - 1);
  expect(await roundsOf(feeds)).toEqual([]);
  pass(1);
  expect(await roundsOf(feeds)).toEqual(["requestRound()"]);
});

test("no second round starts while the first is to be answered, nor before the feed's interval", async () => {
  const feeds = planner([FOLLOWING]);
  world.source = 2_000n;
  expect(await roundsOf(feeds)).toHaveLength(1);
  // It was mined.
  [world.lastEventAt, world.lastEventBlock] = [world.time, world.block];
  for (const seconds of [16, 60, 60]) {
    pass(seconds);
    expect(await roundsOf(feeds)).toEqual([]);
  }
  world.answer = { value: 2_000n, updatedAt: world.time };
  pass(20);
  expect(await roundsOf(feeds)).toEqual([]);
  world.source = 2_100n;
  pass(20);
  expect(await roundsOf(feeds)).toEqual([`requestEventRound(${world.block})`]);
});

test("a round that was never answered is followed by another once its time is over", async () => {
  const feeds = planner([FOLLOWING]);
  world.source = 2_000n;
  expect(await roundsOf(feeds)).toHaveLength(1);
  [world.lastEventAt, world.lastEventBlock] = [world.time, world.block];
  pass(ANSWER_WITHIN - 1);
  expect(await roundsOf(feeds)).toEqual([]);
  pass(1);
  expect(await roundsOf(feeds)).toHaveLength(1);
});

test("a second node leaves a deviation to the first for its delay, and takes it then", async () => {
  const feeds = planner([{ ...FOLLOWING, delaySeconds: 60 }]);
  world.source = 2_000n;
  expect(await roundsOf(feeds)).toEqual([]);
  pass(59);
  expect(await roundsOf(feeds)).toEqual([]);
  pass(1);
  expect(await roundsOf(feeds)).toHaveLength(1);
});

test("a feed without an answer deviates; one that no event starts is named", async () => {
  world.answer = undefined;
  world.lastEventAt = BEGIN - 10_000;
  expect(await roundsOf(planner([FOLLOWING]))).toHaveLength(1);
  world.hasEmitter = false;
  said = [];
  expect(await roundsOf(planner([FOLLOWING]))).toEqual([]);
  expect(said).toEqual(["feed.failed"]);
});

test.for<[string, bigint, bigint, number, boolean]>([
  ["a half of a percent, exactly", 1_005n, 1_000n, 0.5, true],
  ["a little less", 1_004n, 1_000n, 0.5, false],
  ["downwards", 995n, 1_000n, 0.5, true],
  ["below zero", -1_005n, -1_000n, 0.5, true],
  ["through zero", -1n, 1n, 150, true],
  ["from zero", 1n, 0n, 1_000, true],
  ["nothing from zero", 0n, 0n, 0.5, false],
  ["numbers of 256 bits", 2n ** 255n - 1n, 2n ** 254n, 99, true],
])("%s", ([, source, value, percent, expected]) => {
  expect(deviates({ source, newest: { updatedAt: 1, value } }, { percent })).toBe(expected);
});

test("an answer that is no number deviates from nothing", () => {
  expect(deviates({ source: 1n, newest: { updatedAt: 1, value: undefined } }, { percent: 1 })).toBe(false);
});

test("a thousand feeds that are due together hold up no settlement, and each has one round", async () => {
  const feeds = planner(
    Array.from({ length: 1_000 }, (_, index) => ({ address: addressOf(index), delaySeconds: 0 })),
  );
  pass(PERIOD);
  let ready = 0;
  const prepared = new PreparedPlans({
    ...{ chainId: 1, log, now: () => world.time * 1_000, name: "feeds", kind: "round" },
    prepare: (current) => feeds.plan(current),
    onReady: () => (ready += 1),
  });
  const room = (inFlight: number): Room => ({
    ...{ all: 64, free: 64 - inFlight },
    pending: Array.from({ length: inFlight }, (_, nonce) => roundInFlight(nonce)),
  });
  // What the transmitter asks for before it plans settlements: given without a word to a server.
  expect(prepared.take(head(), room(0))).toEqual([]);
  expect(exchanges).toBeLessThanOrEqual(16);
  await prepared.stop();
  expect(ready).toBe(1);
  const taken = new Map<string, number>();
  let blocks = 0;
  for (; taken.size < 1_000 && blocks < 100; blocks += 1) {
    let inFlight = 0;
    // The transmitter goes on as long as it has something to send, without end between two blocks.
    for (
      let part = prepared.take(head(), room(0));
      part.length > 0;
      part = prepared.take(head(), room(inFlight))
    ) {
      for (const { to } of part) taken.set(to, (taken.get(to) ?? 0) + 1);
      inFlight += part.length;
    }
    // A settlement that becomes due now needs no block to pass: three quarters of the room are left.
    expect(inFlight).toBeLessThanOrEqual(16);
    await prepared.stop();
  }
  expect(blocks).toBeLessThanOrEqual(Math.ceil(1_000 / 16));
  expect(new Set(taken.values())).toEqual(new Set([1]));
});
