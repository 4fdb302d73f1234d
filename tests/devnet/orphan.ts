/** A process that starts one program, tells its number, and waits to be killed: see keeper.test.ts. */

import { startAnvil } from "../../devnet/anvil.ts";

const { pid } = await startAnvil();
process.stdout.write(`${pid}\n`);
setInterval(() => undefined, 60_000);
