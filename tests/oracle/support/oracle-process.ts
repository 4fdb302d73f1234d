import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Hex } from "../../../protocol/bytes.ts";
import { CALLER_TOKEN, standInPolicy } from "./stand-in-enclave.ts";
import type { TestChain } from "./test-chain.ts";
import { TRANSMITTER_KEYS } from "./test-chain.ts";

const MAIN = new URL("../../../oracle/main.ts", import.meta.url).pathname;

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
  readonly store?: object;
  readonly change?: object;
  readonly chainChange?: object;
  /** The RPC servers of a chain: its own when not told. */
  readonly rpcUrls?: (chain: TestChain) => readonly string[];
}

/** Writes a configuration as an operator would, and gives its path. */
export async function writeOracleConfig(setup: OracleSetup): Promise<string> {
  mkdirSync(setup.directory, { recursive: true });
  const file = (name: string, content: string): string => {
    writeFileSync(join(setup.directory, name), content);
    return name;
  };
  const chains = setup.chains.map((chain) => ({
    chainId: chain.chainId,
    rpcUrls: setup.rpcUrls?.(chain) ?? [chain.anvil.url],
    coordinator: chain.addresses.coordinator,
    registry: chain.addresses.registry,
    confirmations: setup.confirmations ?? 0,
    pollMs: 50,
    admissions: [{ policyId: chain.policyId, verifier: chain.addresses.verifier }],
    ...setup.chainChange,
  }));
  const config = {
    chains,
    enclaves: setup.enclaves.map(({ url }) => ({ url, callerToken: CALLER_TOKEN })),
    appraisalPolicy: file("policy.json", JSON.stringify(await standInPolicy())),
    transmitterKeys: (setup.keys ?? TRANSMITTER_KEYS.slice(0, 1)).map((key, index) => ({
      kind: "raw",
      file: file(`key-${index}`, `${key}\n`),
    })),
    store: setup.store ?? { kind: "pglite", path: "store" },
    http: { port: 0 },
    logLevel: "debug",
    ...setup.change,
  };
  return join(setup.directory, file("oracle.json", JSON.stringify(config)));
}

/** Bytes of a process's log that are kept for the message of a failing test. */
const KEPT_LOG = 200_000;

export async function startOracleProcess(
  configFile: string,
  onLog: (text: string) => void = () => undefined,
  environment: Readonly<Record<string, string>> = {},
): Promise<OracleProcess> {
  const child = spawn(process.execPath, [MAIN, "--config", configFile], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-KEPT_LOG);
    onLog(text);
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface(child.stdout).once("line", resolve)),
    exited.then(() => null),
  ]);
  if (line === null) {
    throw new Error(`the oracle did not start: ${stderr}`);
  }
  const { url } = JSON.parse(line) as { url: string };
  return {
    url,
    pid: child.pid ?? 0,
    log: () => stderr,
    exited,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      return exited;
    },
  };
}
