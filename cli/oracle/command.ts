/** `adyton oracle …`: run a node, check its configuration, and look after what it does. */

import { spawn } from "node:child_process";
import { Option, type Command } from "commander";
import * as z from "zod";
import { wallClock } from "../clock.ts";
import { ExitCode } from "../exit-codes.ts";
import { findNetwork } from "../network-file.ts";
import { requireNodePackages } from "../node-packages.ts";
import { parseCount } from "../options.ts";
import { parseRequestId } from "../request-id.ts";
import { endWithUs } from "../../devnet/keeper.ts";
import { DEFAULT_NETWORK_FILE } from "../../devnet/network-file.ts";
import { programArguments } from "../../devnet/node-program.ts";
import { callNode, noNode, type NodeOptions } from "./call-node.ts";
import { ListedRequest, describeRequest } from "./describe-request.ts";
import type { InitOptions } from "./init-command.ts";

interface KeyOptions {
  readonly passwordFile: string;
  readonly fund?: true;
  readonly network: string;
}

const PHASES = ["seen", "asked", "answered", "refused", "sent", "settled"] as const;
const DEFAULT_NODE = "http://127.0.0.1:7788";

export function registerOracle(program: Command): void {
  const oracle = program.command("oracle").description("run an oracle node, and look after it");
  oracle
    .command("run")
    .description("run a node until it is told to stop")
    .requiredOption("--config <file>", "the node's configuration")
    .action(async ({ config }: { readonly config: string }) => {
      process.exitCode = await run(config);
    });
  oracle
    .command("serve")
    .description(
      "serve the index and the metrics of a node's PostgreSQL store from a process that only reads it",
    )
    .requiredOption("--config <file>", "the node's configuration, or the part of it that this needs")
    .action(async ({ config }: { readonly config: string }) => {
      process.exitCode = await run(config, "--serve");
    });
  oracle
    .command("init")
    .description(
      "write the configuration of a node of your own: beside the network that `adyton up` started, or, with --ask, on a chain with money",
    )
    .argument("<folder>", "where to write it, with a new account and token")
    .option("--network <file>", "the network to join", DEFAULT_NETWORK_FILE)
    .option("--ask", "ask for chain, contracts and enclave, and try each answer")
    .action(async (folder: string, options: InitOptions) => {
      const { init } = await import("./init-command.ts");
      process.exitCode = await init(folder, options);
    });
  oracle
    .command("check")
    .description("check configuration, RPC servers, contracts, transmitter funds and enclaves, in one go")
    .requiredOption("--config <file>", "the node's configuration")
    .option("--json", "print one JSON object")
    .action(async ({ config, json }: { readonly config: string; readonly json?: true }) => {
      const { checkNode } = await import("./check.ts");
      process.exitCode = await checkNode(config, json === true);
    });
  oracle
    .command("key")
    .description("make a new transmitter account: a keystore file, and its password where there is none yet")
    .argument("<keystore>", "the file to write")
    .requiredOption("--password-file <file>", "the keystore's password; written when it is not there")
    .option("--fund", "give it ether on the local chain that `adyton up` started")
    .option("--network <file>", "the network whose chain gives it", DEFAULT_NETWORK_FILE)
    .action(async (keystore: string, { passwordFile, fund, network }: KeyOptions) => {
      const { createKey } = await import("./create-key.ts");
      // Before anything is written: a network that has ended gives nothing.
      const rpcUrl = fund === true ? (await findNetwork(network)).rpcUrl : undefined;
      const address = await createKey(keystore, passwordFile);
      const { fundAccount } = await import("./fund-account.ts");
      if (rpcUrl !== undefined) await fundAccount(rpcUrl, address);
      process.stdout.write(`${address}\n`);
    });
  oracle
    .command("peer-key")
    .description(
      "print the public key that other operators list for this node; make the key where there is none",
    )
    .argument("<file>", "the key file (operators.keyFile)")
    .action(async (file: string) => {
      const { createPeerKey } = await import("./create-peer-key.ts");
      process.stdout.write(`${createPeerKey(file)}\n`);
    });
  withNode(oracle.command("requests"), "list the requests that a running node knows, newest first")
    .addOption(new Option("--phase <phase>", "how far they are").choices(PHASES))
    .option("--limit <count>", "how many", parseCount, 50)
    .action(async (options: NodeOptions & { readonly phase?: string; readonly limit: number }) => {
      const query = new URLSearchParams({ limit: String(options.limit) });
      if (options.phase !== undefined) query.set("phase", options.phase);
      const listing = Listing.safeParse(await callNode(options, "GET", `/v1/requests?${query.toString()}`));
      if (!listing.success) throw noNode(options.node, "its list of requests is of another form");
      for (const request of listing.data.requests)
        process.stdout.write(`${describeRequest(request, wallClock())}\n`);
    });
  withNode(oracle.command("retry"), "take a request up again that was refused or failed")
    .argument("<requestId>", "the request's id: 0x and 64 hex digits")
    .action(async (requestId: string, options: NodeOptions) => {
      await callNode(options, "POST", `/v1/admin/requests/${parseRequestId(requestId)}/retry`);
      process.stdout.write("queued\n");
    });
  withNode(
    oracle.command("accept-reorg"),
    "follow a chain again that took back what counted as settled, once you know that its new history is the right one",
  )
    .argument("<chainId>", "the chain's number", parseCount)
    .action(async (chainId: number, options: NodeOptions) => {
      await callNode(options, "POST", `/v1/admin/chains/${chainId}/accept-reorg`);
      process.stdout.write("accepted\n");
    });
  withNode(oracle.command("drain"), "let a node finish what is under way, take no more, and exit").action(
    async (options: NodeOptions) => {
      await callNode(options, "POST", "/v1/admin/drain");
      process.stdout.write("draining\n");
    },
  );
}

function withNode(command: Command, description: string): Command {
  return command
    .description(description)
    .option("--node <url>", "where the node listens", DEFAULT_NODE)
    .option("--token-file <file>", "the node's admin token");
}

const Listing = z.object({ requests: z.array(ListedRequest) });

/** The oracle's process as a child with our own streams: it ends when we are told to end. */
function run(config: string, ...flags: readonly string[]): Promise<ExitCode> {
  requireNodePackages();
  const args = [...programArguments("oracle/main"), "--config", config, ...flags];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  endWithUs(child);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once("exit", (code) => {
      resolve(code === 0 ? ExitCode.ok : ExitCode.notGenuine);
    });
  });
}
