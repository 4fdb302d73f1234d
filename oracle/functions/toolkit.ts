/**
 * @chainlink/functions-toolkit 0.3.2, loaded when this road is used: it brings ethers 5 and other old packages, and nobody who does
 * not use Chainlink Functions should need them. Typed here, as far as it is used, so that our types need no such package either.
 */

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { ConfigError } from "../../protocol/errors.ts";
import { prepareToolkitEnvironment } from "./config.ts";

const PACKAGE = "@chainlink/functions-toolkit";

/** As ethers 5 has them; only passed on. */
export interface ToolkitProvider {
  pollingInterval: number;
  getBlockNumber(): Promise<number>;
  removeAllListeners(): unknown;
}
export interface ToolkitSigner {
  readonly address: string;
  readonly provider: ToolkitProvider;
}
export interface ToolkitContract {
  readonly address: string;
  readonly provider: ToolkitProvider;
  readonly filters: Readonly<Record<string, (...topics: readonly unknown[]) => object>>;
  queryFilter(
    filter: object,
    fromBlock: number,
  ): Promise<
    readonly { readonly args: Readonly<Record<string, unknown>>; readonly transactionHash: string }[]
  >;
}

export interface SimulationInput {
  readonly source: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly bytesArgs: readonly string[];
}

export interface SimulationResult {
  readonly responseBytesHexstring?: string;
  readonly errorString?: string;
  readonly capturedTerminalOutput: string;
}

export interface SubscriptionManager {
  initialize(): Promise<void>;
  createSubscription(): Promise<number>;
  addConsumer(options: {
    readonly subscriptionId: number;
    readonly consumerAddress: string;
  }): Promise<unknown>;
  fundSubscription(options: {
    readonly subscriptionId: number;
    readonly juelsAmount: string;
  }): Promise<unknown>;
  estimateFunctionsRequestCost(options: {
    readonly donId: string;
    readonly subscriptionId: number;
    readonly callbackGasLimit: number;
    readonly gasPriceWei: bigint;
  }): Promise<bigint>;
}

export interface SecretsManager {
  initialize(): Promise<void>;
  encryptSecrets(secrets: Readonly<Record<string, string>>): Promise<{ readonly encryptedSecrets: string }>;
  uploadEncryptedSecretsToDON(options: {
    readonly encryptedSecretsHexstring: string;
    readonly gatewayUrls: readonly string[];
    readonly slotId: number;
    readonly minutesUntilExpiration: number;
  }): Promise<{ readonly version: number; readonly success: boolean }>;
  buildDONHostedEncryptedSecretsReference(options: {
    readonly slotId: number;
    readonly version: number;
  }): string;
}

export interface LocalFunctionsTestnet {
  readonly donId: string;
  readonly linkTokenContract: ToolkitContract;
  readonly functionsRouterContract: ToolkitContract;
  readonly functionsMockCoordinatorContract: ToolkitContract;
  readonly close: () => Promise<void>;
}

export interface FunctionsToolkit {
  readonly simulateScript: (input: SimulationInput) => Promise<SimulationResult>;
  readonly startLocalFunctionsTestnet: (
    configFile: string,
    options: object,
    port: number,
  ) => Promise<LocalFunctionsTestnet>;
  readonly SubscriptionManager: new (options: {
    readonly signer: ToolkitSigner;
    readonly linkTokenAddress: string;
    readonly functionsRouterAddress: string;
  }) => SubscriptionManager;
  readonly SecretsManager: new (options: {
    readonly signer: ToolkitSigner;
    readonly functionsRouterAddress: string;
    readonly donId: string;
  }) => SecretsManager;
}

/** The ethers 5 that the toolkit uses itself. */
export interface ToolkitEthers {
  readonly Wallet: new (privateKey: string, provider: ToolkitProvider) => ToolkitSigner;
  readonly Contract: new (
    address: string,
    abi: readonly string[],
    provider: ToolkitProvider,
  ) => ToolkitContract;
  readonly providers: {
    readonly StaticJsonRpcProvider: new (url: string) => ToolkitProvider;
  };
  readonly utils: { readonly formatBytes32String: (text: string) => string };
}

export interface LoadedToolkit {
  readonly toolkit: FunctionsToolkit;
  readonly ethers: ToolkitEthers;
}

/** @throws {ConfigError} CONFIG_TOOL_MISSING, saying what to install */
export function loadFunctionsToolkit(): LoadedToolkit {
  prepareToolkitEnvironment();
  const require = createRequire(import.meta.url);
  let path: string;
  try {
    path = require.resolve(PACKAGE);
  } catch (cause) {
    throw new ConfigError({
      code: "CONFIG_TOOL_MISSING",
      message: `Chainlink Functions needs a package that is not installed: npm install ${PACKAGE}@0.3.2`,
      details: { package: PACKAGE },
      cause,
    });
  }
  return quietly(() => ({
    toolkit: require(path) as FunctionsToolkit,
    ethers: createRequire(path)("ethers") as ToolkitEthers,
  }));
}

/**
 * Scripts are simulated by deno.
 *
 * @throws {ConfigError} CONFIG_TOOL_MISSING, saying what to install
 */
export function checkDeno(): void {
  prepareToolkitEnvironment();
  try {
    execFileSync("deno", ["--version"], { stdio: "ignore" });
  } catch (cause) {
    throw new ConfigError({
      code: "CONFIG_TOOL_MISSING",
      message:
        "scripts of Chainlink Functions are run by deno: install it (https://deno.com) and put it on PATH",
      details: { tool: "deno" },
      cause,
    });
  }
}

/** The toolkit writes to the console while it loads; stdout is for answers. */
function quietly<T>(work: () => T): T {
  const { log } = console;
  console.log = () => undefined;
  try {
    return work();
  } finally {
    console.log = log;
  }
}
