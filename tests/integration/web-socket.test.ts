/** A node whose only road to the chain is a WebSocket: it would poll once an hour, so whatever it notices it was told. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startOracleProcess, writeOracleConfig } from "../oracle/support/oracle-process.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import { standInBehaviourDigest, startStandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { ask, startTestChain, untilSettled } from "../oracle/support/test-chain.ts";
import type { TestChain } from "../oracle/support/test-chain.ts";

let directory: string;
let chain: TestChain;
let enclave: StandInEnclave;
let oracle: OracleProcess;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "adyton-socket-"));
  chain = await startTestChain({ behaviourDigest: standInBehaviourDigest() });
  enclave = await startStandInEnclave();
  oracle = await startOracleProcess(
    await writeOracleConfig({
      directory,
      chains: [chain],
      enclaves: [enclave],
      chainChange: { rpcUrls: [chain.anvil.url.replace("http", "ws")], pollMs: 3_600_000 },
    }),
  );
});

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") {
    process.stderr.write(oracle.log().slice(-8_000));
  }
  await oracle.stop("SIGKILL");
  await enclave.stop();
  await chain.stop();
  rmSync(directory, { recursive: true, force: true });
});

test("a node follows the chain by a subscription, and stops when asked to", { timeout: 90_000 }, async () => {
  for (let count = 0; count < 3; count += 1) {
    const { requestId } = await ask(chain);
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 1, status: 1 });
  }
  expect(await oracle.stop("SIGTERM")).toBe(0);
});
