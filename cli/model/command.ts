/** `adyton model …`: a small trained model as a contract, whose scores anyone recomputes. */

import { InvalidArgumentError, type Command } from "commander";
import type { ModelTerms } from "../../coprocessor/models/read-model.ts";

const HELP = `
FILE is LightGBM's text or dump_model JSON, XGBoost's JSON, or ONNX made of
Gemm and Relu. What has no form in whole numbers (missing values, categorical
splits, other operators) is refused by name.`;

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
