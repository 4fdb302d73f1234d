/**
 * The toolkit's local network of Functions, beside the contracts and the enclave of a network that `adyton up` started: router,
 * simulated nodes, a gateway to the enclave, a subscription, and the example consumer. This file orders the steps.
 */

import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Signer } from "ethers";
import { FunctionsConcierge__factory } from "../../contracts/bindings/factories/index.ts";
import { FunctionsClient } from "../../oracle/functions/client.ts";
import {
  checkDeno,
  loadFunctionsToolkit,
  type LoadedToolkit,
  type LocalFunctionsTestnet,
} from "../../oracle/functions/toolkit.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { connectLocally, localSigner, localWallet } from "../../devnet/local-accounts.ts";
import type { NetworkFile } from "../../devnet/network-file.ts";
import type { FunctionsFile } from "./functions-file.ts";
import { startFront } from "../front/start-front.ts";

/** 100 LINK of the local token. */
const SUBSCRIPTION_JUELS = 100n * 10n ** 18n;
/** Milliseconds between looks at the chain; the toolkit's own 4 seconds would be most of an answer's latency. */
const POLL_MS = 50;

/** Milliseconds for a script with deno's start: the 10 s of public networks would judge this machine, not the script. */
const EXECUTION_MS = 60_000;

/** Before a question's deadline, in which alone answers are taken that a host can cause. */
const FALLBACK_WINDOW_SECONDS = 60;

export interface LocalFunctionsOptions {
  readonly network: NetworkFile;
  readonly folder: string;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  readonly onStep: (name: string, detail: string) => void;
  /** For tests: what stands between the nodes and the gateway at this URL; gives its own URL. */
  readonly standBetween?: (gatewayUrl: string) => Promise<string>;
}

export interface LocalFunctions {
  readonly file: FunctionsFile;
  readonly loaded: LoadedToolkit;
  readonly client: FunctionsClient;
  readonly stop: () => Promise<void>;
}

/** @throws {ConfigError} CONFIG_TOOL_MISSING without the toolkit or deno */
export async function startLocalFunctions(options: LocalFunctionsOptions): Promise<LocalFunctions> {
  const { network, folder, onStep } = options;
  const loaded = loadFunctionsToolkit();
  checkDeno();
  createFolder(folder);
  const gateway = await startFront({
    enclaveUrl: network.enclaveUrl,
    rpcUrl: network.rpcUrl,
    policyFile: network.policyFile,
    host: "127.0.0.1",
    port: 0,
    now: options.now,
    onError: (error) => {
      onStep("gateway", error instanceof Error ? error.message : String(error));
    },
  });
  const gatewayUrl = `http://127.0.0.1:${gateway.port}`;
  const secrets = {
    enclaveUrl: (await options.standBetween?.(gatewayUrl)) ?? gatewayUrl,
    enclaveCredential: network.functionsCredential,
  };
  onStep("gateway", `${gatewayUrl}, before the enclave at ${network.enclaveUrl}`);
  const testnet = await startTestnet(loaded, network, folder, secrets);
  const stop = async (): Promise<void> => {
    testnet.functionsRouterContract.provider.removeAllListeners();
    await testnet.close();
    await gateway.close();
  };
  try {
    onStep("functions", `router ${testnet.functionsRouterContract.address}, nodes ${testnet.donId}`);
    const client = createLocalClient(loaded, network, testnet);
    const subscriptionId = await client.createSubscription(SUBSCRIPTION_JUELS);
    const consumer = await deployConsumer(loaded, network, testnet, subscriptionId);
    await client.addConsumer(subscriptionId, consumer);
    onStep("consumer", `${consumer}, subscription ${subscriptionId}`);
    return {
      loaded,
      client,
      stop,
      file: {
        version: 1,
        chainId: network.chainId,
        rpcUrl: network.rpcUrl,
        router: lowerCase(testnet.functionsRouterContract.address),
        linkToken: lowerCase(testnet.linkTokenContract.address),
        donId: testnet.donId,
        subscriptionId,
        consumer,
        policyId: network.policyId,
        model: network.model,
        ...secrets,
        keyFile: null,
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startTestnet(
  { toolkit }: LoadedToolkit,
  network: NetworkFile,
  folder: string,
  secrets: FunctionsSecretsFile,
): Promise<LocalFunctionsTestnet> {
  const configFile = resolve(join(folder, "functions-simulation.json"));
  writeFileSync(configFile, JSON.stringify({ secrets, maxExecutionTimeMs: EXECUTION_MS }), { mode: 0o600 });
  const { log } = console;
  console.log = () => undefined;
  try {
    // `attach`: the stand-in for ganache starts no chain, since there is one (tools/ganache-on-anvil).
    const port = Number(new URL(network.rpcUrl).port);
    const testnet = await toolkit.startLocalFunctionsTestnet(configFile, { attach: true }, port);
    testnet.functionsRouterContract.provider.pollingInterval = POLL_MS;
    return testnet;
  } finally {
    console.log = log;
  }
}

type FunctionsSecretsFile = Pick<FunctionsFile, "enclaveUrl" | "enclaveCredential">;

/** The deployer's, who has all the LINK there is. */
function createLocalClient(
  loaded: LoadedToolkit,
  { rpcUrl }: NetworkFile,
  testnet: LocalFunctionsTestnet,
): FunctionsClient {
  return new FunctionsClient({
    loaded,
    rpcUrl,
    privateKey: localWallet(LocalAccount.deployer).privateKey,
    router: lowerCase(testnet.functionsRouterContract.address),
    linkToken: lowerCase(testnet.linkTokenContract.address),
    donId: testnet.donId,
    pollMs: POLL_MS,
  });
}

async function deployConsumer(
  { ethers }: LoadedToolkit,
  network: NetworkFile,
  testnet: LocalFunctionsTestnet,
  subscriptionId: bigint,
): Promise<Hex> {
  const provider = connectLocally(network.rpcUrl, network.chainId);
  try {
    const signer: Signer = localSigner(provider, LocalAccount.asker);
    const consumer = await new FunctionsConcierge__factory(signer).deploy(
      testnet.functionsRouterContract.address,
      network.contracts.enclaveRegistry,
      network.policyId,
      ethers.utils.formatBytes32String(testnet.donId),
      subscriptionId,
      FALLBACK_WINDOW_SECONDS,
    );
    await consumer.waitForDeployment();
    return lowerCase(await consumer.getAddress());
  } finally {
    provider.destroy();
  }
}

function lowerCase(address: string): Hex {
  return address.toLowerCase() as Hex;
}
