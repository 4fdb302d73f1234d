/**
 * A process that starts one program, tells its number, and waits to be killed: see keeper.test.ts.
 *
 * node orphan.ts anvil|chaos-enclave|chaos-postgres
 */

import { startAnvil } from "../../devnet/anvil.ts";
import { Enclave } from "../chaos/enclaves.ts";
import { PostgresServer } from "../chaos/postgres-server.ts";

async function start(program: string | undefined): Promise<{ readonly pid: number | undefined }> {
  if (program === "chaos-postgres") return await PostgresServer.start();
  if (program !== "chaos-enclave") return await startAnvil();
  const [enclave] = await Enclave.startSeveral(1);
  return { pid: enclave?.pid };
}

const { pid } = await start(process.argv[2]);
process.stdout.write(`${pid ?? ""}\n`);
setInterval(() => undefined, 60_000);
