/** Several nodes on one PostgreSQL and several chains, with one enclave and a model that takes its time. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchConsumer__factory } from "../../contracts/bindings/factories/index.ts";
import type { RunningProgram } from "../../devnet/child-process.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { LOCAL_CHAIN_IDS, startTestChain } from "../../tests/oracle/support/test-chain.ts";
import type { AskedStack } from "./load.ts";
import { createDatabase } from "./postgres.ts";
import { startEnclave, startModel, startOracle, type OracleOptions } from "./processes.ts";

/** A block a second, and room in it for a thousand answers. */
export const SLOW_BLOCKS = ["--block-time", "1", "--gas-limit", "300000000"];

export interface ScaleStage {
  readonly chains: readonly AskedStack[];
  readonly nodes: readonly RunningProgram[];
  readonly enclave: RunningProgram;
  readonly model: RunningProgram;
  /** As questions name it. */
  readonly modelName: string;
  readonly databaseUrl: string;
  readonly stop: () => Promise<void>;
}

export interface ScaleStageOptions {
  /** A PostgreSQL server on which a database may be made. */
  readonly postgres: string;
  readonly nodes: number;
  /** At most as many as the simulator's verifier takes for local. */
  readonly chains: number;
  readonly modelMs: number;
  /** Requests at the enclave at once, of each node. */
  readonly slots: number;
  readonly profileFolder?: string | undefined;
}

export async function startScaleStage(options: ScaleStageOptions): Promise<ScaleStage> {
  const { slots, modelMs } = options;
  const folder = mkdtempSync(join(tmpdir(), "adyton-bench-"));
  const ends: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const database = await createDatabase(options.postgres);
    ends.push(() => database.drop());
    const slow = `slow-${modelMs}`;
    const model = await startModel(folder, [slow]);
    ends.push(() => model.program.stop());
    const chainIds = LOCAL_CHAIN_IDS.slice(0, options.chains);
    const { enclave, behaviourDigest } = await startEnclave(folder, model.choice, chainIds);
    ends.push(() => enclave.stop());
    const chains: AskedStack[] = [];
    for (const chainId of chainIds) {
      const asked = await startChain(chainId, behaviourDigest);
      ends.push(() => asked.chain.stop());
      chains.push(asked);
    }
    const nodes: RunningProgram[] = [];
    for (let index = 0; index < options.nodes; index += 1) {
      const oracle: OracleOptions = {
        store: { kind: "postgres", url: database.url },
        chain: { maxInFlight: 1_000 },
        change: { concurrency: slots },
        ...(index === 0 ? { profileFolder: options.profileFolder } : {}),
      };
      const tested = chains.map(({ chain }) => chain);
      const node = await startOracle(join(folder, `node-${index}`), tested, enclave.ready, oracle);
      ends.push(() => node.stop());
      nodes.push(node);
    }
    const modelName = `stand-in/${slow}`;
    return { chains, nodes, enclave, model: model.program, modelName, databaseUrl: database.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startChain(chainId: number, behaviourDigest: Hex): Promise<AskedStack> {
  const chain = await startTestChain({ behaviourDigest, chainId, anvilArgs: SLOW_BLOCKS });
  const { coordinator, policyId } = chain.deployment;
  const consumer = await new BenchConsumer__factory(chain.asker).deploy(coordinator, policyId);
  await consumer.waitForDeployment();
  return { chain, consumer };
}
