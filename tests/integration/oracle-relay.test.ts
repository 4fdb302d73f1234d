import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startOracleProcess, writeOracleConfig } from "../oracle/support/oracle-process.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import { standInBehaviourDigest, startStandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { ask, outcomeOf, startTestChain, until, untilSettled } from "../oracle/support/test-chain.ts";
import type { TestChain } from "../oracle/support/test-chain.ts";

let directory: string;
let chain: TestChain;
let enclave: StandInEnclave;
let oracle: OracleProcess | undefined;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "adyton-oracle-"));
  chain = await startTestChain({ behaviourDigest: standInBehaviourDigest() });
  enclave = await startStandInEnclave();
});

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") {
    process.stderr.write(oracle?.log().slice(-8_000) ?? "");
  }
  await oracle?.stop("SIGKILL");
  oracle = undefined;
  await enclave.stop();
  await chain.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<OracleProcess> {
  oracle = await startOracleProcess(
    await writeOracleConfig({ directory, chains: [chain], enclaves: [enclave] }),
  );
  return oracle;
}

/** Milliseconds: three processes start, on a machine that may be busy. */
const PROCESS_TEST = { timeout: 90_000 };

describe("the oracle as a process", PROCESS_TEST, () => {
  test("admits the enclave, relays a request, and serves its receipt", async () => {
    const { url } = await start();
    const { requestId } = await ask(chain);
    const outcome = await untilSettled(chain, requestId);
    expect(outcome).toMatchObject({ fulfilled: 1, refunded: 0, status: 1 });
    const receipt = await until("receipt", async () => {
      const response = await fetch(`${url}/v1/receipts/${requestId}`);
      return response.ok ? ((await response.json()) as { answer: { requestId: string } }) : undefined;
    });
    expect(receipt.answer.requestId).toBe(requestId);
  });

  test("killed between reading the event and sending the transaction, it fulfils exactly once after its restart", async () => {
    let reached: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (reached = resolve));
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    enclave.decide = async () => {
      reached();
      await held;
      return { status: 1 };
    };
    const first = await start();
    const { requestId } = await ask(chain);
    await asked;
    await first.stop("SIGKILL");
    release();
    expect(await outcomeOf(chain, requestId)).toMatchObject({ fulfilled: 0 });
    await start();
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 1, refunded: 0, status: 1 });
    // A second transaction would be in one of the next blocks.
    await chain.rpc("anvil_mine", 3);
    expect(await outcomeOf(chain, requestId)).toMatchObject({ fulfilled: 1 });
    expect(enclave.calls.get(requestId)).toBe(1);
  });
});
