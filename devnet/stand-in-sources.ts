/** Servers of a local network that programs and questions read: pages, files, and the chain's own server behind TLS, since nothing else is reached. */

import { join } from "node:path";
import { readFileSync } from "node:fs";
import { programArguments } from "./node-program.ts";
import { startProgram, type RunningProgram } from "./child-process.ts";
import { readListening } from "./model-choice.ts";

export interface StandInSources {
  readonly origin: string;
  /** What `keepFile` puts there is served. */
  readonly files: string;
  /** PEM. */
  readonly certificateAuthority: string;
  readonly program: RunningProgram;
}

/** `/rpc` of it is the server at `rpcUrl`. */
export async function startSources(folder: string, rpcUrl: string): Promise<StandInSources> {
  const caFile = join(folder, "sources-ca.pem");
  const files = join(folder, "files");
  const program = await startProgram({
    name: "sources stand-in",
    command: process.execPath,
    args: [...programArguments("devnet/stand-in-model"), "--ca", caFile, "--rpc", rpcUrl, "--files", files],
    environment: {},
    logFile: join(folder, "sources.log"),
    readReady: readListening,
  });
  const certificateAuthority = readFileSync(caFile, "utf8");
  return { origin: new URL(program.ready).origin, files, certificateAuthority, program };
}
