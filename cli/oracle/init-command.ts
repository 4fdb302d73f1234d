/** `adyton oracle init`: beside a local network, or by asking. */

import { join } from "node:path";
import { ExitCode } from "../exit-codes.ts";
import { untilInterrupted } from "../interruption.ts";
import { openInterview } from "../interview.ts";
import { commandLine } from "../invocation.ts";
import { initNode } from "./init-node.ts";
import { checkNothingThere, type NewNode, writeNode } from "./new-node.ts";

export interface InitOptions {
  /** The file of a local network. */
  readonly network: string;
  readonly ask?: true;
}

export function init(folder: string, { network, ask }: InitOptions): Promise<ExitCode> {
  return ask === true
    ? untilInterrupted((signal) => initByAsking(folder, signal))
    : initBeside(network, folder);
}

async function initBeside(network: string, folder: string): Promise<ExitCode> {
  const node = await initNode(folder, network);
  tellNext(folder, node, `The account ${node.address} has ether on this chain.`);
  return ExitCode.ok;
}

async function initByAsking(folder: string, signal: AbortSignal): Promise<ExitCode> {
  checkNothingThere(folder);
  const { askForNode } = await import("./node-questions.ts");
  const isTyped = (process.stdin.isTTY as boolean | undefined) === true;
  const interview = openInterview({
    ...{ input: process.stdin, output: process.stderr, isTyped, signal },
    onInterrupt: () => process.emit("SIGINT"),
  });
  try {
    const { settings, policy } = await askForNode(interview, folder, () => Date.now());
    const node = await writeNode(folder, settings, policy);
    tellNext(folder, node, `The account ${node.address} pays for transactions: send it some ether.`);
    return ExitCode.ok;
  } finally {
    interview.close();
  }
}

function tellNext(folder: string, { configFile, files }: NewNode, account: string): void {
  process.stdout.write(
    `${files.map((file) => `  ${join(folder, file)}`).join("\n")}\n` +
      `\n${account}\n` +
      `Next:\n  ${commandLine("oracle", "check", "--config", configFile)}\n` +
      `  ${commandLine("oracle", "run", "--config", configFile)}\n`,
  );
}
