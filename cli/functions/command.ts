/** `adyton functions ask|simulate|local|secrets`: the road through Chainlink Functions. */

import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { InputError } from "../../protocol/errors.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { ExitCode } from "../exit-codes.ts";
import { commandLine } from "../invocation.ts";
import { DEFAULT_NETWORK_FILE } from "../../devnet/network-file.ts";
import { parseCount, parseSeconds, parseSlot } from "../options.ts";
import { DEFAULT_FUNCTIONS_FILE } from "./functions-file.ts";

interface QuestionOptions {
  readonly model?: string;
  readonly returns?: string;
  readonly functions: string;
  readonly json?: true;
}

interface AskOptions extends QuestionOptions {
  readonly timeout: number;
}

interface SecretsOptions {
  readonly donGateway: readonly string[];
  readonly slot: number;
  readonly minutes: number;
  readonly functions: string;
}

const DEFAULT_TIMEOUT_SECONDS = 300;
const DEFAULT_MINUTES = 1_440;

export function registerFunctions(program: Command): void {
  const functions = program.command("functions").description("ask through Chainlink Functions");
  addQuestionOptions(functions.command("ask"))
    .description("ask through a consumer contract, and wait for the answer that the nodes bring")
    .option("--timeout <seconds>", "how long to wait", parseSeconds, DEFAULT_TIMEOUT_SECONDS)
    .action(async (question: string, options: AskOptions) => {
      process.exitCode = await ask(question, options);
    });
  addQuestionOptions(functions.command("simulate"))
    .description("run the script on this machine, as a node would: no chain, no LINK, the real enclave")
    .action(async (question: string, options: QuestionOptions) => {
      process.exitCode = await simulate(question, options);
    });
  functions
    .command("local")
    .description(
      "start the toolkit's local network of Functions beside `adyton up`, and keep it until Ctrl-C",
    )
    .option("--network <file>", "network file of `adyton up`", DEFAULT_NETWORK_FILE)
    .option("--functions <file>", "where to write how to reach it", DEFAULT_FUNCTIONS_FILE)
    .action(async (options: { readonly network: string; readonly functions: string }) => {
      process.exitCode = await local(options.network, resolve(options.functions));
    });
  registerOperation(functions);
}

function registerOperation(functions: Command): void {
  functions
    .command("secrets")
    .description(
      "leave the enclave's URL and credential, encrypted, with the nodes, and tell the consumer where",
    )
    .requiredOption("--don-gateway <url...>", "gateways of the network of nodes")
    .option("--slot <number>", "slot on the nodes", parseSlot, 0)
    .option("--minutes <number>", "how long the nodes keep them", parseCount, DEFAULT_MINUTES)
    .option("--functions <file>", "file that says which consumer and nodes", DEFAULT_FUNCTIONS_FILE)
    .action(async (options: SecretsOptions) => {
      process.exitCode = await secrets(options);
    });
}

function addQuestionOptions(command: Command): Command {
  return command
    .argument("<question>", "what to ask; it will be public on the chain")
    .option("--model <provider/model>", "which model (default: the file's)")
    .option("--returns <types>", 'an output type, such as "(bool yes, string why)"; without it, text')
    .option("--functions <file>", "file that says which consumer and nodes", DEFAULT_FUNCTIONS_FILE)
    .option("--json", "print one JSON object");
}

async function ask(question: string, options: AskOptions): Promise<ExitCode> {
  const timeoutMs = options.timeout * 1000;
  checkQuestion(question, options);
  keepStdoutForAnswers();
  const { readFunctionsFile } = await import("./functions-file.ts");
  const file = readFunctionsFile(options.functions);
  const { loadFunctionsToolkit } = await import("../../oracle/functions/toolkit.ts");
  const { connectFunctions } = await import("./connect.ts");
  const { askFunctions } = await import("./ask-functions.ts");
  const { describeAnswered } = await import("./describe.ts");
  const connection = connectFunctions(file, loadFunctionsToolkit());
  try {
    const answered = await askFunctions({
      file,
      ...connection,
      question,
      model: options.model ?? file.model,
      outputType: options.returns ?? null,
      timeoutMs,
      monotonicMs: () => performance.now(),
      onStep: (step, detail) => {
        process.stderr.write(`${step.padEnd(10)}  ${detail}\n`);
      },
    });
    await print(options, answered, describeAnswered);
    return answered.status === "ok" ? ExitCode.ok : ExitCode.notGenuine;
  } finally {
    connection.provider.destroy();
  }
}

async function simulate(question: string, options: QuestionOptions): Promise<ExitCode> {
  checkQuestion(question, options);
  keepStdoutForAnswers();
  const { readFunctionsFile } = await import("./functions-file.ts");
  const file = readFunctionsFile(options.functions);
  const { checkDeno, loadFunctionsToolkit } = await import("../../oracle/functions/toolkit.ts");
  const { simulateFunctions } = await import("./simulate.ts");
  const { describeSimulated } = await import("./describe.ts");
  const loaded = loadFunctionsToolkit();
  checkDeno();
  const { connectFunctions } = await import("./connect.ts");
  const { provider } = connectFunctions(file, loaded);
  try {
    const simulated = await simulateFunctions({
      file,
      toolkit: loaded.toolkit,
      provider,
      question,
      model: options.model ?? file.model,
      outputType: options.returns ?? null,
      now: Math.floor(Date.now() / 1000),
    });
    await print(options, simulated, describeSimulated);
    return simulated.status === "ok" ? ExitCode.ok : ExitCode.notGenuine;
  } finally {
    provider.destroy();
  }
}

async function local(networkFile: string, functionsFile: string): Promise<ExitCode> {
  keepStdoutForAnswers();
  const { findNetwork } = await import("../network-file.ts");
  const network = await findNetwork(networkFile);
  const { writeFunctionsFile } = await import("./functions-file.ts");
  const { startLocalFunctions } = await import("./local.ts");
  const interrupted = untilInterrupted();
  const running = await startLocalFunctions({
    network,
    folder: dirname(functionsFile),
    now: () => Date.now(),
    onStep: (name, detail) => {
      process.stdout.write(`${name.padEnd(10)}  ${detail}\n`);
    },
  });
  try {
    writeFunctionsFile(functionsFile, running.file);
    process.stdout.write(
      `\nWritten to ${functionsFile}. Ask with:\n` +
        `  ${commandLine("functions", "ask", "Is water wet?", "--returns", "(bool yes, string why)", "--functions", functionsFile)}\n` +
        "Ctrl-C ends it.\n",
    );
    await interrupted;
    return ExitCode.ok;
  } finally {
    await running.stop();
  }
}

async function secrets({ donGateway, slot, minutes, functions }: SecretsOptions): Promise<ExitCode> {
  keepStdoutForAnswers();
  const { readFunctionsFile } = await import("./functions-file.ts");
  const file = readFunctionsFile(functions);
  const { loadFunctionsToolkit } = await import("../../oracle/functions/toolkit.ts");
  const { connectFunctions } = await import("./connect.ts");
  const { leaveSecrets } = await import("./leave-secrets.ts");
  const connection = connectFunctions(file, loadFunctionsToolkit());
  try {
    const { reference } = await leaveSecrets({
      file,
      ...connection,
      gatewayUrls: donGateway,
      slotId: slot,
      minutesUntilExpiration: minutes,
    });
    process.stdout.write(
      `secrets left for ${minutes} minutes; ${file.consumer} refers to them by ${reference}\n`,
    );
    return ExitCode.ok;
  } finally {
    connection.provider.destroy();
  }
}

function untilInterrupted(): Promise<void> {
  return new Promise((done) => {
    process.once("SIGINT", done);
    process.once("SIGTERM", done);
  });
}

async function print<Result extends object>(
  { json }: QuestionOptions,
  result: Result,
  describe: (result: Result) => string,
): Promise<void> {
  const { toJson } = await import("../ask/describe.ts");
  process.stdout.write(json === true ? `${toJson(result)}\n` : describe(result));
}

/** The toolkit and its ethers 5 write to the console as they please; stdout is for answers. */
function keepStdoutForAnswers(): void {
  console.log = console.info = console.error;
}

function checkQuestion(question: string, { returns }: QuestionOptions): void {
  if (question.trim() === "") throw usage("the question is empty");
  if (returns !== undefined) parseOutputType(returns);
}

function usage(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
