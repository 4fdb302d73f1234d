/** `adyton ask QUESTION`: asks through the Concierge contract of a local network. */

import { dirname } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import { DEFAULT_NETWORK_FILE, type NetworkFile } from "../../devnet/network-file.ts";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import type { Prompt } from "../../protocol/prompt.ts";
import { ExitCode } from "../exit-codes.ts";
import { parseSeconds } from "../options.ts";
import { printable, showWaiting } from "../terminal.ts";
import type { SavedReceipt } from "../receipt/download.ts";
import type { Answered, AskStep } from "./ask-contract.ts";
import type { Question } from "./question.ts";
import { EFFORT_NAMES, PANEL_RULES } from "./settings.ts";

type Settings = Pick<Question, "system" | "panel" | "quorum" | "effort">;

interface AskCommandOptions extends Settings {
  readonly model?: readonly string[];
  readonly returns?: string;
  readonly page?: readonly string[];
  readonly image?: readonly string[];
  readonly document?: readonly string[];
  /** In thousandths. */
  readonly temperature?: number;
  readonly maxTokens?: number;
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
    .option("--model <provider/model>", "which model (default: the network's); several make a panel", collect)
    .option("--returns <types>", 'an output type, such as "(bool yes, string why)"; without it, text')
    .option("--page <url>", "a page that the enclave reads for the model; can be repeated", collect)
    .option("--image <file or url>", "a PNG, JPEG or WebP for the model; can be repeated", collect)
    .option("--document <file or url>", "a PDF for the model; can be repeated", collect)
    .option("--system <text>", "instructions that stand before the question")
    .addOption(new Option("--effort <level>", "how much the model thinks").choices(EFFORT_NAMES))
    .option("--temperature <number>", "0 to 2, for models that take it", parseTemperature)
    .option("--max-tokens <number>", "of each model's answer (default: 1024)", parseCount)
    .addOption(new Option("--panel <rule>", "how several models become one answer").choices(PANEL_RULES))
    .option("--quorum <number>", "answers that a panel needs", parseCount)
    .option("--network <file>", "network file", DEFAULT_NETWORK_FILE)
    .option("--timeout <seconds>", "how long to wait", parseSeconds, DEFAULT_TIMEOUT_SECONDS)
    .option("--json", "print one JSON object")
    .action(async (question: string, options: AskCommandOptions) => {
      process.exitCode = await ask(question, options);
    });
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,8}$/.test(text) || count === 0) throw new InvalidArgumentError("expected a number above 0");
  return count;
}

function parseTemperature(text: string): number {
  const milli = Number(text) * 1000;
  if (!/^\d(?:\.\d{1,3})?$/.test(text) || milli > 2_000)
    throw new InvalidArgumentError("expected a number from 0 to 2, with at most three decimals");
  return Math.round(milli);
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
  const network = await findNetwork(options.network);
  const { connectLocally } = await import("../../devnet/local-accounts.ts");
  const { askConcierge, readDelivered } = await import("./ask-concierge.ts");
  const { readReply } = await import("./reply.ts");
  const { describeAnswer, toJson } = await import("./describe.ts");
  const prompt = await readPrompt(question, options, network);
  const provider = connectLocally(network.rpcUrl, network.chainId);
  const waiting = showWaiting("sending the question");
  try {
    const answered = await askConcierge(network, provider, {
      prompt,
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
    const { policyFile } = network;
    const files = { networkFile: options.network, receiptFile, policyFile };
    const result = { ...answered, question, ...reply, ...files };
    process.stdout.write(options.json === true ? `${toJson(result)}\n` : describeAnswer(result));
    return answered.status === "ok" && answered.delivered ? ExitCode.ok : ExitCode.notGenuine;
  } finally {
    waiting.end();
    provider.destroy();
  }
}

/** Whatever can be refused without a model is refused here, before anything is paid. */
async function readPrompt(
  question: string,
  options: AskCommandOptions,
  network: NetworkFile,
): Promise<Prompt> {
  const { toPrompt } = await import("./question.ts");
  const { download, readNamed } = await import("./named-parts.ts");
  const { system, panel, quorum, effort } = options;
  const models = chooseModels(network, options.model);
  const asked: Question = {
    question,
    models,
    outputType: options.returns ?? null,
    ...{ system, panel, quorum, effort },
    temperatureMilli: options.temperature,
    maxOutputTokens: options.maxTokens,
  };
  toPrompt(asked);
  const named = {
    pages: options.page ?? [],
    images: options.image ?? [],
    documents: options.document ?? [],
  };
  const reading = { files: network.files, models: models.length, download };
  const parts = await readNamed(named, reading);
  for (const { told } of parts) process.stderr.write(`${"names".padEnd(10)}  ${printable(told)}\n`);
  return toPrompt({ ...asked, parts: parts.map(({ part }) => part) });
}

/** An unknown model would be sent, paid for and answered with "invalid request". */
function chooseModels(
  { model, models }: NetworkFile,
  wanted: readonly string[] | undefined,
): readonly string[] {
  const unknown = wanted?.find((name) => !models.includes(name));
  if (unknown === undefined) return wanted ?? [model];
  throw usage(`this network has no model ${unknown}: --model takes ${models.join(", ")}`);
}

async function fetchReceipt(
  { oracleUrl }: NetworkFile,
  { status, requestId, fulfillTx }: Answered,
  folder: string,
): Promise<SavedReceipt | null> {
  // The oracle gives no receipt before the answer is on the chain, and none where there was no answer.
  if (fulfillTx === null || status === "refunded") return null;
  const { downloadReceipt } = await import("../receipt/download.ts");
  return downloadReceipt(oracleUrl, requestId, folder);
}

function usage(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
