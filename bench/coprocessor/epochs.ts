/** What a proven epoch costs: gas on a local chain, and processor and memory of the prover, as the system counts them. */

import { join } from "node:path";
import type { Step } from "../../coprocessor/epochs/build-epoch.ts";
import { compileCircuit, type CircuitShape } from "../../coprocessor/prover/circuit.ts";
import { countGates, log2GatesOf } from "../../coprocessor/prover/circuit-size.ts";
import { loadProvingKey, proveInput, writeVerifier } from "../../coprocessor/prover/prove.ts";
import * as p from "../../protocol/index.ts";
import type { Chain } from "../gas/chain.ts";
import {
  deployProvenLedger,
  deployVerifier,
  nextProvenEpoch,
  postKey,
  provenArguments,
  signTransition,
} from "./proven-stage.ts";
import { CACHE, developmentSrs, watchUsage, type Usage } from "./prover.ts";
import type { admitNodes } from "./stage.ts";

const MEMORY_MB = 16_000;

export interface EpochFigures {
  readonly settleGas: number;
  readonly perRowGas: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

/** An epoch that writes each of `rows` keys a second time: the first one makes slots that later ones find made. */
export async function measureEpoch(
  chain: Chain,
  admitted: Awaited<ReturnType<typeof admitNodes>>,
  rows: number,
): Promise<EpochFigures> {
  const shape: CircuitShape = { rule: "Register", rows, signatures: 1 };
  const circuit = await compileCircuit(shape, { cache: join(CACHE, "circuits") });
  const limits = { memoryMb: MEMORY_MB, threads: 2 };
  const log2Gates = log2GatesOf(await countGates(circuit, { ...limits, srs: CACHE }));
  const options = { ...limits, srs: developmentSrs(log2Gates) };
  const key = await loadProvingKey(circuit, options);
  const verifier = await deployVerifier(chain, await writeVerifier(key, options));
  const one = { ...admitted, nodes: admitted.nodes.slice(0, 1) };
  const stage = await deployProvenLedger(chain, one, { shape, verifier });
  let used: Usage = { cpuSeconds: 0, peakMb: 0 };
  let settleGas = 0;
  for (const round of ["first", "second"]) {
    const steps: Step[] = [];
    for (let index = 0; index < rows; index += 1) {
      const value = p.keccakText(`${round} verdict on ${index}`);
      const transition = signTransition(stage, stage.state, { key: await postKey(stage, index), value });
      steps.push({ kind: "signed", transition });
    }
    const built = await nextProvenEpoch(stage, steps);
    const watch = watchUsage();
    const proof = await proveInput(key, built.input, { ...options, onStart: watch.start });
    used = watch.stop();
    const { epoch, signers, witness, rows: bytes } = provenArguments(stage, built, proof);
    settleGas = await chain.gasOf(stage.contract.settle(epoch, signers, witness, bytes, proof));
  }
  return { settleGas, perRowGas: Math.round(settleGas / rows), ...used };
}
