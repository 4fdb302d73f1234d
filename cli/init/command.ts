/** `adyton init DIR`. */

import { relative, resolve } from "node:path";
import type { Command } from "commander";
import { ExitCode } from "../exit-codes.ts";
import { commandLineFrom } from "../invocation.ts";

export function registerInit(program: Command): void {
  program
    .command("init")
    .description("start a Foundry project: a contract that asks, its test, and a script that asks")
    .argument("<folder>", "a new folder, or an empty one")
    .action(async (folder: string) => {
      const { createProject } = await import("./create-project.ts");
      const project = resolve(folder);
      const files = createProject(project);
      const here = relative(process.cwd(), project) || ".";
      const network = resolve(project, ".adyton/network.json");
      process.stdout.write(`${files.map((file) => `  ${file}`).join("\n")}\n`);
      process.stdout.write(
        `\nNext:\n  cd ${here} && forge test\n  ${commandLineFrom(project, "up", "--network", network)}\n` +
          "and go on with its README.md. A network that is up already is in the way: Ctrl-C ends it.\n",
      );
      process.exitCode = ExitCode.ok;
    });
}
