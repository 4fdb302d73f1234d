/** `adyton epoch prove`: reads a ledger and what enclaves signed for it, and proves its next epoch; with `--follow`, one after another. */

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { JsonRpcProvider } from "ethers";
import type { BuiltEpoch } from "../../coprocessor/epochs/build-epoch.ts";
import { compileCircuit, type CircuitShape } from "../../coprocessor/prover/circuit.ts";
import { countGates } from "../../coprocessor/prover/circuit-size.ts";
import { loadProvingKey, proveInput } from "../../coprocessor/prover/prove.ts";
import { checkSrs } from "../../coprocessor/prover/srs.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import { address, bytes32 } from "../../protocol/fields.ts";
import { EpochProver } from "./epoch-prover.ts";
import { progressLines } from "./progress.ts";
import { readLedger } from "./read-ledger.ts";

export interface ProveOptions {
  readonly rpc: string;
  readonly ledger: string;
  readonly srs: string;
  readonly payee: string;
  readonly transitions?: readonly string[];
  readonly read?: readonly string[];
  readonly memory: number;
  readonly threads: number;
  readonly cache: string;
  readonly out: string;
  readonly follow?: true;
}

/** Blocks are a second apart and more. */
const FOLLOW_MS = 2_000;

/** @throws {ProverError} PROVER_SRS_UNKNOWN before anything is read; InputError for what does not fit the ledger */
export async function prove(options: ProveOptions): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const { kind } = checkSrs(options.srs);
  say(`reference string: ${kind}`);
  const provider = new JsonRpcProvider(options.rpc, undefined, { cacheTimeout: -1 });
  const ledger = address.parse(options.ledger.toLowerCase());
  const prover = new EpochProver({
    ledger,
    payee: address.parse(options.payee.toLowerCase()),
    reads: (options.read ?? []).map((key) => bytes32.parse(key)),
    read: async () => await readLedger(provider, ledger, options.transitions ?? []),
    prove: async (built, shape) => await proveBuilt(built, shape, options, say),
    say,
  });
  try {
    if (options.follow === true) return await follow(prover, options.out, say);
    const next = await prover.next();
    if (next === null)
      throw new InputError({ code: "INPUT_INVALID", message: "nothing waits that a proof can be made of" });
    writeFileSync(options.out, `${JSON.stringify(next.file, null, 2)}\n`);
    say(`proven: ${options.out}`);
  } finally {
    provider.destroy();
  }
}

/** Until it is ended. What fails for now is tried again. */
async function follow(prover: EpochProver, out: string, say: (line: string) => void): Promise<never> {
  for (;;) {
    try {
      const next = await prover.next();
      if (next !== null) {
        const path = out.replace(/(\.json)?$/, `-${next.epoch}.json`);
        writeFileSync(path, `${JSON.stringify(next.file, null, 2)}\n`);
        say(`proven: ${path}`);
        continue;
      }
    } catch (error) {
      const isOurs = error instanceof AdytonError;
      if (isOurs && !(error as AdytonError).retryable) throw error;
      say(`failed, and is tried again: ${error instanceof Error ? error.message : String(error)}`);
    }
    await wait(FOLLOW_MS);
  }
}

async function proveBuilt(
  { input }: BuiltEpoch,
  shape: CircuitShape,
  options: ProveOptions,
  say: (line: string) => void,
): Promise<Hex> {
  const circuit = await compileCircuit(shape, { cache: options.cache });
  const { memory: memoryMb, threads } = options;
  const limits = { srs: resolve(options.srs), memoryMb, threads };
  const gates = await countGates(circuit, limits);
  say(`${gates} gates`);
  const onProgress = progressLines(say, { gates, threads, now: () => performance.now() });
  const proverOptions = { ...limits, onProgress };
  const key = await loadProvingKey(circuit, proverOptions);
  say(`verification key ${key.hash}, of sources ${circuit.sourceHash}`);
  return await proveInput(key, input, proverOptions);
}
