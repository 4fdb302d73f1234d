/** `adyton demo`. */

import { resolve } from "node:path";
import type { Command } from "commander";
import { readEnvironment } from "../../devnet/config.ts";
import { wallClock } from "../clock.ts";
import { untilInterrupted } from "../interruption.ts";
import { requireNodePackages } from "../node-packages.ts";

interface DemoCommandOptions {
  readonly folder: string;
  readonly agents?: true;
  readonly open?: true;
  readonly json?: true;
}

export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description(
      "start a network on this machine, ask two questions through contracts, verify a receipt, end",
    )
    .option("--folder <path>", "where logs, receipt and policy go", ".adyton/demo")
    .option("--agents", "run an agent as well, and replay it from its receipt")
    .option("--open", "then show the receipt on the Verify page, until Ctrl-C")
    .option("--json", "print one JSON object on stdout, and nothing else there")
    .action(async (options: DemoCommandOptions) => {
      requireNodePackages();
      announce(options);
      const { runDemo } = await import("./run-demo.ts");
      process.exitCode = await untilInterrupted((signal) =>
        runDemo({
          environment: readEnvironment(),
          folder: resolve(options.folder),
          open: options.open === true,
          json: options.json === true,
          agents: options.agents === true,
          now: wallClock,
          signal,
        }),
      );
    });
}

/** Before what a demo loads, which takes its time on a slow machine: the reader sees at once that it runs. */
function announce({ json }: DemoCommandOptions): void {
  (json === true ? process.stderr : process.stdout).write(
    "Adyton demo: contracts ask a model through an enclave, and the receipt is verified.\n" +
      "The enclave is SIMULATED: no hardware protects it.\n",
  );
}
