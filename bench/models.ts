/** `npm run bench:models [-- --json]`: what a score of each model of the tests costs on chain, and how far it is from its trainer's. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { encodeModel } from "../coprocessor/models/encode-model.ts";
import { scoreModel } from "../coprocessor/models/integer-model.ts";
import { readModel } from "../coprocessor/models/read-model.ts";
import { writeSolidity } from "../coprocessor/models/write-solidity.ts";
import { packFeatures, startModelChain } from "../tests/support/model-chain.ts";

const FOLDER = join(import.meta.dirname, "../tests/vectors/models");
const MODELS = [
  { name: "Logistic", file: "logistic.onnx" },
  { name: "Lightgbm", file: "lightgbm.txt" },
  { name: "Perceptron", file: "perceptron.onnx" },
] as const;
/** Scores of the reference that are timed. */
const RUNS = 10_000;

const { values } = parseArgs({ options: { json: { type: "boolean" } } });
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
    const microseconds = ((performance.now() - startedAt) * 1_000) / RUNS;
    rows.push({ name, bytes: encodeModel(model).length, gas, microseconds, maxError: model.maxError });
  }
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify({ target: "evm", models: rows })}\n`);
  } else {
    for (const { name, bytes, gas, microseconds, maxError } of rows) {
      process.stdout.write(
        `${name.padEnd(10)} ${bytes} bytes, ${gas} gas with the transaction's 21,000, ${microseconds.toFixed(1)} µs off chain, error up to ${maxError.toExponential(1)}\n`,
      );
    }
  }
} finally {
  await chain.stop();
}
