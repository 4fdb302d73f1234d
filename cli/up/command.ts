/** `adyton up`. */

import { resolve } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { readEnvironment } from "../../devnet/config.ts";
import { DEFAULT_NETWORK_FILE } from "../../devnet/network-file.ts";
import { untilInterrupted } from "../interruption.ts";
import { requireNodePackages } from "../node-packages.ts";
import { parsePort } from "../options.ts";

/** Where every tool of Ethereum looks first. */
const DEFAULT_PORT = 8_545;
/** The oracle takes the port after the chain's, the enclave, the page and the console the next. */
const PORTS = 5;

export function registerUp(program: Command): void {
  program
    .command("up")
    .description("start the demo's network and keep it until Ctrl-C; shows requests as they arrive")
    .option("--network <file>", "where to write how to reach it", DEFAULT_NETWORK_FILE)
    .option(
      "--port <number>",
      "the chain's; the oracle, the enclave, the page and the console take the next; 0: any free ones",
      parseFirstPort,
      DEFAULT_PORT,
    )
    .option("--open", "open the page to ask from in the browser")
    .action(async ({ network, port, open }: UpCommandOptions) => {
      requireNodePackages();
      const { keepUp } = await import("./keep-up.ts");
      process.exitCode = await untilInterrupted((signal) =>
        keepUp({ environment: readEnvironment(), file: resolve(network), port, open: open === true, signal }),
      );
    });
}

interface UpCommandOptions {
  readonly network: string;
  readonly port: number;
  readonly open?: true;
}

function parseFirstPort(text: string): number {
  const port = parsePort(text);
  if (port + PORTS > 65_536) throw new InvalidArgumentError("four more ports must follow it");
  return port;
}
