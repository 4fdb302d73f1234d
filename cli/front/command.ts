/** `adyton front`: what stands between the public web and an enclave, with a certificate that browsers take. */

import type { Command } from "commander";
import { ExitCode } from "../exit-codes.ts";
import { parsePort } from "../options.ts";

interface FrontCommandOptions {
  readonly enclave: string;
  readonly policy: string;
  readonly rpc: string;
  readonly host: string;
  readonly port: number;
  readonly certificate?: string;
  readonly key?: string;
  readonly charge?: string;
}

export function registerFront(program: Command): void {
  program
    .command("front")
    .description("let browsers, and nodes of Chainlink's networks, reach an enclave that a policy accepts")
    .requiredOption("--enclave <url>", "the enclave")
    .requiredOption("--policy <file>", "appraisal policy that accepts it")
    .requiredOption("--rpc <url>", "RPC server of the chain that consumers are on")
    .option("--host <address>", "where to listen", "127.0.0.1")
    .option("--port <number>", "where to listen; 0 for any", parsePort, 8787)
    .option("--certificate <file>", "PEM of your domain's certificate and its chain; without it, plain http")
    .option("--key <file>", "PEM of its private key")
    .option("--charge <file>", "take payment for each call that comes without a credential (x402)")
    .action(async (options: FrontCommandOptions) => {
      process.exitCode = await front(options);
    });
}

async function front(options: FrontCommandOptions): Promise<ExitCode> {
  const { readTls, startFront } = await import("./start-front.ts");
  const interrupted = new Promise<void>((done) => {
    process.once("SIGINT", done);
    process.once("SIGTERM", done);
  });
  const { enclave, host } = options;
  const tls = readTls(options);
  const listening = await startFront({
    enclaveUrl: enclave,
    rpcUrl: options.rpc,
    policyFile: options.policy,
    host,
    port: options.port,
    ...(tls === null ? {} : { tls }),
    ...(options.charge === undefined ? {} : { chargeFile: options.charge }),
    now: () => Date.now(),
    onError: (error) => {
      process.stderr.write(`front: ${error instanceof Error ? error.message : String(error)}\n`);
    },
  });
  const scheme = tls === null ? "http" : "https";
  process.stdout.write(
    `listening on ${scheme}://${host}:${listening.port}, before ${enclave}; Ctrl-C ends it\n`,
  );
  await interrupted;
  await listening.close();
  return ExitCode.ok;
}
