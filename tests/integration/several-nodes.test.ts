import { afterEach, beforeEach, expect, test } from "vitest";
import type { Hex } from "../../protocol/bytes.ts";
import { recomputeLedger } from "../oracle/support/ledger.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { describePostgres, type TestStore } from "../oracle/support/stores.ts";
import { ask, type TestChain, until, untilSettled } from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";
import { wallClockMs } from "../oracle/support/wall-clock.ts";

const QUIET_REQUESTS = 40;
const REQUESTS_AT_DEATH = 6;
const MOST_CALLS_PER_REQUEST = 1.05;
/** The configuration's default, and its least. */
const TAKEOVER_MS = 10_000;
/** Heartbeats are looked at every other second, a job waits a second, a block takes one; a shared machine takes its time. */
const SLACK_MS = 30_000;

let bed: Testbed;
let store: TestStore;
let chain: TestChain;
let enclaves: readonly StandInEnclave[];
let nodes: OracleProcess[] = [];

beforeEach(async () => {
  bed = await startTestbed(["one", "two", "three"]);
  ({ chain, enclaves } = bed);
  await chain.rpc("evm_setIntervalMining", 1);
});

afterEach(async ({ task }) => {
  await bed.stop(task);
  await store.remove();
});

const modelCalls = (ids: readonly Hex[]): number =>
  ids.reduce(
    (sum, id) => sum + enclaves.reduce((calls, enclave) => calls + (enclave.calls.get(id) ?? 0), 0),
    0,
  );

async function askSeveral(count: number): Promise<Hex[]> {
  const asked = await Promise.all(Array.from({ length: count }, () => ask(chain)));
  return asked.map(({ requestId }) => requestId);
}

async function untilAllSettled(ids: readonly Hex[], timeoutMs: number): Promise<void> {
  const end = wallClockMs() + timeoutMs;
  for (const id of ids) {
    expect(await untilSettled(chain, id, Math.max(1, end - wallClockMs()))).toMatchObject({
      fulfilled: 1,
      refunded: 0,
    });
  }
}

/** The node that follows the chain and sends: the last that took its lease. */
function leaderOf(all: readonly OracleProcess[]): OracleProcess | undefined {
  const takenAt = (node: OracleProcess): string =>
    node
      .log()
      .split("\n")
      .filter((line) => line.includes('"lease.taken"'))
      .map((line) => (JSON.parse(line) as { time: string }).time)
      .at(-1) ?? "";
  const [latest] = [...all].sort((a, b) => takenAt(b).localeCompare(takenAt(a)));
  return latest === undefined || takenAt(latest) === "" ? undefined : latest;
}

describePostgres("three nodes and three enclaves", (createStore) => {
  beforeEach(async () => {
    store = await createStore();
    nodes = [];
    for (const name of ["a", "b", "c"]) {
      const change = { takeoverSeconds: TAKEOVER_MS / 1_000 };
      nodes.push(await bed.startNode({ name, store: store.config, change }));
    }
    // Quiet running begins when everybody is there.
    await bed.untilAdmitted();
  });

  test("ask the model once for a request, and finish the work of one that dies for good", async () => {
    const quiet: Hex[] = [];
    while (quiet.length < QUIET_REQUESTS) {
      const ids = await askSeveral(8);
      await untilAllSettled(ids, 60_000);
      quiet.push(...ids);
    }
    const perRequest = modelCalls(quiet) / quiet.length;
    const served = enclaves.map(({ calls }) => calls.size);
    process.stdout.write(
      `model calls per request: ${perRequest.toFixed(2)} over ${quiet.length}, by enclave: ${served.join(", ")}\n`,
    );
    expect(perRequest).toBeLessThanOrEqual(MOST_CALLS_PER_REQUEST);
    expect(Math.min(...served)).toBeGreaterThan(0);

    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    for (const enclave of enclaves) enclave.decide = () => held.then(() => ({ status: 1 }));
    const underWay = await askSeveral(REQUESTS_AT_DEATH);
    await until("the calls under way", () =>
      Promise.resolve(modelCalls(underWay) >= underWay.length ? true : undefined),
    );
    const leader = leaderOf(nodes);
    expect(leader).toBeDefined();
    await leader?.stop("SIGKILL");
    const died = wallClockMs();
    release();
    const later = await askSeveral(REQUESTS_AT_DEATH);
    await untilAllSettled(later, TAKEOVER_MS + SLACK_MS);
    const chainTaken = wallClockMs() - died;
    await untilAllSettled(underWay, TAKEOVER_MS + SLACK_MS);
    const all = wallClockMs() - died;
    process.stdout.write(
      `the leading node died: its chain was served again after ${(chainTaken / 1_000).toFixed(1)} s, its jobs were done after ${(all / 1_000).toFixed(1)} s\n`,
    );
    const ledger = await recomputeLedger(chain);
    expect(ledger).toMatchObject({ twice: 0, refunded: 0, open: [], wrongBalances: [] });
    expect(ledger.fulfilled).toBe(QUIET_REQUESTS + 2 * REQUESTS_AT_DEATH);
  });
});
