/**
 * The commands that judge a file, as an entry of their own: the build bundles it (tools/package/light-commands.ts), since
 * loading their 250 modules one by one takes longer than the verdict. `bin.mjs` says which commands come here.
 */

import * as z from "zod";
import { registerInspect } from "./inspect/command.ts";
import { registerPolicy } from "./policy/command.ts";
import { createProgram, run } from "./program.ts";
import { registerVerify } from "./verify/command.ts";

// Each schema parses once or twice here: compiling a function for it costs more than that saves.
z.config({ jitless: true });

const program = createProgram();
registerVerify(program);
registerInspect(program);
registerPolicy(program);
await run(program);
