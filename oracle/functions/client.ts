/** A consumer's owner at Chainlink Functions: subscription, secrets, cost, and what came back. Over the toolkit. */

import type { Hex } from "../../protocol/bytes.ts";
import { ChainError, ConfigError } from "../../protocol/errors.ts";
import type { LoadedToolkit, SubscriptionManager, ToolkitContract, ToolkitSigner } from "./toolkit.ts";

export interface FunctionsClientOptions {
  readonly loaded: LoadedToolkit;
  readonly rpcUrl: string;
  /** Pays gas, and owns the subscription. */
  readonly privateKey: string;
  readonly router: Hex;
  readonly linkToken: Hex;
  /** Such as `fun-ethereum-sepolia-1`. */
  readonly donId: string;
  /** Milliseconds between two looks at the chain. */
  readonly pollMs: number;
}

/** The script's `secrets` (oracle/functions/script.ts). */
export interface FunctionsSecrets {
  /** Of a gateway with a certificate that browsers accept: the nodes know nothing of RA-TLS. */
  readonly enclaveUrl: string;
  readonly enclaveCredential: string;
}

/** Where the encrypted secrets lie: for `FunctionsTerms.secretsLocation` and `secretsReference`. */
export interface SecretsReference {
  readonly location: 2;
  readonly reference: Hex;
  readonly expiresInMinutes: number;
}

export interface SecretsUpload {
  readonly secrets: FunctionsSecrets;
  readonly gatewayUrls: readonly string[];
  readonly slotId: number;
  /** The nodes forget them then; from 5 up, 3 days at most on public networks. */
  readonly minutesUntilExpiration: number;
}

/** `FunctionsResponse.FulfillResult` of Chainlink's router. */
const RESULTS = [
  "fulfilled",
  "userCallbackError",
  "invalidRequestId",
  "costExceedsCommitment",
  "insufficientGas",
  "subscriptionInvariantViolated",
  "invalidCommitment",
] as const;
export type FunctionsResult = (typeof RESULTS)[number];

export interface FunctionsFulfillment {
  /**
   * `userCallbackError`: the consumer refused the response; `callbackReturnData` says why. From `costExceedsCommitment` on, the
   * router did not even call the consumer, and there is nothing but the result.
   */
  readonly result: FunctionsResult;
  readonly response: Hex;
  /** The nodes' error, as text; empty when there is a response. */
  readonly error: string;
  readonly callbackReturnData: Hex;
  readonly costJuels: bigint;
  readonly transactionHash: Hex;
}

const ROUTER_ABI = [
  "event RequestProcessed(bytes32 indexed requestId, uint64 indexed subscriptionId, uint96 totalCostJuels, address transmitter, uint8 resultCode, bytes response, bytes err, bytes callbackReturnData)",
  "event RequestNotProcessed(bytes32 indexed requestId, address coordinator, address transmitter, uint8 resultCode)",
] as const;

export class FunctionsClient {
  readonly #options: FunctionsClientOptions;
  readonly #signer: ToolkitSigner;
  readonly #router: ToolkitContract;
  #subscriptions: Promise<SubscriptionManager> | null = null;

  constructor(options: FunctionsClientOptions) {
    const { ethers } = options.loaded;
    const provider = new ethers.providers.StaticJsonRpcProvider(options.rpcUrl);
    provider.pollingInterval = options.pollMs;
    this.#options = options;
    this.#signer = new ethers.Wallet(options.privateKey, provider);
    this.#router = new ethers.Contract(options.router, ROUTER_ABI, provider);
  }

  /** A new subscription with `juels` of LINK (1 LINK is 10^18 juels), which this account must have. */
  async createSubscription(juels: bigint): Promise<bigint> {
    const subscriptions = await this.#subscriptionManager();
    const subscriptionId = await subscriptions.createSubscription();
    await subscriptions.fundSubscription({ subscriptionId, juelsAmount: juels.toString() });
    return BigInt(subscriptionId);
  }

  async addConsumer(subscriptionId: bigint, consumer: Hex): Promise<void> {
    const subscriptions = await this.#subscriptionManager();
    await subscriptions.addConsumer({
      subscriptionId: Number(subscriptionId),
      consumerAddress: consumer,
    });
  }

  /** Juels that one request may cost the subscription. */
  async estimateCost(subscriptionId: bigint, callbackGasLimit: number, gasPriceWei: bigint): Promise<bigint> {
    const subscriptions = await this.#subscriptionManager();
    return await subscriptions.estimateFunctionsRequestCost({
      donId: this.#options.donId,
      subscriptionId: Number(subscriptionId),
      callbackGasLimit,
      gasPriceWei,
    });
  }

  /**
   * Encrypts the secrets to the network's key and leaves them with its nodes.
   *
   * @throws {ConfigError} CONFIG_INVALID when not all nodes took them
   */
  async uploadSecrets(upload: SecretsUpload): Promise<SecretsReference> {
    const { loaded, router, donId } = this.#options;
    const manager = new loaded.toolkit.SecretsManager({
      signer: this.#signer,
      functionsRouterAddress: router,
      donId,
    });
    await manager.initialize();
    const { encryptedSecrets } = await manager.encryptSecrets({ ...upload.secrets });
    const { slotId, gatewayUrls, minutesUntilExpiration } = upload;
    const { version, success } = await manager
      .uploadEncryptedSecretsToDON({
        encryptedSecretsHexstring: encryptedSecrets,
        gatewayUrls,
        slotId,
        minutesUntilExpiration,
      })
      .catch((cause: unknown) => {
        throw notLeft("the nodes did not take the secrets", cause);
      });
    if (!success) throw notLeft("not every node took the secrets; try again");
    return {
      location: 2,
      reference: manager.buildDONHostedEncryptedSecretsReference({ slotId, version }) as Hex,
      expiresInMinutes: minutesUntilExpiration,
    };
  }

  /**
   * The nodes' replies to a request, from `fromBlock` on. Looks at the log instead of listening: the toolkit's listener
   * misses what was there before it, and drops other listeners.
   *
   * @throws {ChainError} CHAIN_RPC_UNAVAILABLE when nothing came in time
   */
  async awaitFulfillment(
    functionsRequestId: Hex,
    fromBlock: number,
    signal: AbortSignal,
  ): Promise<FunctionsFulfillment> {
    const filters = ["RequestProcessed", "RequestNotProcessed"].map(
      (event) => this.#router.filters[event]?.(functionsRequestId) ?? {},
    );
    while (!signal.aborted) {
      for (const filter of filters) {
        const [event] = await this.#router.queryFilter(filter, fromBlock);
        if (event !== undefined) return toFulfillment(event.args, event.transactionHash);
      }
      await new Promise((resolve) => setTimeout(resolve, this.#options.pollMs));
    }
    throw new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: "the nodes have not answered in time; anybody may still relay the enclave's answer",
      details: { functionsRequestId },
    });
  }

  async #subscriptionManager(): Promise<SubscriptionManager> {
    const { loaded, linkToken, router } = this.#options;
    this.#subscriptions ??= (async () => {
      const manager = new loaded.toolkit.SubscriptionManager({
        signer: this.#signer,
        linkTokenAddress: linkToken,
        functionsRouterAddress: router,
      });
      await manager.initialize();
      return manager;
    })();
    return await this.#subscriptions;
  }
}

function notLeft(message: string, cause?: unknown): ConfigError {
  return new ConfigError({ code: "CONFIG_INVALID", message, cause });
}

function toFulfillment(
  args: Readonly<Record<string, unknown>>,
  transactionHash: string,
): FunctionsFulfillment {
  const { response = "0x", err = "0x", callbackReturnData = "0x", totalCostJuels = 0 } = args;
  return {
    result: RESULTS[Number(args["resultCode"])] ?? "invalidCommitment",
    response: response as Hex,
    error: Buffer.from((err as Hex).slice(2), "hex").toString("utf8"),
    callbackReturnData: callbackReturnData as Hex,
    costJuels: BigInt(String(totalCostJuels)),
    transactionHash: transactionHash as Hex,
  };
}
