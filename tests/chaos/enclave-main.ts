/** A stand-in enclave as a process that can be killed: `node enclave-main.ts PLATFORM PORT`. */

import { startStandInEnclave } from "../oracle/support/stand-in-enclave.ts";

const [, , platform = "chaos", port = "0"] = process.argv;
const enclave = await startStandInEnclave(platform, Number(port));
process.stdout.write(`${enclave.url}\n`);
