import { ZeroAddress } from "ethers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type PushFeed, PushFeed__factory } from "../../contracts/bindings/index.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import {
  mempoolOf,
  type TestChain,
  textPayload,
  TRANSMITTER_KEYS,
  until,
} from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";

const DAY = 86_400;
const ETHER = 10n ** 18n;

let bed: Testbed;
let chain: TestChain;
let feed: PushFeed;
let subscriptionId: bigint;

/** Runs past the end of today, so that a test which runs at midnight sees no period end but those that it makes. */
const SOON = 600;

beforeEach(async () => {
  bed = await startTestbed();
  ({ chain } = bed);
  await (await chain.coordinator.openSubscription({ value: ETHER })).wait();
  const opened = await chain.coordinator.queryFilter(chain.coordinator.filters.SubscriptionOpened());
  subscriptionId = opened[0]?.args.subscriptionId ?? 0n;
  const head = await chain.provider.getBlock("latest");
  await chain.rpc("evm_increaseTime", DAY - ((head?.timestamp ?? 0) % DAY) + SOON);
  await chain.rpc("evm_mine");
});

afterEach(({ task }) => bed.stop(task));

async function deployFeed(change: {
  readonly periodSeconds?: number;
  readonly watches?: boolean;
}): Promise<void> {
  const coordinator = await chain.coordinator.getAddress();
  const { topicHash } = chain.coordinator.interface.getEvent("SubscriptionFunded");
  feed = await new PushFeed__factory(chain.deployer).deploy(
    coordinator,
    ZeroAddress,
    await chain.deployer.getAddress(),
    textPayload("Did it rain?"),
    {
      policyId: chain.deployment.policyId,
      subscriptionId,
      fee: 10n ** 15n,
      gasPriceCap: 100n * 10n ** 9n,
      callbackGasLimit: 250_000,
      maxOutputBytes: 256,
      answerWithinSeconds: 3_600,
      periodSeconds: change.periodSeconds ?? 0,
      minIntervalSeconds: 0,
      emitter: change.watches === true ? coordinator : ZeroAddress,
      topic: topicHash,
    },
  );
  await (await chain.coordinator.setConsumer(subscriptionId, await feed.getAddress(), ETHER)).wait();
  for (const index of [1, 2]) {
    const transmitter = await chain.provider.getSigner(index);
    await (await feed.setTrigger(await transmitter.getAddress(), true)).wait();
  }
}

async function startNode(
  name: string,
  key = 0,
  delaySeconds = 0,
  chainChange: object = {},
): Promise<OracleProcess> {
  const address = (await feed.getAddress()).toLowerCase();
  return bed.startNode({
    name,
    keys: TRANSMITTER_KEYS.slice(key, key + 1),
    chainChange: { feeds: [{ address, delaySeconds }], ...chainChange },
  });
}

async function kill(node: OracleProcess): Promise<void> {
  await node.stop("SIGKILL");
}

interface Round {
  readonly round: number;
  readonly requestId: Hex;
  readonly eventBlock: number;
}

async function roundsSoFar(): Promise<Round[]> {
  const logs = await feed.queryFilter(feed.filters.RoundRequested());
  return logs.map(({ args }) => ({
    round: Number(args.round),
    requestId: args.requestId as Hex,
    eventBlock: Number(args.eventBlock),
  }));
}

function untilAnswered(round: number): Promise<string> {
  return until(
    `answer of round ${round}`,
    async () => {
      const answered = await feed.queryFilter(feed.filters.RoundAnswered(round));
      return answered[0]?.args.output;
    },
    30_000,
  );
}

async function passTime(seconds: number): Promise<void> {
  await chain.rpc("evm_increaseTime", seconds);
  await chain.rpc("evm_mine");
}

/** Enough heads for a node to do again what it should not. */
async function giveNodesTime(): Promise<void> {
  for (let count = 0; count < 6; count += 1) {
    await chain.rpc("evm_mine");
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

async function fund(): Promise<number> {
  const receipt = await (await chain.coordinator.fundSubscription(subscriptionId, { value: 1n })).wait();
  return receipt?.blockNumber ?? 0;
}

describe("push feeds", { timeout: 120_000 }, () => {
  test("a schedule: one round in each period, whatever is killed; a missed one is gone", async () => {
    await deployFeed({ periodSeconds: DAY });
    const first = await startNode("node");
    await untilAnswered(1);
    const [round, updatedAt, output] = await feed.latest();
    expect(round).toBe(1n);
    expect(updatedAt).toBeGreaterThan(0n);
    expect(Buffer.from(output.slice(2), "hex").toString()).toContain("answer to 0x");
    await giveNodesTime();
    expect(await roundsSoFar()).toHaveLength(1);
    await kill(first);
    const again = await startNode("node");
    await giveNodesTime();
    expect(await roundsSoFar()).toHaveLength(1);
    await kill(again);
    await passTime(3 * DAY);
    await startNode("node");
    await untilAnswered(2);
    await giveNodesTime();
    expect((await roundsSoFar()).map(({ round: one }) => one)).toEqual([1, 2]);
    expect(new Set((await roundsSoFar()).map(({ requestId }) => requestId)).size).toBe(2);
  });

  test("killed between committing a round's transaction and its block, it does not start another", async () => {
    await deployFeed({ periodSeconds: DAY });
    await chain.rpc("evm_setAutomine", false);
    const first = await startNode("node");
    const address = (await feed.getAddress()).toLowerCase();
    const rounds = async (): Promise<number> =>
      (await mempoolOf(chain)).filter(({ to }) => to.toLowerCase() === address).length;
    await until("the round's transaction", async () => ((await rounds()) > 0 ? true : undefined));
    await kill(first);
    const again = await startNode("node");
    await until("the restarted node", async () =>
      (await fetch(`${again.url}/v1/ready`)).status < 500 || again.log().includes("chain.started")
        ? true
        : undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await rounds()).toBe(1);
    await chain.rpc("evm_mine");
    await chain.rpc("evm_setAutomine", true);
    await untilAnswered(1);
    await giveNodesTime();
    expect(await roundsSoFar()).toHaveLength(1);
  });

  test("two nodes that share nothing start one round in each period", async () => {
    await deployFeed({ periodSeconds: DAY });
    await startNode("one", 0);
    await startNode("two", 1);
    await untilAnswered(1);
    await passTime(DAY);
    await untilAnswered(2);
    await giveNodesTime();
    expect(await roundsSoFar()).toHaveLength(2);
  });

  test("an event: one round for its block, also after a restart; events in between are covered by the newest", async () => {
    await deployFeed({ watches: true });
    const first = await startNode("node");
    await giveNodesTime();
    expect(await roundsSoFar()).toEqual([]);
    const block = await fund();
    await untilAnswered(1);
    expect(await roundsSoFar()).toMatchObject([{ round: 1, eventBlock: block }]);
    await kill(first);
    await fund();
    const newest = await fund();
    await startNode("node");
    await untilAnswered(2);
    await giveNodesTime();
    expect((await roundsSoFar()).map(({ eventBlock }) => eventBlock)).toEqual([block, newest]);
  });

  test("an event of long before the node's start is found, as the newest of several, a range of blocks at a time", async () => {
    await deployFeed({ watches: true });
    await fund();
    await chain.rpc("anvil_mine", "0x14");
    const newest = await fund();
    await chain.rpc("anvil_mine", "0x28");
    const node = await startNode("late", 0, 0, { maxBlockRange: 8 });
    await untilAnswered(1);
    expect(await roundsSoFar()).toMatchObject([{ round: 1, eventBlock: newest }]);
    await kill(node);
  });

  test("a node that is no trigger says so, and serves its other work", async () => {
    await deployFeed({ watches: true });
    const transmitter = await chain.provider.getSigner(1);
    await (await feed.setTrigger(await transmitter.getAddress(), false)).wait();
    const node = await startNode("node");
    await fund();
    await until("the complaint", () =>
      Promise.resolve(node.log().includes('"event":"feed.failed"') ? true : undefined),
    );
    expect(await roundsSoFar()).toEqual([]);
    await (await feed.setTrigger(await transmitter.getAddress(), true)).wait();
    await untilAnswered(1);
  });
});
