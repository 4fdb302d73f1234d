import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Fault, FaultyProxy } from "../oracle/support/faulty-proxy.ts";
import { type OracleProcess, startOracleProcess, writeTestConfig } from "../oracle/support/oracle-process.ts";
import {
  standInBehaviourDigest,
  type StandInEnclave,
  startStandInEnclave,
} from "../oracle/support/stand-in-enclave.ts";
import {
  ask,
  LOCAL_CHAIN_IDS,
  startTestChain,
  type TestChain,
  until,
  untilSettled,
} from "../oracle/support/test-chain.ts";
import { wallClockMs } from "../oracle/support/wall-clock.ts";

/**
 * Longer than the whole test may take: whatever waited for the dead chain's server would make the test fail by its timeout.
 * A server that refuses or hangs up fails each call at once, and the oracle tries again and again.
 */
const RPC_TIMEOUT_MS = 300_000;
/** To a round. */
const REQUESTS = 5;
const PROCESS_TEST = { timeout: 90_000 };

let directory: string;
let living: TestChain;
let dying: TestChain;
let proxy: FaultyProxy;
let enclave: StandInEnclave;
let oracle: OracleProcess | undefined;

/** One oracle for all tests, since two chains and a node take their time to start; the first finds it just started. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "adyton-two-chains-"));
  const behaviourDigest = standInBehaviourDigest();
  [living, dying, enclave] = await Promise.all([
    startTestChain({ behaviourDigest, chainId: LOCAL_CHAIN_IDS[0] }),
    startTestChain({ behaviourDigest, chainId: LOCAL_CHAIN_IDS[1] }),
    startStandInEnclave(),
  ]);
  proxy = await FaultyProxy.start(dying.anvil.url);
  proxy.fault = "hang";
  oracle = await startOracleProcess(
    await writeTestConfig({
      directory,
      chains: [living, dying],
      enclaves: [enclave],
      rpcUrls: (chain) => [chain === dying ? proxy.url : chain.anvil.url],
      chainChange: { rpcTimeoutMs: RPC_TIMEOUT_MS },
    }),
  );
});

afterEach(({ task }) => {
  proxy.fault = "none";
  if (task.result?.state === "fail") process.stderr.write(oracle?.log().slice(-8_000) ?? "");
});

afterAll(async () => {
  await oracle?.stop("SIGKILL");
  await Promise.all([enclave.stop(), proxy.close(), living.stop(), dying.stop()]);
  rmSync(directory, { recursive: true, force: true });
});

/** Asks one after the other on `chain`, each answered before the next. @returns milliseconds from request to answer, sorted */
async function askInTurn(chain: TestChain): Promise<number[]> {
  const latencies: number[] = [];
  for (let count = 0; count < REQUESTS; count += 1) {
    const { requestId } = await ask(chain);
    const asked = wallClockMs();
    expect(await untilSettled(chain, requestId, 60_000)).toMatchObject({ fulfilled: 1, refunded: 0 });
    latencies.push(wallClockMs() - asked);
  }
  return latencies.sort((a, b) => a - b);
}

async function untilFailing(): Promise<void> {
  await until("a call to the dead RPC", () => Promise.resolve(proxy.failed > 0 ? true : undefined));
}

describe("one oracle on two chains", PROCESS_TEST, () => {
  test("started while the RPC of one chain is dead, it serves the other, and the first when it comes", async () => {
    await untilFailing();
    const { requestId } = await ask(dying);
    await askInTurn(living);
    expect(enclave.calls.has(requestId)).toBe(false);
    proxy.fault = "none";
    expect(await untilSettled(dying, requestId, 60_000)).toMatchObject({ fulfilled: 1, refunded: 0 });
  });

  test.for<Fault>(["hang", "cut"])(
    "when the RPC of one chain dies (%s), the other is served as before; when it is back, so is the first",
    async (fault) => {
      const before = await askInTurn(living);
      proxy.fault = fault;
      await untilFailing();
      const { requestId } = await ask(dying);
      const meanwhile = await askInTurn(living);
      process.stdout.write(
        `median of ${REQUESTS}: ${before[2]} ms, and ${meanwhile[2]} ms while the other chain's RPC is dead (${fault})\n`,
      );
      expect(enclave.calls.has(requestId)).toBe(false);
      proxy.fault = "none";
      expect(await untilSettled(dying, requestId, 60_000)).toMatchObject({ fulfilled: 1, refunded: 0 });
      expect(enclave.calls.get(requestId)).toBe(1);
    },
  );
});
