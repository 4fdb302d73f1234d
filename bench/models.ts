/**
 * `npm run bench:models [-- --json] [--scores N]`: what a score of each model of the tests costs, in a contract and by a proof of N of them, beside what
 * an enclave's answer costs; and how far it is from its trainer's.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ContractFactory, type BaseContract } from "ethers";
import * as z from "zod";
import { toElement } from "../coprocessor/models/commit-model.ts";
import { encodeModel } from "../coprocessor/models/encode-model.ts";
import { scoreModel, type IntegerModel } from "../coprocessor/models/integer-model.ts";
import { elementWord } from "../coprocessor/models/proof-file.ts";
import { readModel } from "../coprocessor/models/read-model.ts";
import { writeSolidity } from "../coprocessor/models/write-solidity.ts";
import { countGates, log2GatesOf } from "../coprocessor/prover/circuit-size.ts";
import { compileModelCircuit, modelCircuitInput } from "../coprocessor/prover/model-circuit.ts";
import { loadProvingKey, proveInput, writeVerifier } from "../coprocessor/prover/prove.ts";
import { packFeatures, startModelChain } from "../tests/support/model-chain.ts";
import { CACHE, developmentSrs, watchUsage } from "./coprocessor/prover.ts";
import { compileVerifier } from "./coprocessor/proven-stage.ts";

const FOLDER = join(import.meta.dirname, "../tests/vectors/models");
const MODELS = [
  { name: "Logistic", file: "logistic.onnx" },
  { name: "Lightgbm", file: "lightgbm.txt" },
  { name: "Perceptron", file: "perceptron.onnx" },
] as const;
/** Scores of the reference that are timed. */
const RUNS = 10_000;
const MEMORY_MB = 16_000;

const { values } = parseArgs({
  options: { json: { type: "boolean" }, scores: { type: "string", default: "8" } },
});
const count = Number(values.scores);
/** Of one answer that an enclave gave, to a consumer that keeps it: compared by `npm run check:gas`. */
const { fulfill: enclaveGas } = z
  .object({ fulfill: z.int() })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "gas-snapshot.json"), "utf8")));

async function measureProof(model: IntegerModel, features: readonly number[]) {
  const circuit = await compileModelCircuit(model, { count, cache: join(CACHE, "circuits") });
  const limits = { memoryMb: MEMORY_MB, threads: 2 };
  const gates = await countGates(circuit, { ...limits, srs: CACHE });
  const options = { ...limits, srs: developmentSrs(log2GatesOf(gates)) };
  const key = await loadProvingKey(circuit, options);
  const secrets = Array.from({ length: count }, (_, index) => ({ features, salt: BigInt(index) }));
  const { statement, input } = modelCircuitInput(model, 0n, secrets);
  const watch = watchUsage();
  const proof = await proveInput(key, input, { ...options, onStart: watch.start });
  const { cpuSeconds, peakMb } = watch.stop();
  const { abi, bytecode } = compileVerifier(await writeVerifier(key, options));
  const verifier: BaseContract = await new ContractFactory(
    abi,
    bytecode,
    await chain.provider.getSigner(0),
  ).deploy();
  await verifier.waitForDeployment();
  const elements = [statement.model, ...statement.inputs, ...statement.scores.flat().map(toElement)];
  const gas = Number(await verifier.getFunction("verify").estimateGas(proof, elements.map(elementWord)));
  return { scores: count, gates, gas, gasPerScore: Math.round(gas / count), cpuSeconds, peakMb };
}

const chain = await startModelChain();
try {
  const rows = [];
  for (const { name, file } of MODELS) {
    const model = readModel(readFileSync(join(FOLDER, file)), { featureBits: 12, range: 8 });
    const contract = await chain.deployModel(writeSolidity(model, name));
    const features = Array.from({ length: model.features }, (_, index) => 1_024 * (index - 3));
    const gas = Number(await contract.getFunction("score").estimateGas(packFeatures(features)));
    const startedAt = performance.now();
    for (let run = 0; run < RUNS; run += 1) scoreModel(model, features);
    const seconds = (performance.now() - startedAt) / 1_000 / RUNS;
    const { maxError } = model;
    const proof = await measureProof(model, features);
    rows.push({ name, bytes: encodeModel(model).length, maxError, evm: { gas, seconds }, proof });
  }
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify({ enclaveGas, models: rows })}\n`);
  } else {
    for (const { name, bytes, maxError, evm, proof } of rows) {
      process.stdout.write(
        `${name.padEnd(10)} ${bytes} bytes, error up to ${maxError.toExponential(1)}; contract ${evm.gas} gas a score, ${(evm.seconds * 1e6).toFixed(1)} µs off chain; proof of ${proof.scores}: ${proof.gas} gas, ${proof.gates} gates, ${proof.cpuSeconds.toFixed(1)} s of processor, ${proof.peakMb} MB; an enclave's answer ${enclaveGas} gas\n`,
      );
    }
  }
} finally {
  await chain.stop();
}
