/** What most tests of whole nodes begin with: a chain with the contracts, stand-in enclaves, and nodes that serve them. */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { layBlankStore } from "../../oracle/support/blank-store.ts";
import {
  type OracleProcess,
  type OracleSetup,
  startOracleProcess,
  writeTestConfig,
} from "../../oracle/support/oracle-process.ts";
import {
  standInBehaviourDigest,
  type StandInEnclave,
  startStandInEnclave,
} from "../../oracle/support/stand-in-enclave.ts";
import { startTestChain, type TestChain, until } from "../../oracle/support/test-chain.ts";
import { COMPILE_CACHE } from "../../support/compile-cache.ts";

/** Of each node's log, bytes that are shown when a test failed. */
const SHOWN_LOG = 8_000;

/** What is not as in other tests; without a store of its own, a node has an embedded one in its folder. */
export interface NodeSetup extends Partial<Omit<OracleSetup, "directory" | "chains">> {
  /** Tells nodes apart. One that is started again by the same name finds its store as it was. */
  readonly name?: string;
}

export interface Testbed {
  readonly directory: string;
  readonly chain: TestChain;
  readonly enclaves: readonly StandInEnclave[];
  /** The first of them, and in most tests the only one. */
  readonly enclave: StandInEnclave;
  startNode(setup?: NodeSetup): Promise<OracleProcess>;
  /** Resolves when the chain has admitted every enclave. */
  untilAdmitted(): Promise<void>;
  /** Kills the nodes and ends the rest; shows the ends of their logs where the test failed. */
  stop(task?: { readonly result?: { readonly state: string } | undefined }): Promise<void>;
}

export async function startTestbed(
  platforms: readonly [string, ...string[]] = ["test"],
  chainTerms: { readonly quorumWindowSeconds?: number } = {},
): Promise<Testbed> {
  const directory = mkdtempSync(join(tmpdir(), "adyton-testbed-"));
  const [chain, enclave, ...others] = await Promise.all([
    startTestChain({ behaviourDigest: standInBehaviourDigest(), ...chainTerms }),
    startStandInEnclave(platforms[0]),
    ...platforms.slice(1).map((platform) => startStandInEnclave(platform)),
  ]);
  const enclaves = [enclave, ...others];
  const nodes: OracleProcess[] = [];
  return {
    directory,
    chain,
    enclaves,
    enclave,
    startNode: async ({ name = "node", ...setup } = {}) => {
      const folder = join(directory, name);
      const store = join(folder, "store");
      if (setup.store === undefined && !existsSync(store)) await layBlankStore(store);
      const config = await writeTestConfig({ directory: folder, chains: [chain], enclaves, ...setup });
      const node = await startOracleProcess(config, undefined, COMPILE_CACHE);
      nodes.push(node);
      return node;
    },
    untilAdmitted: async () => {
      await until("the admission of every enclave", async () => {
        const admitted = await chain.registry.queryFilter(chain.registry.filters.EnclaveAdmitted(), 0);
        const keysets = new Set(admitted.map(({ args }) => args.keysetId));
        return keysets.size === enclaves.length ? true : undefined;
      });
    },
    stop: async (task) => {
      for (const node of task?.result?.state === "fail" ? nodes : [])
        process.stderr.write(`${node.log().slice(-SHOWN_LOG)}\n\n`);
      await Promise.all(nodes.map((node) => node.stop("SIGKILL")));
      await Promise.all([...enclaves.map((one) => one.stop()), chain.stop()]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
