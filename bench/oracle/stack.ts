/** The whole path on one machine: anvil, a model without delay, the enclave's process, the oracle's process. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOCAL_CHAIN_ID, LocalAccount } from "../../devnet/local-chain.ts";
import { startProgram, type RunningProgram } from "../../devnet/child-process.ts";
import { plannedAddresses } from "../../devnet/deployment.ts";
import { localAddress } from "../../devnet/local-accounts.ts";
import { writeEnclaveFiles } from "../../devnet/enclave-files.ts";
import { chooseModel, readListening, type ModelChoice } from "../../devnet/model-choice.ts";
import { programArguments } from "../../devnet/node-program.ts";
import { BenchConsumer__factory } from "../../contracts/bindings/factories/index.ts";
import type { BenchConsumer } from "../../contracts/bindings/index.ts";
import type { BehaviourFile } from "../../enclave/configuration/behaviour.ts";
import type { OperatorFile } from "../../enclave/configuration/operator.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { configurationDigest } from "../../protocol/keyset.ts";
import type { OracleFile } from "../../devnet/oracle-files.ts";
import { writeTestConfig } from "../../tests/oracle/support/oracle-process.ts";
import { CALLER_TOKEN } from "../../tests/oracle/support/stand-in-enclave.ts";
import { startTestChain, TRANSMITTER_KEYS, type TestChain } from "../../tests/oracle/support/test-chain.ts";

export const POLL_MS = 50;

export interface Stack {
  readonly chain: TestChain;
  readonly consumer: BenchConsumer;
  readonly oracle: RunningProgram;
  readonly enclave: RunningProgram;
  readonly model: RunningProgram;
  /** What the oracle warned of, line by line. */
  readonly readOracleLog: () => readonly string[];
  readonly stop: () => Promise<void>;
}

export interface StackOptions {
  readonly anvilArgs?: readonly string[];
  /** Fields of the oracle's chain section that differ from the defaults. */
  readonly chain?: object;
  readonly store?: OracleFile["store"];
  /** Where Node writes a CPU profile of the oracle's process, when it stops. */
  readonly profileFolder?: string | undefined;
}

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-bench-"));
  const model = await startModel(folder);
  const { enclave, behaviourDigest } = await startEnclave(folder, model.choice);
  const chain = await startTestChain({ behaviourDigest, anvilArgs: options.anvilArgs ?? [] });
  const { coordinator, policyId } = chain.deployment;
  const consumer = await new BenchConsumer__factory(chain.asker).deploy(coordinator, policyId);
  await consumer.waitForDeployment();
  const oracle = await startOracle(join(folder, "oracle"), chain, enclave.ready, options);
  return {
    chain,
    consumer,
    oracle,
    enclave,
    model: model.program,
    readOracleLog: () => readFileSync(join(folder, "oracle/oracle.log"), "utf8").trimEnd().split("\n"),
    stop: async () => {
      await oracle.stop();
      await enclave.stop();
      await model.program.stop();
      await chain.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startModel(folder: string): Promise<{ choice: ModelChoice; program: RunningProgram }> {
  const none = { keys: {}, provider: null, modelUrl: null, modelName: null, modelCaFile: null };
  const choice = await chooseModel(none, folder);
  if (choice.program === null) throw new TypeError("the stand-in is a process of its own");
  return { choice, program: choice.program };
}

async function startEnclave(
  folder: string,
  model: ModelChoice,
): Promise<{ enclave: RunningProgram; behaviourDigest: Hex }> {
  const files = writeEnclaveFiles(folder, {
    model,
    platform: "bench",
    chainId: LOCAL_CHAIN_ID,
    coordinator: plannedAddresses(localAddress(LocalAccount.deployer)).coordinator,
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

async function startOracle(
  folder: string,
  chain: TestChain,
  enclaveUrl: string,
  { chain: chainChange, store, profileFolder }: StackOptions,
): Promise<RunningProgram> {
  const configFile = await writeTestConfig({
    directory: folder,
    chains: [chain],
    enclaves: [{ url: enclaveUrl }],
    keys: TRANSMITTER_KEYS,
    change: { logLevel: "warn" },
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
