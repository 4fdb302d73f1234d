/** `adyton mcp`: our tools for a model's client, over standard input and output. */

import { existsSync } from "node:fs";
import { InvalidArgumentError, type Command } from "commander";
import { DEFAULT_NETWORK_FILE } from "../../devnet/network-file.ts";
import { InputError } from "../../protocol/errors.ts";

interface McpCommandOptions {
  readonly policy?: string;
  readonly endorsements?: string;
  readonly node?: string;
  readonly network: string;
  readonly allowAsk?: true;
  readonly spendCap?: bigint;
}

const HELP = `
What is trusted is said here and by no tool: none takes a policy, a URL or a
path. What a model or a provider wrote comes back under "untrusted". The tools
list and get need a node; ask needs --allow-ask and --spend-cap, and a network
of \`adyton up\`.

A client's configuration:
  {"mcpServers": {"adyton": {
    "command": "adyton", "args": ["mcp", "--policy", "policy.json"]}}}`;

export function registerMcp(program: Command): void {
  program
    .command("mcp")
    .description("serve verify, inspect, explain, replay, list and get to a model's client (MCP, stdio)")
    .option("--policy <file>", "appraisal policy: what you accept")
    .option("--endorsements <path>", "vendor endorsements: a bundle file, or a folder")
    .option("--node <url>", "oracle node to ask (default: the network's, where there is one)")
    .option("--network <file>", "network file", DEFAULT_NETWORK_FILE)
    .option("--allow-ask", "also offer ask, which spends from the network's test account")
    .option("--spend-cap <wei>", "most that ask may send while this server runs", parseWei)
    .addHelpText("after", HELP)
    .action(async (options: McpCommandOptions) => {
      await serve(options);
    });
}

async function serve(options: McpCommandOptions): Promise<void> {
  const { policy, endorsements, node, network, allowAsk, spendCap } = options;
  if ((allowAsk === undefined) !== (spendCap === undefined)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "--allow-ask and --spend-cap go together: what may be spent has to be said",
    });
  }
  const { readNetworkFile } = await import("../network-file.ts");
  const isLocal = allowAsk === true || (node === undefined && existsSync(network));
  const nodeUrl = node ?? (isLocal ? readNetworkFile(network).oracleUrl : null);
  if (nodeUrl !== null) new URL(nodeUrl);
  // A policy that cannot be read must not turn up as the verdict of the first receipt.
  if (policy !== undefined) await (await import("../verify/evidence-options.ts")).readPolicy(policy);
  const { serveMcp } = await import("./serve.ts");
  serveMcp({
    trust: {
      ...(policy === undefined ? {} : { policy }),
      ...(endorsements === undefined ? {} : { endorsements }),
    },
    nodeUrl,
    ask: spendCap === undefined ? null : { networkFile: network, cap: spendCap },
  });
}

function parseWei(text: string): bigint {
  if (!/^[1-9]\d{0,30}$/.test(text)) throw new InvalidArgumentError("expected wei: a whole number above 0");
  return BigInt(text);
}
