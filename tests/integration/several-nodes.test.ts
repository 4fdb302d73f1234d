import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Hex } from "../../protocol/bytes.ts";
import { recomputeLedger } from "../oracle/support/ledger.ts";
import { startOracleProcess, writeOracleConfig } from "../oracle/support/oracle-process.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import { standInBehaviourDigest, startStandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { describePostgres } from "../oracle/support/stores.ts";
import type { TestStore } from "../oracle/support/stores.ts";
import { ask, startTestChain, until, untilSettled } from "../oracle/support/test-chain.ts";
import type { TestChain } from "../oracle/support/test-chain.ts";
import { wallClockMs } from "../oracle/support/wall-clock.ts";

const QUIET_REQUESTS = 40;
const REQUESTS_AT_DEATH = 6;
const MOST_CALLS_PER_REQUEST = 1.05;
/** The configuration's default, and its least. */
const TAKEOVER_MS = 10_000;
/** Heartbeats are looked at every other second, a job waits a second, a block takes one; a shared machine takes its time. */
const SLACK_MS = 30_000;

let directory: string;
let store: TestStore;
let chain: TestChain;
let enclaves: StandInEnclave[];
let nodes: OracleProcess[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "adyton-nodes-"));
  chain = await startTestChain({ behaviourDigest: standInBehaviourDigest() });
  await chain.rpc("evm_setIntervalMining", 1);
  enclaves = await Promise.all(["one", "two", "three"].map((platform) => startStandInEnclave(platform)));
});

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") {
    process.stderr.write(nodes.map((node) => node.log().slice(-6_000)).join("\n\n"));
  }
  await Promise.all(nodes.map((node) => node.stop("SIGKILL")));
  await Promise.all(enclaves.map((enclave) => enclave.stop()));
  await chain.stop();
  await store.remove();
  rmSync(directory, { recursive: true, force: true });
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
      const config = await writeOracleConfig({
        directory: join(directory, name),
        chains: [chain],
        enclaves,
        store: store.config,
        change: { takeoverSeconds: TAKEOVER_MS / 1_000 },
      });
      nodes.push(await startOracleProcess(config));
    }
    // Quiet running begins when everybody is there.
    await until("every enclave's admission", async () => {
      const admitted = await chain.registry.queryFilter(chain.registry.filters.EnclaveAdmitted(), 0);
      return new Set(admitted.map(({ args }) => args.keysetId)).size === enclaves.length ? true : undefined;
    });
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
    for (const enclave of enclaves) {
      enclave.decide = () => held.then(() => ({ status: 1 }));
    }
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
