/** `adyton receipt ID`: the receipt of a request that was answered, as a file to verify. */

import { dirname } from "node:path";
import type { Command } from "commander";
import { DEFAULT_NETWORK_FILE } from "../../devnet/network-file.ts";
import { ExitCode } from "../exit-codes.ts";
import { commandLine } from "../invocation.ts";
import { parseRequestId } from "../request-id.ts";

interface ReceiptOptions {
  readonly node?: string;
  readonly network: string;
  readonly folder?: string;
}

export function registerReceipt(program: Command): void {
  program
    .command("receipt")
    .description("save the receipt of an answered request, to verify it")
    .argument("<requestId>", "the request's id: 0x and 64 hex digits")
    .option("--node <url>", "oracle node to ask (default: the network's)")
    .option("--network <file>", "network file", DEFAULT_NETWORK_FILE)
    .option("--folder <path>", "where to save it (default: beside the network file, else here)")
    .action(async (requestId: string, options: ReceiptOptions) => {
      process.exitCode = await saveReceipt(requestId, options);
    });
}

async function saveReceipt(requestId: string, { node, network, folder }: ReceiptOptions): Promise<ExitCode> {
  const id = parseRequestId(requestId);
  const { downloadReceipt } = await import("./download.ts");
  const { readNetworkFile } = await import("../network-file.ts");
  const local = node === undefined ? readNetworkFile(network) : null;
  const url = node ?? local?.oracleUrl ?? "";
  const place = folder ?? (local === null ? "." : dirname(network));
  const { file } = await downloadReceipt(url, id, place);
  const policy = local?.policyFile ?? "POLICY";
  process.stdout.write(`${file}\n`);
  process.stderr.write(`verify it:  ${commandLine("verify", file, "--policy", policy)}\n`);
  return ExitCode.ok;
}
