/** What the whole command (main.ts) and the light one (light.ts) share: its help, its version, and how it ends. */

import { Command } from "commander";
import { endWithReader, report } from "./failure.ts";
import { commandName } from "./invocation.ts";

const EXIT_HELP = `
Exit status:
  0   done; for verify: genuine, and accepted by a policy
  1   verify: not genuine; other commands: failed
  2   verify: genuine, refused by the policy
  3   verify: cannot judge (endorsements missing or out of date)
  4   verify: genuine, not appraised (no policy given)
  64  wrong usage, or a file that cannot be read
  69  a program that is needed is not installed
  130 interrupted
  141 nobody reads what is printed`;

export function createProgram(): Command {
  return new Command(commandName())
    .description("Ask centralized models from contracts, through enclaves, and verify what was answered.")
    .version("0.1.0")
    .showHelpAfterError("(--help lists the commands)")
    .addHelpText("after", EXIT_HELP)
    .exitOverride();
}

/** Parses the command line and runs what it calls; every failure becomes a message and an exit status. */
export async function run(program: Command): Promise<void> {
  endWithReader();
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}
