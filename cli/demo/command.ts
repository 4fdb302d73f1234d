/** `adyton demo` and `adyton up`. */

import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { wallClock } from "../clock.ts";
import { readEnvironment } from "../../devnet/config.ts";
import { ExitCode } from "../exit-codes.ts";
import { DEFAULT_NETWORK_FILE } from "../../devnet/network-file.ts";

/** Interrupted from outside: everything is ended, and the exit status says so. */
class Interrupted extends Error {}

export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description(
      "start a network on this machine, ask two questions through contracts, verify a receipt, end",
    )
    .option("--folder <path>", "where logs, receipt and policy go", ".adyton/demo")
    .option("--json", "print one JSON object on stdout, and nothing else there")
    .action(async (options: { readonly folder: string; readonly json?: true }) => {
      const { runDemo } = await import("./run-demo.ts");
      process.exitCode = await untilInterrupted((signal) =>
        runDemo({
          environment: readEnvironment(),
          folder: resolve(options.folder),
          json: options.json === true,
          now: wallClock,
          signal,
        }),
      );
    });
}

export function registerUp(program: Command): void {
  program
    .command("up")
    .description("start the same network and keep it until Ctrl-C")
    .option("--network <file>", "where to write how to reach it", DEFAULT_NETWORK_FILE)
    .action(async ({ network: file }: { readonly network: string }) => {
      process.exitCode = await untilInterrupted((signal) => keepUp(resolve(file), signal));
    });
}

async function keepUp(file: string, signal: AbortSignal): Promise<ExitCode> {
  const { startNetwork } = await import("../../devnet/start.ts");
  const { writeNetworkFile } = await import("../../devnet/network-file.ts");
  mkdirSync(dirname(file), { recursive: true });
  const network = await startNetwork({
    environment: readEnvironment(),
    folder: join(dirname(file), "network"),
    now: wallClock,
    signal,
    onStep: (name, detail) => {
      process.stdout.write(`${name.padEnd(10)}  ${detail}\n`);
    },
  });
  try {
    writeNetworkFile(file, network.file);
    const { contracts, model, rpcUrl } = network.file;
    process.stdout.write(
      [
        "",
        `rpc         ${rpcUrl}`,
        ...Object.entries(contracts).map(([name, address]) => `${name.padEnd(18)}  ${address}`),
        `model       ${model}`,
        "",
        `Written to ${file}. Ask with:`,
        `  adyton ask "Is water wet?" --returns "(bool yes, string why)" --network ${file}`,
        "Ctrl-C ends it.",
        "",
      ].join("\n"),
    );
    // A part that ends by itself leaves a network that cannot answer: say so instead of staying up.
    const fallen = Object.values(network.programs).map(async ({ name, ended }) => {
      await ended;
      return name;
    });
    const interrupted = new Promise<null>((done) => {
      signal.addEventListener("abort", () => {
        done(null);
      });
    });
    const name = await Promise.race([interrupted, ...fallen]);
    if (name === null) return ExitCode.ok;
    process.stderr.write(
      `adyton: the ${name} ended by itself; its log is in ${join(dirname(file), "network")}\n`,
    );
    return ExitCode.notGenuine;
  } finally {
    await network.stop();
  }
}

/** Runs `work` until it ends, or until SIGINT or SIGTERM, after which it still cleans up. */
async function untilInterrupted(work: (signal: AbortSignal) => Promise<ExitCode>): Promise<ExitCode> {
  const controller = new AbortController();
  const interrupt = (): void => {
    controller.abort(new Interrupted("interrupted"));
  };
  // Not `once`: a second Ctrl-C must not end us before what we started has ended.
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (error instanceof Interrupted) return ExitCode.interrupted;
    throw error;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}
