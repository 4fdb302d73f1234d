/** Starts a whole network on this machine: chain, model, contracts, enclave, oracle. This file orders the steps. */

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonRpcProvider } from "ethers";
import type { Hex } from "../protocol/bytes.ts";
import { programPath, type DevnetEnvironment } from "./config.ts";
import { awaitAdmission } from "./admission.ts";
import { startAnvil } from "./anvil.ts";
import { LOCAL_CHAIN_ID, LocalAccount } from "./local-chain.ts";
import { startProgram, type RunningProgram } from "./child-process.ts";
import { deploy, plannedAddresses, type Deployment } from "./deployment.ts";
import { writeEnclaveFiles, type EnclaveFiles } from "./enclave-files.ts";
import { connectLocally, localAddress, localSigner, localWallet } from "./local-accounts.ts";
import { chooseModel, readListening, type ModelChoice } from "./model-choice.ts";
import type { NetworkFile } from "./network-file.ts";
import { programArguments } from "./node-program.ts";
import { checkPort } from "./ports.ts";
import { localChainSection, writeOracleConfig } from "./oracle-files.ts";
import { emptyOwnFolder } from "./folder.ts";
import { startSources, type StandInSources } from "./stand-in-sources.ts";
import { describeSimulator, type SimulatedEnclave } from "./simulator.ts";

/** The simulated machine's name: it becomes the platform id. */
const PLATFORM = "local";
/**
 * Seconds between blocks. Automine strands transactions that arrive together, and a fraction would let the chain's
 * clock run ahead of the enclave's.
 */
const BLOCK_TIME_SECONDS = 1;
/** Seconds before its deadline in which a failure that a host can cause settles a request: the minute's requests of a demonstration have some. */
const FALLBACK_WINDOW_SECONDS = 10;
const CANCEL_DELAY_SECONDS = 60;
/** Milliseconds for a model's first byte: a reasoning model takes its time. */
const FIRST_BYTE_MS = 60_000;

/** In this order. */
export type NetworkStep = "chain" | "model" | "contracts" | "enclave" | "oracle" | "admission";

export interface NetworkPorts {
  readonly chain: number;
  readonly oracle: number;
  readonly enclave: number;
}

export interface NetworkOptions {
  readonly environment: DevnetEnvironment;
  /** For logs, configuration and the oracle's store: a new one, or a network's of before, which is emptied. */
  readonly folder: string;
  /** Seconds of the wall clock, for certificates and policies. */
  readonly now: () => number;
  /** Ends the start early; what was started is ended too. */
  readonly signal: AbortSignal;
  /** Called when a step is done, with what there is to see. */
  readonly onStep: (step: NetworkStep, detail: string) => void;
  /** Any free ones when not told. */
  readonly ports?: NetworkPorts;
  /** Servers that run already; those of the environment, or the stand-in, when not told. */
  readonly model?: ModelChoice;
  /** Further models of the stand-in. */
  readonly models?: readonly string[];
  /** Serves `stand-in-pages.ts` and files, for programs and questions to read. */
  readonly sources?: true;
  readonly firstByteMs?: number;
  /** Where the oracle's console listens, 0 for any free one; none when not told. */
  readonly consolePort?: number;
}

/** The oracle's page for its operator. */
export interface LocalConsole {
  readonly url: string;
  readonly tokenFile: string;
}

export interface LocalNetwork {
  readonly file: NetworkFile;
  readonly deployment: Deployment;
  readonly model: ModelChoice;
  /** Where `stand-in-pages.ts` is served; null where nobody asked for it. */
  readonly sourcesOrigin: string | null;
  readonly provider: JsonRpcProvider;
  /** Null where nobody asked for it. */
  readonly console: LocalConsole | null;
  /** Every process that an answer needs. */
  readonly programs: Readonly<Record<"anvil" | "enclave" | "oracle", RunningProgram>>;
  /** Ends every process and waits until it is gone. */
  readonly stop: () => Promise<void>;
}

/**
 * Holds on return: the enclave is admitted on chain by its (simulated) evidence, and a question will be answered.
 *
 * @throws {ConfigError} naming the program that is missing or did not start, after ending everything that was started
 */
export async function startNetwork(options: NetworkOptions): Promise<LocalNetwork> {
  const running = new RunningPrograms();
  try {
    const { ports } = options;
    for (const port of ports === undefined ? [] : [ports.chain, ports.oracle, ports.enclave])
      await checkPort(port);
    emptyOwnFolder(options.folder);
    const chain = await startChain(options, running);
    const planned = await planEnclave(options, chain);
    const deployment = await deployContracts(options, chain, planned);
    const enclave = await startEnclave(options, running, planned.files);
    const oracleTerms = { chain, planned, deployment, enclaveUrl: enclave.ready };
    const { oracle, console } = await startOracle(options, running, oracleTerms);
    options.onStep("admission", await awaitAdmission(chain.provider, deployment, options.folder));
    options.signal.throwIfAborted();
    return {
      file: describeNetwork({ ...oracleTerms, oracleUrl: oracle.ready, rpcUrl: chain.rpcUrl }),
      deployment,
      model: chain.model,
      sourcesOrigin: chain.sources?.origin ?? null,
      provider: chain.provider,
      console,
      programs: { anvil: chain.anvil, enclave, oracle },
      stop: () => running.stop(),
    };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** What has been started, to be ended in reverse: the oracle stops before what it talks to. */
class RunningPrograms {
  readonly #programs: RunningProgram[] = [];
  #provider: JsonRpcProvider | null = null;

  add(program: RunningProgram): RunningProgram {
    this.#programs.push(program);
    return program;
  }

  connect(rpcUrl: string): JsonRpcProvider {
    this.#provider = connectLocally(rpcUrl, LOCAL_CHAIN_ID);
    return this.#provider;
  }

  async stop(): Promise<void> {
    this.#provider?.destroy();
    this.#provider = null;
    for (const program of this.#programs.splice(0).reverse()) await program.stop();
  }
}

interface Chain {
  readonly rpcUrl: string;
  readonly anvil: RunningProgram;
  readonly provider: JsonRpcProvider;
  readonly model: ModelChoice;
  readonly sources: StandInSources | null;
}

async function startChain(options: NetworkOptions, running: RunningPrograms): Promise<Chain> {
  const { environment, folder, onStep, signal } = options;
  const anvil = await startAnvil({
    port: options.ports?.chain ?? 0,
    logFile: join(folder, "anvil.log"),
    args: ["--block-time", String(BLOCK_TIME_SECONDS)],
  });
  const { url: rpcUrl } = anvil;
  running.add(anvil);
  signal.throwIfAborted();
  onStep("chain", `anvil at ${rpcUrl}, chain ${LOCAL_CHAIN_ID}`);
  const chosen = options.model ?? (await chooseModel(environment, folder, options.models));
  if (chosen.program !== null) running.add(chosen.program);
  signal.throwIfAborted();
  const sources = options.sources === true ? await startSources(folder, rpcUrl) : null;
  if (sources !== null) running.add(sources.program);
  const model = trusting(chosen, sources?.certificateAuthority ?? null);
  onStep("model", `${model.endpoint}${model.standIn ? " (a local STAND-IN, not a model)" : ""}`);
  return { rpcUrl, anvil, provider: running.connect(rpcUrl), model, sources };
}

function trusting(model: ModelChoice, authority: string | null): ModelChoice {
  if (authority === null) return model;
  return { ...model, certificateAuthorities: [...model.certificateAuthorities, authority] };
}

interface PlannedEnclave {
  readonly simulator: SimulatedEnclave;
  readonly files: EnclaveFiles;
  readonly policyFile: string;
  /** What the oracle shows the enclave, what the nodes of Chainlink Functions do, and what `adyton agent run` does. */
  readonly credential: string;
  readonly functionsCredential: string;
  readonly agentCredential: string;
}

/** The enclave's configuration is written first: the policy on chain names its digest. */
async function planEnclave(
  { folder, now, firstByteMs, ports }: NetworkOptions,
  { model, rpcUrl, sources }: Chain,
): Promise<PlannedEnclave> {
  const simulator = await describeSimulator(PLATFORM, now());
  const credential = randomBytes(24).toString("base64url");
  const functionsCredential = randomBytes(24).toString("base64url");
  const agentCredential = randomBytes(24).toString("base64url");
  const files = writeEnclaveFiles(folder, {
    model,
    platform: PLATFORM,
    chainId: LOCAL_CHAIN_ID,
    coordinator: plannedAddresses(localAddress(LocalAccount.deployer)).coordinator,
    payee: localAddress(LocalAccount.payee),
    credential,
    functionsCredential,
    agentCredential,
    port: ports?.enclave ?? 0,
    clockChainUrl: rpcUrl,
    chainServer: sources === null ? null : `${sources.origin}/rpc`,
    firstByteMs: firstByteMs ?? FIRST_BYTE_MS,
  });
  const policyFile = join(folder, "policy.json");
  writeFileSync(policyFile, JSON.stringify(simulator.policy, null, 2));
  return { simulator, files, policyFile, credential, functionsCredential, agentCredential };
}

async function deployContracts(
  { onStep, signal }: NetworkOptions,
  { provider, model }: Chain,
  { simulator, files }: PlannedEnclave,
): Promise<Deployment> {
  const terms = {
    simulatorKey: simulator.key,
    registers: simulator.registers,
    behaviourDigest: files.behaviourDigest,
    fallbackWindowSeconds: FALLBACK_WINDOW_SECONDS,
    cancelDelaySeconds: CANCEL_DELAY_SECONDS,
    keysBeforeRequest: true,
    model: model.models[0] ?? "",
  };
  const deployment = await deploy(localSigner(provider, LocalAccount.deployer), terms);
  signal.throwIfAborted();
  onStep("contracts", `coordinator ${deployment.coordinator}`);
  return deployment;
}

async function startEnclave(
  { folder, onStep, signal }: NetworkOptions,
  running: RunningPrograms,
  { behaviourFile, operatorFile }: EnclaveFiles,
): Promise<RunningProgram> {
  const files = ["--behaviour", behaviourFile, "--operator", operatorFile];
  const enclave = await startProgram({
    name: "enclave",
    command: process.execPath,
    args: [...programArguments("enclave/main"), ...files],
    environment: {},
    logFile: join(folder, "enclave.log"),
    readReady: readListening,
  });
  running.add(enclave);
  signal.throwIfAborted();
  onStep("enclave", `${enclave.ready}, SIMULATED evidence, no hardware`);
  return enclave;
}

interface OracleStart {
  readonly chain: Chain;
  readonly planned: PlannedEnclave;
  readonly deployment: Deployment;
  readonly enclaveUrl: string;
}

async function startOracle(
  { folder, onStep, ports, consolePort, signal }: NetworkOptions,
  running: RunningPrograms,
  { chain, planned, deployment, enclaveUrl }: OracleStart,
): Promise<{ readonly oracle: RunningProgram; readonly console: LocalConsole | null }> {
  const tokenFile = join(folder, "console.token");
  if (consolePort !== undefined) writeFileSync(tokenFile, randomBytes(32).toString("hex"), { mode: 0o600 });
  const config = writeOracleConfig(folder, {
    chains: [localChainSection(LOCAL_CHAIN_ID, [chain.rpcUrl], deployment)],
    enclaves: [{ url: enclaveUrl, callerToken: planned.credential, secrets: [...planned.files.secrets] }],
    appraisalPolicy: planned.policyFile,
    transmitterKeys: [localWallet(LocalAccount.transmitter).privateKey as Hex],
    change: {
      http: { host: "127.0.0.1", port: ports?.oracle ?? 0 },
      ...(consolePort !== undefined && { console: { port: consolePort, tokenFile } }),
    },
  });
  let console: LocalConsole | null = null;
  const oracle = await startProgram({
    name: "oracle",
    command: process.execPath,
    args: [...programArguments("oracle/main"), "--config", config],
    environment: { PATH: programPath() },
    logFile: join(folder, "oracle.log"),
    readReady: (line) => {
      const url = readListening(line, "console");
      if (url !== undefined) console = { url, tokenFile };
      return readListening(line);
    },
  });
  running.add(oracle);
  signal.throwIfAborted();
  onStep("oracle", oracle.ready);
  return { oracle, console };
}

function describeNetwork(
  parts: OracleStart & { readonly oracleUrl: string; readonly rpcUrl: string },
): NetworkFile {
  const { coordinator, enclaveRegistry, concierge, moderator, policyId } = parts.deployment;
  const models = [...parts.chain.model.models];
  const { sources } = parts.chain;
  return {
    version: 2,
    pid: process.pid,
    chainId: LOCAL_CHAIN_ID,
    rpcUrl: parts.rpcUrl,
    contracts: { coordinator, enclaveRegistry, concierge, moderator },
    policyId,
    model: models[0] ?? "",
    models,
    enclaveUrl: parts.enclaveUrl,
    oracleUrl: parts.oracleUrl,
    policyFile: parts.planned.policyFile,
    files: sources === null ? null : { folder: sources.files, origin: sources.origin },
    functionsCredential: parts.planned.functionsCredential,
    agentCredential: parts.planned.agentCredential,
  };
}
