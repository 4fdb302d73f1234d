/** A local chain: anvil with its well-known accounts. */

import { join } from "node:path";
import { startProgram, type RunningProgram } from "./child-process.ts";

/**
 * Seconds between blocks. Automine strands transactions that arrive together, and a fraction would let the chain's
 * clock run ahead of the enclave's.
 */
const BLOCK_TIME_SECONDS = 1;

export const LOCAL_CHAIN_ID = 31_337n;

/** anvil's test mnemonic: its keys are public, its ether is worthless. */
export const LOCAL_MNEMONIC = "test test test test test test test test test test test junk";

/** Which of anvil's accounts does what. */
export const LocalAccount = { deployer: 0, transmitter: 1, asker: 2, payee: 3 } as const;

export interface LocalChain {
  readonly rpcUrl: string;
  readonly program: RunningProgram;
}

export async function startAnvil(folder: string, path: string): Promise<LocalChain> {
  const program = await startProgram({
    name: "anvil",
    command: "anvil",
    args: ["--port", "0", "--block-time", String(BLOCK_TIME_SECONDS), "--mnemonic", LOCAL_MNEMONIC],
    environment: { PATH: path, HOME: folder },
    logFile: join(folder, "anvil.log"),
    readReady: (line) => /^Listening on (127\.0\.0\.1:\d+)$/.exec(line.trim())?.[1],
  });
  return { rpcUrl: `http://${program.ready}`, program };
}
