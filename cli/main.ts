#!/usr/bin/env node
/** The `adyton` command. Each command's code is loaded only when it is called: `verify` loads no chain and no store. */

import { Command, CommanderError } from "commander";
import { AdytonError } from "../protocol/errors.ts";
import { registerAsk } from "./ask/command.ts";
import { registerDemo, registerUp } from "./demo/command.ts";
import { ExitCode } from "./exit-codes.ts";
import { registerFunctions } from "./functions/command.ts";
import { registerOracle } from "./oracle/command.ts";
import { registerSealKey } from "./seal-key/command.ts";
import { registerVerify } from "./verify/command.ts";

const EXIT_HELP = `
Exit status:
  0   done; for verify: genuine, and accepted by a policy
  1   verify: not genuine; other commands: failed
  2   verify: genuine, refused by the policy
  3   verify: cannot judge (endorsements missing or out of date)
  4   verify: genuine, not appraised (no policy given)
  64  wrong usage, or a file that cannot be read
  69  a program that is needed is not installed
  130 interrupted`;

const program = new Command("adyton")
  .description("Ask centralized models from contracts, through enclaves, and verify what was answered.")
  .version("0.1.0")
  .showHelpAfterError("(adyton --help lists the commands)")
  .addHelpText("after", EXIT_HELP)
  .exitOverride();

registerDemo(program);
registerUp(program);
registerAsk(program);
registerVerify(program);
registerOracle(program);
registerFunctions(program);
registerSealKey(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong, once, and gives the exit status for it. */
function report(error: unknown): ExitCode {
  // commander has already written its message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  if (!(error instanceof AdytonError)) {
    const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`adyton: this is a bug, please report it\n${trace}\n`);
    return ExitCode.notGenuine;
  }
  const { code, message } = error as AdytonError;
  process.stderr.write(`adyton: ${message} [${code}]\n`);
  if (code === "CONFIG_TOOL_MISSING") return ExitCode.unavailable;
  return code.startsWith("INPUT_") ? ExitCode.usage : ExitCode.notGenuine;
}
