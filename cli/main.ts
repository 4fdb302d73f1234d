#!/usr/bin/env node
/** The `adyton` command. */

import { registerCommands } from "./commands.ts";
import { createProgram, run } from "./program.ts";

const program = createProgram();
registerCommands(program);
await run(program);
