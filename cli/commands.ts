/** Every command, in the order of the help. Each one's code is loaded only when it is called: `verify` loads no chain and no store. */

import type { Command } from "commander";
import { registerAgent } from "./agent/command.ts";
import { registerAsk } from "./ask/command.ts";
import { registerDemo } from "./demo/command.ts";
import { registerEnclave } from "./enclave/command.ts";
import { registerEpoch } from "./epoch/command.ts";
import { registerFront } from "./front/command.ts";
import { registerIdentity } from "./front/identity-command.ts";
import { registerFunctions } from "./functions/command.ts";
import { registerImage } from "./image/command.ts";
import { registerInit } from "./init/command.ts";
import { registerInspect } from "./inspect/command.ts";
import { registerMcp } from "./mcp/command.ts";
import { registerModel } from "./model/command.ts";
import { registerOracle } from "./oracle/command.ts";
import { registerPolicy } from "./policy/command.ts";
import { registerReceipt } from "./receipt/command.ts";
import { registerReplay } from "./replay/command.ts";
import { registerResult } from "./result/command.ts";
import { registerSealKey } from "./seal-key/command.ts";
import { registerSrs } from "./srs/command.ts";
import { registerUp } from "./up/command.ts";
import { registerUpgrade } from "./upgrade/command.ts";
import { registerVerify } from "./verify/command.ts";

export function registerCommands(program: Command): void {
  registerDemo(program);
  registerUp(program);
  registerInit(program);
  registerAsk(program);
  registerAgent(program);
  registerReceipt(program);
  registerReplay(program);
  registerVerify(program);
  registerInspect(program);
  registerPolicy(program);
  registerResult(program);
  registerOracle(program);
  registerEnclave(program);
  registerFunctions(program);
  registerFront(program);
  registerIdentity(program);
  registerSealKey(program);
  registerMcp(program);
  registerImage(program);
  registerModel(program);
  registerUpgrade(program);
  registerSrs(program);
  registerEpoch(program);
}
