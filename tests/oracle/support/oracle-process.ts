import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProgram } from "../../../devnet/child-process.ts";
import { readListening } from "../../../devnet/model-choice.ts";
import { programArguments } from "../../../devnet/node-program.ts";
import { localChainSection, writeOracleConfig, type OracleFile } from "../../../devnet/oracle-files.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { CALLER_TOKEN, standInPolicy } from "./stand-in-enclave.ts";
import { type TestChain, TRANSMITTER_KEYS } from "./test-chain.ts";

export interface OracleProcess {
  readonly url: string;
  readonly pid: number;
  /** The end of stderr so far. */
  log(): string;
  readonly exited: Promise<number | null>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface OracleSetup {
  readonly directory: string;
  readonly chains: readonly TestChain[];
  readonly enclaves: readonly { readonly url: string }[];
  readonly keys?: readonly Hex[];
  readonly confirmations?: number;
  readonly store?: OracleFile["store"];
  readonly change?: Partial<OracleFile>;
  readonly chainChange?: object;
  /** The RPC servers of a chain: its own when not told. */
  readonly rpcUrls?: (chain: TestChain) => readonly string[];
}

/** Writes a configuration as an operator would, and gives its path. */
export async function writeTestConfig(setup: OracleSetup): Promise<string> {
  const { directory } = setup;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "policy.json"), JSON.stringify(await standInPolicy()));
  const chains = setup.chains.map((chain) => {
    const rpcUrls = setup.rpcUrls?.(chain) ?? [chain.anvil.url];
    return {
      ...localChainSection(BigInt(chain.chainId), rpcUrls, chain.deployment),
      confirmations: setup.confirmations ?? 0,
      pollMs: 50,
      ...setup.chainChange,
    };
  });
  return writeOracleConfig(directory, {
    chains,
    enclaves: setup.enclaves.map(({ url }) => ({ url, callerToken: CALLER_TOKEN })),
    appraisalPolicy: "policy.json",
    transmitterKeys: setup.keys ?? TRANSMITTER_KEYS.slice(0, 1),
    change: {
      logLevel: "debug",
      ...(setup.store === undefined ? {} : { store: setup.store }),
      ...setup.change,
    },
  });
}

export async function startOracleProcess(
  configFile: string,
  onLog: (text: string) => void = () => undefined,
  environment: Readonly<Record<string, string>> = {},
): Promise<OracleProcess> {
  const { ready, pid, log, ended, stop } = await startProgram({
    name: "oracle",
    command: process.execPath,
    args: [...programArguments("oracle/main"), "--config", configFile],
    environment,
    onLog,
    readReady: readListening,
  });
  return { url: ready, pid, log, exited: ended, stop };
}
