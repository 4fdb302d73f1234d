/** Quorums whose members belong to different operators, threshold two of three. */

import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readPeerKey } from "../../oracle/peers/message-signature.ts";
import { PeerClient } from "../../oracle/peers/peer-client.ts";
import { AnswerStatus } from "../../protocol/answer.ts";
import { fromHex, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { Aggregation } from "../../protocol/request.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { startTestbed, type Testbed } from "../integration/support/testbed.ts";
import { ask, until, untilSettled, type TestChain } from "../oracle/support/test-chain.ts";
import { wallClockMs } from "../oracle/support/wall-clock.ts";
import { copyAnswer, tryToJoin } from "./support/copier.ts";
import { createOperators, type Operator } from "./support/operators.ts";

const NAMES = ["north", "east", "south"] as const;
const SHARED: Hex = toHex(toUtf8("the same answer"));
const ODD: Hex = toHex(toUtf8("another answer"));
/** Long enough for all to commit on a busy machine, and to end a node in it; the chain's clock is moved on to its end. */
const WINDOW_SECONDS = 120;
/** What nodes do in seconds may take them minutes on a machine that others use. */
const PATIENCE_MS = 240_000;
const AFTER_OPENINGS_SECONDS = 75;
/** Another of anvil's accounts. */
const COPIER_KEY: Hex = "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a";

let bed: Testbed;
let chain: TestChain;
let operators: readonly Operator[];

beforeAll(async () => {
  bed = await startTestbed(["north", "east", "south", "copier"], { quorumWindowSeconds: WINDOW_SECONDS });
  ({ chain } = bed);
  operators = await createOperators(bed, NAMES);
  // Turns and openings are counted in the chain's time, which has to go on by itself: a second a block, however busy the machine.
  await chain.rpc("anvil_setBlockTimestampInterval", 1);
  await chain.rpc("evm_setIntervalMining", 1);
  await Promise.all(operators.map((operator) => operator.start()));
});

afterAll(() => bed.stop());

afterEach(async () => {
  await Promise.all(operators.filter(({ isDown }) => isDown()).map((operator) => operator.start()));
});

beforeEach(() => {
  for (const enclave of bed.enclaves) enclave.decide = () => ({ status: AnswerStatus.ok, output: SHARED });
});

async function askForTwo(): Promise<Hex> {
  return (await ask(chain, { threshold: 2, aggregation: Aggregation.identical })).requestId;
}

async function passTime(seconds: number): Promise<void> {
  const latest = (await chain.rpc("eth_getBlockByNumber", "latest", false)) as { readonly timestamp: Hex };
  await chain.rpc("evm_setNextBlockTimestamp", Number(latest.timestamp) + seconds);
  await chain.rpc("evm_mine");
}

/** Asks, and ends the window when so many are committed. */
async function askUntilCommitted(members: number): Promise<Hex> {
  const requestId = await askForTwo();
  await until(
    `${members} leaves on chain`,
    async () => ((await committedKeysets(requestId)).length === members ? true : undefined),
    PATIENCE_MS,
  );
  await passTime(WINDOW_SECONDS + 1);
  return requestId;
}

async function committedKeysets(requestId: Hex): Promise<string[]> {
  const events = await chain.coordinator.queryFilter(chain.coordinator.filters.QuorumCommitted(requestId), 0);
  return events.flatMap(({ args }) => [...args.keysetIds]);
}

async function openedLeaves(requestId: Hex): Promise<number> {
  const events = await chain.coordinator.queryFilter(chain.coordinator.filters.QuorumOpened(requestId), 0);
  return events.flatMap(({ args }) => [...args.leaves]).length;
}

async function outputHashOf(requestId: Hex): Promise<string | undefined> {
  const [settled] = await chain.coordinator.queryFilter(chain.coordinator.filters.Fulfilled(requestId), 0);
  return settled?.args.outputHash;
}

async function expectDelivered(requestId: Hex, timeoutMs = PATIENCE_MS): Promise<void> {
  expect(await untilSettled(chain, requestId, timeoutMs)).toMatchObject({
    fulfilled: 1,
    status: AnswerStatus.ok,
  });
  expect(await outputHashOf(requestId)).toBe(keccak(fromHex(SHARED)));
}

const creditOf = (operator: Pick<Operator, "enclave">): Promise<bigint> =>
  chain.coordinator.creditOf(operator.enclave.payee);

describe("three operators, two of whom must agree", () => {
  test("are each asked once, and paid each", async () => {
    const before = await Promise.all(operators.map(creditOf));
    const requestId = await askUntilCommitted(3);
    await expectDelivered(requestId);
    expect(operators.map(({ enclave }) => enclave.calls.get(requestId))).toEqual([1, 1, 1]);
    expect((await committedKeysets(requestId)).sort()).toEqual(
      operators.map(({ enclave }) => enclave.keysetId).sort(),
    );
    const after = await Promise.all(operators.map(creditOf));
    after.forEach((credit, index) => {
      expect(credit).toBeGreaterThan(before[index] ?? 0n);
    });
  });

  test.for([0, 1, 2])("deliver while operator %i is down", async (index) => {
    const down = operators[index];
    await down?.kill();
    const requestId = await askUntilCommitted(2);
    await expectDelivered(requestId);
    expect(await committedKeysets(requestId)).not.toContain(down?.enclave.keysetId);
  });

  test.for([0, 1, 2])("deliver what the others say while the enclave of operator %i lies", async (index) => {
    const liar = operators[index];
    if (liar !== undefined) liar.enclave.decide = () => ({ status: AnswerStatus.ok, output: ODD });
    await expectDelivered(await askUntilCommitted(3));
  });

  /** Waits until the others have opened, whose answers anybody can read then. */
  async function askAndWithhold(withholding: Operator): Promise<Hex> {
    const requestId = await askForTwo();
    await until(
      "three leaves on chain",
      async () => ((await committedKeysets(requestId)).length === 3 ? true : undefined),
      PATIENCE_MS,
    );
    await withholding.kill();
    await passTime(WINDOW_SECONDS + 1);
    const areOpen = async (): Promise<true | undefined> =>
      (await openedLeaves(requestId)) === 2 ? true : undefined;
    await until("the others' answers", areOpen, PATIENCE_MS);
    return requestId;
  }

  test.for([0, 1, 2])(
    "deliver while operator %i commits and withholds its answer, for nothing",
    async (index) => {
      const withholding = operators[index];
      if (withholding === undefined) throw new RangeError("no such operator");
      const before = await creditOf(withholding);
      const requestId = await askAndWithhold(withholding);
      await passTime(AFTER_OPENINGS_SECONDS);
      await expectDelivered(requestId);
      expect(await creditOf(withholding)).toBe(before);
    },
  );

  test("take from each other only what is signed by a listed node, and true", async () => {
    const [north, east] = operators;
    if (north === undefined || east === undefined) throw new RangeError("no such operator");
    const url = `${north.url}/v1/peers/shares`;
    expect((await fetch(url, { method: "POST", body: "{}" })).status).toBe(401);
    const requestId = await askUntilCommitted(3);
    await expectDelivered(requestId);
    const open = await askForTwo();
    const copied = await copyAnswer(chain, east.enclave, requestId);
    const client = new PeerClient({
      url: north.url,
      key: readPeerKey(readFileSync(east.keyFile, "utf8")),
      now: wallClockMs,
    });
    const { keyset } = await attestationOf(east);
    const share = { chainId: chain.chainId, keyset, leaf: copied.leaf.leaf, opening: null };
    const stranger = { ...share, requestId: open, leafSignature: copied.leaf.signature };
    // The leaf of another request.
    expect(await client.send([stranger], new AbortController().signal)).toEqual(["refused"]);
    await passTime(WINDOW_SECONDS + 1);
    await expectDelivered(open);
  });

  test("leave nothing to a copier whose enclave is admitted when answers are shown", async () => {
    const [withholding] = operators;
    const [, , , copier] = bed.enclaves;
    if (withholding === undefined || copier === undefined) throw new RangeError("no such operator");
    const requestId = await askAndWithhold(withholding);
    const admitting = await bed.startNode({ name: "copier", enclaves: [copier], keys: [COPIER_KEY] });
    await bed.untilAdmitted();
    await admitting.stop();
    const copied = await copyAnswer(chain, copier, requestId);
    expect(await tryToJoin(chain, copied)).toEqual(["QuorumClosed", "LeafNotCommitted"]);
    await passTime(AFTER_OPENINGS_SECONDS);
    await expectDelivered(requestId);
    expect(await creditOf({ enclave: copier })).toBe(0n);
  });
});

async function attestationOf({ node, enclave }: Operator): Promise<{ readonly keyset: never }> {
  const admitted = await chain.coordinator.queryFilter(chain.coordinator.filters.Fulfilled(), 0);
  for (const { args } of admitted) {
    const response = await fetch(`${node().url}/v1/receipts/${args.requestId}`);
    if (!response.ok) continue;
    const receipt = (await response.json()) as { answer: { keysetId: Hex }; keyset: never };
    if (receipt.answer.keysetId === enclave.keysetId) return receipt;
  }
  throw new Error("no receipt of this operator's enclave");
}
