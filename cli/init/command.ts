/** `adyton init DIR`. */

import { relative, resolve } from "node:path";
import type { Command } from "commander";
import { ExitCode } from "../exit-codes.ts";
import { commandLine } from "../invocation.ts";

export function registerInit(program: Command): void {
  program
    .command("init")
    .description("start a Foundry project: a contract that asks, its test, and a script that asks")
    .argument("<folder>", "a new folder, or an empty one")
    .action(async (folder: string) => {
      const { createProject } = await import("./create-project.ts");
      const files = createProject(resolve(folder));
      const here = relative(process.cwd(), resolve(folder)) || ".";
      process.stdout.write(`${files.map((file) => `  ${file}`).join("\n")}\n`);
      process.stdout.write(
        `\nNext:\n  cd ${here} && forge test\n  ${commandLine("up", "--network", resolve(folder, ".adyton/network.json"))}\n` +
          `and go on with ${here}/README.md\n`,
      );
      process.exitCode = ExitCode.ok;
    });
}
