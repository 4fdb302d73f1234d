/** A local chain: anvil with its well-known accounts. */

import { tmpdir } from "node:os";
import { startProgram, type RunningProgram } from "./child-process.ts";
import { programPath } from "./config.ts";
import { LOCAL_MNEMONIC } from "./local-chain.ts";

const ACCOUNTS = 20;
/** Ether of each. */
const BALANCE = 1_000_000;

export interface AnvilOptions {
  /** Any free one when not told. */
  readonly port?: number;
  readonly logFile?: string;
  /** Further arguments. Without a block time, each transaction is mined at once. */
  readonly args?: readonly string[];
}

export interface Anvil extends RunningProgram {
  /** Of its JSON-RPC server. */
  readonly url: string;
}

/** @throws {ConfigError} as `startProgram` */
export async function startAnvil({ port = 0, logFile, args = [] }: AnvilOptions = {}): Promise<Anvil> {
  const accounts = [
    "--accounts",
    String(ACCOUNTS),
    "--balance",
    String(BALANCE),
    "--mnemonic",
    LOCAL_MNEMONIC,
  ];
  const program = await startProgram({
    name: "anvil",
    command: "anvil",
    args: ["--port", String(port), ...accounts, ...args],
    // It keeps temporary files at home.
    environment: { PATH: programPath(), HOME: tmpdir() },
    ...(logFile === undefined ? {} : { logFile }),
    readReady: (line) => /^Listening on (127\.0\.0\.1:\d+)$/.exec(line.trim())?.[1],
  });
  // It has nothing to write down.
  return { ...program, url: `http://${program.ready}`, stop: () => program.stop("SIGKILL") };
}
