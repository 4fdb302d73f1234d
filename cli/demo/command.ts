/** `adyton demo`. */

import { resolve } from "node:path";
import type { Command } from "commander";
import { readEnvironment } from "../../devnet/config.ts";
import { wallClock } from "../clock.ts";
import { untilInterrupted } from "../interruption.ts";

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
