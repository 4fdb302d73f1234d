/**
 * `node tests/support/gas-vectors.ts [--busy N]` prints what this process counts; the file tests/vectors/agent/gas.json keeps it, and is
 * written anew when engine or prelude change. `--busy`: with so many threads that never rest beside it.
 */

import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { loadSandbox } from "../../cli/replay/load-sandbox.ts";
import { countGas } from "./count-gas.ts";

const { values } = parseArgs({ options: { busy: { type: "string", default: "0" } } });
const busy = Array.from({ length: Number(values.busy) }, () => new Worker("for (;;);", { eval: true }));
process.stdout.write(`${JSON.stringify(await countGas(loadSandbox()), null, 2)}\n`);
await Promise.all(busy.map((thread) => thread.terminate()));
