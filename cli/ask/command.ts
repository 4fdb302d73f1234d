/** `adyton ask QUESTION`: asks through the Concierge contract of a local network. */

import { dirname } from "node:path";
import type { Command } from "commander";
import { InputError } from "../../protocol/errors.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { ExitCode } from "../exit-codes.ts";
import { DEFAULT_NETWORK_FILE } from "../../devnet/network-file.ts";

interface AskCommandOptions {
  readonly model?: string;
  readonly returns?: string;
  readonly network: string;
  readonly timeout: string;
  readonly json?: true;
}

const DEFAULT_TIMEOUT_SECONDS = 120;

export function registerAsk(program: Command): void {
  program
    .command("ask")
    .description("ask a model through a contract of the network that `adyton up` started")
    .argument("<question>", "what to ask; it will be public on the chain")
    .option("--model <provider/model>", "which model (default: the network's)")
    .option("--returns <types>", 'an output type, such as "(bool yes, string why)"; without it, text')
    .option("--network <file>", "network file", DEFAULT_NETWORK_FILE)
    .option("--timeout <seconds>", "how long to wait", String(DEFAULT_TIMEOUT_SECONDS))
    .option("--json", "print one JSON object")
    .action(async (question: string, options: AskCommandOptions) => {
      process.exitCode = await ask(question, options);
    });
}

async function ask(question: string, options: AskCommandOptions): Promise<ExitCode> {
  const timeoutMs = Number(options.timeout) * 1000;
  if (question.trim() === "") throw usage("the question is empty");
  if (!(timeoutMs > 0)) throw usage("--timeout takes a number of seconds");
  if (options.returns !== undefined) parseOutputType(options.returns);

  const { readNetworkFile } = await import("../../devnet/network-file.ts");
  const { connectLocally } = await import("../../devnet/local-accounts.ts");
  const { askConcierge } = await import("./ask-concierge.ts");
  const { downloadReceipt } = await import("./receipt-download.ts");
  const { describeAnswer, toJson } = await import("./describe.ts");
  const network = readNetworkFile(options.network);
  const provider = connectLocally(network.rpcUrl, network.chainId);
  try {
    const answered = await askConcierge(network, provider, {
      question,
      model: options.model ?? network.model,
      outputType: options.returns ?? null,
      timeoutMs,
      onStep: (step, detail) => {
        process.stderr.write(`${step.padEnd(10)}  ${detail}\n`);
      },
    });
    const folder = dirname(options.network);
    const { status, requestId } = answered;
    const receiptFile =
      status === "refunded" || status === "notServed"
        ? null
        : await downloadReceipt(network.oracleUrl, requestId, folder);
    const result = { ...answered, receiptFile, policyFile: network.policyFile };
    process.stdout.write(options.json === true ? `${toJson(result)}\n` : describeAnswer(result));
    return status === "ok" ? ExitCode.ok : ExitCode.notGenuine;
  } finally {
    provider.destroy();
  }
}

function usage(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
