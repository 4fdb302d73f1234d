/** `adyton agent ask`: has a contract of a local network run the program, and waits until the contract has its answer. */

import { join } from "node:path";
import { Concierge__factory } from "../../contracts/bindings/factories/index.ts";
import { connectLocally, localSigner } from "../../devnet/local-accounts.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import type { NetworkFile } from "../../devnet/network-file.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { parseReceipt } from "../../protocol/receipt.ts";
import { askContract } from "../ask/ask-contract.ts";
import { toJson } from "../ask/describe.ts";
import { ExitCode } from "../exit-codes.ts";
import { commandLine } from "../invocation.ts";
import { downloadReceipt } from "../receipt/download.ts";
import { paint, printableBelow, showWaiting } from "../terminal.ts";
import { readAccess } from "./access.ts";
import { buildProgram } from "./build-program.ts";
import { encodeInput, readOutput } from "./program-values.ts";
import { readInput, readProject } from "./project.ts";
import { bringProgram, openEnclave } from "./run-on-network.ts";
import { describeTrace, traceOf } from "./trace.ts";

const TIMEOUT_MS = 120_000;

export interface AgentAskOptions {
  readonly network: string;
  readonly input?: string;
  readonly json?: true;
}

/** The enclave gets the program first: the request names it by its hash. */
export async function askThroughContract(
  folder: string,
  network: NetworkFile,
  options: AgentAskOptions,
): Promise<ExitCode> {
  const project = readProject(folder);
  const built = await buildProgram(project);
  const input = encodeInput(project.manifest, readInput(project, options.input));
  const access = await readAccess(options, project.manifest.models);
  {
    using client = await openEnclave(access);
    await bringProgram(client, access, built);
  }
  const provider = connectLocally(network.rpcUrl, network.chainId);
  const waiting = showWaiting("sending the request");
  try {
    const answered = await askContract({
      provider,
      signer: localSigner(provider, LocalAccount.asker),
      coordinator: network.contracts.coordinator,
      oracleUrl: network.oracleUrl,
      send: (signer, fee, value) =>
        Concierge__factory.connect(network.contracts.concierge, signer).run(built.program.hash, input, fee, {
          value,
        }),
      monotonicMs: () => performance.now(),
      timeoutMs: TIMEOUT_MS,
      onStep: (step, detail) => {
        waiting.end();
        process.stderr.write(`${step.padEnd(10)}  ${detail}\n`);
        waiting.on("waiting for the chain and the program");
      },
    });
    const receipt = await downloadReceipt(network.oracleUrl, answered.requestId, join(folder, ".adyton"));
    waiting.end();
    const trace = traceOf(parseReceipt(receipt.bytes));
    const kept = await Concierge__factory.connect(network.contracts.concierge, provider).replyTo(
      answered.requestId,
    );
    const output = readOutput(kept.output as Hex, project.manifest.output);
    const { requestId, status, delivered, requestTx, fulfillTx, requestGas, fulfillGas } = answered;
    const result = {
      program: built.program.hash,
      requestId,
      status,
      delivered,
      /** As the contract holds it. */
      output,
      requestTx,
      fulfillTx,
      requestGas,
      fulfillGas,
      ...trace,
      receiptFile: receipt.file,
    };
    process.stdout.write(options.json === true ? `${toJson(result)}\n` : describe(result, trace));
    return status === "ok" && delivered ? ExitCode.ok : ExitCode.notGenuine;
  } finally {
    waiting.end();
    provider.destroy();
  }
}

function describe(
  result: {
    readonly status: string;
    readonly delivered: boolean;
    readonly output: unknown;
    readonly requestId: string;
    readonly fulfillTx: string | null;
    readonly receiptFile: string;
  },
  trace: Parameters<typeof describeTrace>[0],
): string {
  const { status, delivered, output, requestId, fulfillTx, receiptFile } = result;
  const isThere = status === "ok" && delivered;
  return `${[
    describeTrace(trace).trimEnd(),
    `status   ${isThere ? paint.good("ok, delivered to the contract") : paint.bad(status)}`,
    `on chain ${paint.strong(printableBelow(typeof output === "string" ? output : toJson(output as object), 9))}`,
    `request  ${requestId}`,
    `settled  ${fulfillTx ?? "not yet"}`,
    `receipt  ${receiptFile}`,
    "Run it again, offline:",
    `  ${commandLine("replay", receiptFile)}`,
  ].join("\n")}\n`;
}
