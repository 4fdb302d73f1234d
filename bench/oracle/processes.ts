/** The processes of the oracle's benches: a model stand-in, an enclave that refuses nobody for asking much, a node. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOCAL_CHAIN_ID, LocalAccount } from "../../devnet/local-chain.ts";
import { startProgram, type RunningProgram } from "../../devnet/child-process.ts";
import { plannedAddresses } from "../../devnet/deployment.ts";
import { localAddress } from "../../devnet/local-accounts.ts";
import { writeEnclaveFiles } from "../../devnet/enclave-files.ts";
import { chooseModel, readListening, type ModelChoice } from "../../devnet/model-choice.ts";
import { programArguments } from "../../devnet/node-program.ts";
import type { BehaviourFile } from "../../enclave/configuration/behaviour.ts";
import type { OperatorFile } from "../../enclave/configuration/operator.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { configurationDigest } from "../../protocol/keyset.ts";
import type { OracleFile } from "../../devnet/oracle-files.ts";
import { writeTestConfig } from "../../tests/oracle/support/oracle-process.ts";
import { CALLER_TOKEN } from "../../tests/oracle/support/stand-in-enclave.ts";
import { TRANSMITTER_KEYS, type TestChain } from "../../tests/oracle/support/test-chain.ts";

export const POLL_MS = 50;

export interface OracleOptions {
  /** Fields of the node's chain sections that differ from the defaults. */
  readonly chain?: object;
  /** Other fields of its configuration. */
  readonly change?: Partial<OracleFile>;
  readonly store?: OracleFile["store"];
  /** Where Node writes a CPU profile of the node's process, when it stops. */
  readonly profileFolder?: string | undefined;
}

/** @param models further models of the stand-in, such as `slow-500` */
export async function startModel(
  folder: string,
  models: readonly string[] = [],
): Promise<{ choice: ModelChoice; program: RunningProgram }> {
  const none = { keys: {}, provider: null, modelUrl: null, modelName: null, modelCaFile: null };
  const choice = await chooseModel(none, folder, models);
  if (choice.program === null) throw new TypeError("the stand-in is a process of its own");
  return { choice, program: choice.program };
}

/** @param chainIds where it is asked: with one deployer, coordinators have the same address on all of them */
export async function startEnclave(
  folder: string,
  model: ModelChoice,
  chainIds: readonly number[] = [Number(LOCAL_CHAIN_ID)],
): Promise<{ enclave: RunningProgram; behaviourDigest: Hex }> {
  const { coordinator } = plannedAddresses(localAddress(LocalAccount.deployer));
  const files = writeEnclaveFiles(folder, {
    model,
    platform: "bench",
    chainId: LOCAL_CHAIN_ID,
    coordinator,
    payee: `0x${"fe".repeat(20)}`,
    credential: CALLER_TOKEN,
    functionsCredential: "unused",
    agentCredential: "unused",
    port: 0,
    // The chain is started after the enclave, whose digest its policy names.
    clockChainUrl: null,
    chainServer: null,
    firstByteMs: 10_000,
  });
  const behaviour = change<BehaviourFile>(files.behaviourFile, (file) => ({
    ...file,
    // A TLS handshake a call would measure TLS: bench:enclave tells what it costs.
    providers: Object.fromEntries(
      Object.entries(file.providers).map(([name, provider]) => [name, { ...provider, connection: "pooled" }]),
    ),
  }));
  change<OperatorFile>(files.operatorFile, (file) => ({
    ...file,
    public: {
      ...file.public,
      coordinators: chainIds.map((chainId) => ({ chainId: String(chainId), coordinator })),
    },
    callers: {
      ...file.callers,
      named: file.callers.named.map((caller) => ({
        ...caller,
        quota: { requestsPerMinute: 10_000_000, concurrent: 1_000 },
      })),
    },
  }));
  const enclave = await startProgram({
    name: "enclave",
    command: process.execPath,
    args: [
      ...programArguments("enclave/main"),
      ...["--behaviour", files.behaviourFile, "--operator", files.operatorFile],
    ],
    environment: {},
    logFile: join(folder, "enclave.log"),
    readReady: readListening,
  });
  return { enclave, behaviourDigest: configurationDigest(behaviour as unknown as Json) };
}

function change<File>(path: string, edit: (file: File) => File): File {
  const edited = edit(JSON.parse(readFileSync(path, "utf8")) as File);
  writeFileSync(path, JSON.stringify(edited));
  return edited;
}

export async function startOracle(
  folder: string,
  chains: readonly TestChain[],
  enclaveUrl: string,
  { chain: chainChange, change, store, profileFolder }: OracleOptions,
): Promise<RunningProgram> {
  const configFile = await writeTestConfig({
    directory: folder,
    chains,
    enclaves: [{ url: enclaveUrl }],
    keys: TRANSMITTER_KEYS,
    change: { logLevel: "warn", ...change },
    chainChange: { pollMs: POLL_MS, ...chainChange },
    ...(store === undefined ? {} : { store }),
  });
  const profile = profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`];
  return await startProgram({
    name: "oracle",
    command: process.execPath,
    args: [...profile, ...programArguments("oracle/main"), "--config", configFile],
    environment: {},
    logFile: join(folder, "oracle.log"),
    readReady: readListening,
  });
}
