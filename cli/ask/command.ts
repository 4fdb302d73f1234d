/** `adyton ask QUESTION`: asks through the Concierge contract of a local network. */

import { dirname } from "node:path";
import type { Command } from "commander";
import { DEFAULT_NETWORK_FILE, type NetworkFile } from "../../devnet/network-file.ts";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { ExitCode } from "../exit-codes.ts";
import { parseSeconds } from "../options.ts";
import { showWaiting } from "../terminal.ts";
import type { SavedReceipt } from "../receipt/download.ts";
import type { Answered, AskStep } from "./ask-contract.ts";

interface AskCommandOptions {
  readonly model?: string;
  readonly returns?: string;
  readonly network: string;
  readonly timeout: number;
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
    .option("--timeout <seconds>", "how long to wait", parseSeconds, DEFAULT_TIMEOUT_SECONDS)
    .option("--json", "print one JSON object")
    .action(async (question: string, options: AskCommandOptions) => {
      process.exitCode = await ask(question, options);
    });
}

/** The message while each step runs. */
const WAITING: Readonly<Record<AskStep, string>> = {
  sent: "waiting for the block with the question",
  requested: "waiting for the answer",
  failed: "fetching what was signed",
  answered: "fetching the receipt",
};

async function ask(question: string, options: AskCommandOptions): Promise<ExitCode> {
  const timeoutMs = options.timeout * 1000;
  if (question.trim() === "") throw usage("the question is empty");
  const outputType = options.returns ?? null;
  if (outputType !== null) parseOutputType(outputType);

  const { findNetwork } = await import("../network-file.ts");
  const { connectLocally } = await import("../../devnet/local-accounts.ts");
  const { askConcierge, readDelivered } = await import("./ask-concierge.ts");
  const { readReply } = await import("./reply.ts");
  const { describeAnswer, toJson } = await import("./describe.ts");
  const network = await findNetwork(options.network);
  const model = chooseModel(network, options.model);
  const provider = connectLocally(network.rpcUrl, network.chainId);
  const waiting = showWaiting("sending the question");
  try {
    const answered = await askConcierge(network, provider, {
      question,
      model,
      outputType,
      timeoutMs,
      onStep: (step, detail) => {
        waiting.end();
        process.stderr.write(`${step.padEnd(10)}  ${detail}\n`);
        waiting.on(WAITING[step]);
      },
    });
    const receipt = await fetchReceipt(network, answered, dirname(options.network)).catch(
      (error: unknown) => {
        // What the chain has is still worth telling.
        if (!(error instanceof AdytonError)) throw error;
        waiting.end();
        process.stderr.write(`no receipt  ${error.message}\n`);
        return null;
      },
    );
    const delivered = await readDelivered(network, provider, answered);
    waiting.end();
    const reply = readReply(answered, outputType, { delivered, receipt: receipt?.bytes ?? null });
    const receiptFile = receipt?.file ?? null;
    const result = { ...answered, question, ...reply, receiptFile, policyFile: network.policyFile };
    process.stdout.write(options.json === true ? `${toJson(result)}\n` : describeAnswer(result));
    return answered.status === "ok" && answered.delivered ? ExitCode.ok : ExitCode.notGenuine;
  } finally {
    waiting.end();
    provider.destroy();
  }
}

/** An unknown model would be sent, paid for and answered with "invalid request". */
function chooseModel({ model, models }: NetworkFile, wanted: string | undefined): string {
  if (wanted === undefined || models.includes(wanted)) return wanted ?? model;
  throw usage(`this network has no model ${wanted}: --model takes ${models.join(", ")}`);
}

async function fetchReceipt(
  { oracleUrl }: NetworkFile,
  { status, requestId }: Answered,
  folder: string,
): Promise<SavedReceipt | null> {
  if (status === "refunded" || status === "waiting" || status === "notServed") return null;
  const { downloadReceipt } = await import("../receipt/download.ts");
  return downloadReceipt(oracleUrl, requestId, folder);
}

function usage(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
