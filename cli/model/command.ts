/** `adyton model …`: a small trained model as a contract, whose scores anyone recomputes; or proven, for features that nobody is shown. */

import { InvalidArgumentError, type Command } from "commander";
import type { ProveScoresOptions, SaltedTerms, VerifyScoresOptions } from "./proof.ts";
import type { ModelTerms } from "../../coprocessor/models/read-model.ts";

const HELP = `
FILE is LightGBM's text or dump_model JSON, XGBoost's JSON, or ONNX made of
Gemm and Relu. What has no form in whole numbers (missing values, categorical
splits, other operators) is refused by name.`;

const PROVE_HELP = `
One circuit serves every model of a shape; a proof hides the features and the
model's numbers, and shows commitments and scores. Fewer inputs than the circuit
has scores are filled up with the last one.
Needs @aztec/bb.js, @noir-lang/noir_js and @noir-lang/noir_wasm.`;

export function registerModel(program: Command): void {
  const model = program.command("model").description("put a small trained model on chain");
  withTerms(model.command("build"))
    .description("write a Solidity contract that scores as the model does")
    .argument("<file>", "the trainer's file")
    .requiredOption("--name <name>", "of the contract")
    .option("--out <folder>", "where NAME.sol and NAME.json are written", ".")
    .addHelpText("after", HELP)
    .action(async (file: string, options: ModelTerms & { readonly name: string; readonly out: string }) => {
      const { build } = await import("./build.ts");
      process.stdout.write(`${build(file, options)}\n`);
    });
  withTerms(model.command("run"))
    .description("score features as the contract does, without a chain")
    .argument("<file>", "the trainer's file")
    .requiredOption("--features <json>", "a list of real numbers")
    .action(async (file: string, options: ModelTerms & { readonly features: string }) => {
      const { run } = await import("./build.ts");
      process.stdout.write(`${JSON.stringify(run(file, options))}\n`);
    });
  withSalt(model.command("commit"))
    .description("name the model, and features that are to be kept secret, by commitments")
    .argument("<file>", "the trainer's file")
    .option(
      "--features <json>",
      "a list of real numbers: an entry for the prover's inputs, and its commitment",
    )
    .action(async (file: string, options: SaltedTerms & { readonly features?: string }) => {
      const { commit } = await import("./proof.ts");
      process.stdout.write(`${JSON.stringify(commit(file, options), null, 2)}\n`);
    });
  withSalt(model.command("prove"))
    .description("prove the scores of features that nobody is shown")
    .argument("<file>", "the trainer's file")
    .requiredOption("--inputs <file>", 'JSON: {"inputs": [{"features": […], "salt": "0x…"}]}')
    .requiredOption("--srs <folder>", "the reference string: see adyton srs")
    .option("--scores <n>", "that the circuit has; by default as many as inputs", positiveCount)
    .option("--verifier <file>", "where the circuit's verifier in Solidity is written")
    .option("--out <file>", "where the proof is written", "scores.json")
    .option("--memory <megabytes>", "the prover's limit", positiveCount, 4_000)
    .option("--threads <number>", "threads of the prover", positiveCount, 2)
    .option("--cache <folder>", "where compiled circuits are kept", ".adyton/circuits")
    .addHelpText("after", PROVE_HELP)
    .action(async (file: string, options: ProveScoresOptions) => {
      const { prove } = await import("./proof.ts");
      await prove(file, options, (line) => void process.stderr.write(`${line}\n`));
    });
  withSalt(model.command("verify"))
    .description("check proven scores, by the verifier on its chain")
    .argument("<file>", "the trainer's file")
    .requiredOption("--proof <file>", "what prove wrote")
    .requiredOption("--rpc <url>", "a node of the verifier's chain")
    .requiredOption("--verifier <address>", "the verifier of the model's shape")
    .action(async (file: string, options: VerifyScoresOptions) => {
      const { verify } = await import("./proof.ts");
      process.stdout.write(`${JSON.stringify(await verify(file, options), null, 2)}\n`);
    });
}

function withSalt(command: Command): Command {
  return withTerms(command).option(
    "--salt <hex>",
    "that hides the model's numbers; without it, anybody may know them",
  );
}

function withTerms(command: Command): Command {
  return command
    .option("--feature-bits <n>", "bits of a feature after the point", count, 12)
    .option("--range <x>", "greatest magnitude of a feature, for Gemm", positive, 8);
}

function count(text: string): number {
  if (!/^[0-9]{1,2}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("expected a number above 0");
  return value;
}

function positiveCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError("expected a whole number above 0");
  return Number(text);
}
