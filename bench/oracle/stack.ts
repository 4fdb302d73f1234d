/** The whole path on one machine: anvil, a model without delay, the enclave's process, the oracle's process. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunningProgram } from "../../devnet/child-process.ts";
import { BenchConsumer__factory } from "../../contracts/bindings/factories/index.ts";
import type { BenchConsumer } from "../../contracts/bindings/index.ts";
import { startEnclave, startModel, startOracle, type OracleOptions } from "./processes.ts";
import { startTestChain, type TestChain } from "../../tests/oracle/support/test-chain.ts";

export interface Stack {
  readonly chain: TestChain;
  readonly consumer: BenchConsumer;
  readonly oracle: RunningProgram;
  readonly enclave: RunningProgram;
  readonly model: RunningProgram;
  /** What the oracle warned of, line by line. */
  readonly readOracleLog: () => readonly string[];
  readonly stop: () => Promise<void>;
}

export interface StackOptions extends OracleOptions {
  readonly anvilArgs?: readonly string[];
}

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-bench-"));
  const model = await startModel(folder);
  const { enclave, behaviourDigest } = await startEnclave(folder, model.choice);
  const chain = await startTestChain({ behaviourDigest, anvilArgs: options.anvilArgs ?? [] });
  const { coordinator, policyId } = chain.deployment;
  const consumer = await new BenchConsumer__factory(chain.asker).deploy(coordinator, policyId);
  await consumer.waitForDeployment();
  const oracle = await startOracle(join(folder, "oracle"), [chain], enclave.ready, options);
  return {
    chain,
    consumer,
    oracle,
    enclave,
    model: model.program,
    readOracleLog: () => readFileSync(join(folder, "oracle/oracle.log"), "utf8").trimEnd().split("\n"),
    stop: async () => {
      await oracle.stop();
      await enclave.stop();
      await model.program.stop();
      await chain.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
