#!/usr/bin/env node
/** The `adyton` command. Each command's code is loaded only when it is called: `verify` loads no chain and no store. */

import { Command } from "commander";
import { registerAsk } from "./ask/command.ts";
import { registerDemo } from "./demo/command.ts";
import { registerEnclave } from "./enclave/command.ts";
import { commandName } from "./invocation.ts";
import { endWithReader, report } from "./failure.ts";
import { registerFunctions } from "./functions/command.ts";
import { registerImage } from "./image/command.ts";
import { registerInit } from "./init/command.ts";
import { registerOracle } from "./oracle/command.ts";
import { registerInspect } from "./inspect/command.ts";
import { registerPolicy } from "./policy/command.ts";
import { registerReceipt } from "./receipt/command.ts";
import { registerResult } from "./result/command.ts";
import { registerSealKey } from "./seal-key/command.ts";
import { registerUp } from "./up/command.ts";
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
  130 interrupted
  141 nobody reads what is printed`;

const program = new Command(commandName())
  .description("Ask centralized models from contracts, through enclaves, and verify what was answered.")
  .version("0.1.0")
  .showHelpAfterError("(--help lists the commands)")
  .addHelpText("after", EXIT_HELP)
  .exitOverride();

registerDemo(program);
registerUp(program);
registerInit(program);
registerAsk(program);
registerReceipt(program);
registerVerify(program);
registerInspect(program);
registerPolicy(program);
registerResult(program);
registerOracle(program);
registerEnclave(program);
registerFunctions(program);
registerSealKey(program);
registerImage(program);

endWithReader();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
