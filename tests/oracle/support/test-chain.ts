import {
  type ContractTransactionReceipt,
  type JsonRpcProvider,
  keccak256,
  NonceManager,
  type Signer,
  toBeHex,
  ZeroAddress,
} from "ethers";
import {
  type EnclaveRegistry,
  EnclaveRegistry__factory,
  type OracleCoordinator,
  OracleCoordinator__factory,
} from "../../../contracts/bindings/index.ts";
import { startAnvil, type Anvil } from "../../../devnet/anvil.ts";
import { LOCAL_CHAIN_ID, LocalAccount } from "../../../devnet/local-chain.ts";
import { deployCore, NO_REGISTERS, type CoreDeployment } from "../../../devnet/deployment.ts";
import { connectLocally } from "../../../devnet/local-accounts.ts";
import { simulatorKey } from "../../../devnet/simulator.ts";
import { type Hex, toHex } from "../../../protocol/bytes.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";
import { OutputKind, PROVIDER_DEFAULT_SAMPLING, Role } from "../../../protocol/prompt.ts";
import { wallClockMs } from "./wall-clock.ts";

export const FALLBACK_WINDOW_SECONDS = 30;
const CANCEL_DELAY_SECONDS = 60;
const QUORUM_WINDOW_SECONDS = 2;

export interface TestChain {
  readonly chainId: number;
  readonly anvil: Anvil;
  readonly provider: JsonRpcProvider;
  readonly deployer: Signer;
  readonly asker: Signer;
  readonly coordinator: OracleCoordinator;
  readonly registry: EnclaveRegistry;
  readonly deployment: CoreDeployment;
  rpc(method: string, ...params: unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}

/** The parts of a chain that asking straight at its coordinator takes. */
export interface AskedChain extends Pick<TestChain, "provider" | "asker" | "coordinator"> {
  readonly deployment: Pick<CoreDeployment, "policyId">;
}

/** Anvil's first accounts: their keys are in its documentation. */
export const TRANSMITTER_KEYS: readonly Hex[] = [
  "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
];

/** The chain ids that the simulator's verifier takes for local: of anvil, and of an older Hardhat. */
export const LOCAL_CHAIN_IDS = [Number(LOCAL_CHAIN_ID), 1_337] as const;

/** The contracts on a local chain, with a policy that accepts the simulator and the given behaviour on any platform. */
export async function startTestChain(options: {
  readonly behaviourDigest: Hex;
  readonly chainId?: number;
  readonly anvilArgs?: readonly string[];
  /** Off where it is not said: tests ask before their enclaves are admitted, and restart them under way. */
  readonly keysBeforeRequest?: boolean;
  /** Short where it is not said, since tests wait for it. */
  readonly quorumWindowSeconds?: number;
}): Promise<TestChain> {
  const chainId = options.chainId ?? LOCAL_CHAIN_IDS[0];
  const anvil = await startAnvil({ args: ["--chain-id", String(chainId), ...(options.anvilArgs ?? [])] });
  const provider = connectLocally(anvil.url, BigInt(chainId));
  const deployer = new NonceManager(await provider.getSigner(LocalAccount.deployer));
  const asker = new NonceManager(await provider.getSigner(5));
  const deployment = await deployCore(deployer, {
    simulatorKey: simulatorKey(),
    registers: NO_REGISTERS,
    behaviourDigest: options.behaviourDigest,
    fallbackWindowSeconds: FALLBACK_WINDOW_SECONDS,
    cancelDelaySeconds: CANCEL_DELAY_SECONDS,
    keysBeforeRequest: options.keysBeforeRequest ?? false,
    quorumWindowSeconds: options.quorumWindowSeconds ?? QUORUM_WINDOW_SECONDS,
  });
  return {
    chainId,
    anvil,
    provider,
    deployer,
    asker,
    deployment,
    coordinator: OracleCoordinator__factory.connect(deployment.coordinator, deployer),
    registry: EnclaveRegistry__factory.connect(deployment.enclaveRegistry, deployer),
    rpc: (method, ...params) => provider.send(method, params) as Promise<unknown>,
    async stop() {
      provider.destroy();
      await anvil.stop();
    },
  };
}

/** A transaction that waits to be mined, as the chain's server tells it. */
export interface PendingTransaction {
  readonly hash: Hex;
  readonly from: Hex;
  readonly to: Hex;
  readonly nonce: Hex;
  readonly input: Hex;
  readonly gas: Hex;
  readonly maxFeePerGas: Hex;
}

export async function mempoolOf(chain: Pick<TestChain, "rpc">): Promise<PendingTransaction[]> {
  const { pending } = (await chain.rpc("txpool_content")) as {
    pending: Record<string, Record<string, PendingTransaction>>;
  };
  return Object.values(pending).flatMap((byNonce) => Object.values(byNonce));
}

export interface AskOptions {
  readonly threshold?: number;
  readonly aggregation?: number;
  readonly payload?: Hex;
  /** The payload travels by its hash and this. */
  readonly payloadUri?: string;
  readonly fee?: bigint;
  readonly gasPriceCap?: bigint;
  /** What is sent along; what the coordinator requires by default. */
  readonly value?: bigint;
  readonly deadlineSeconds?: number;
  readonly callbackGasLimit?: number;
  readonly delivery?: number;
}

/**
 * Told apart by their contexts: an account that asks for the very same twice in a second gets the next nonce, which takes
 * gas that an estimate on the block before does not know of.
 */
let askedSoFar = 0;

/** Asks straight at the coordinator: an account without code is a consumer whose callback always succeeds. */
export async function ask(
  chain: AskedChain,
  options: AskOptions = {},
): Promise<{ requestId: Hex; receipt: ContractTransactionReceipt }> {
  const head = await chain.provider.getBlock("latest");
  const from = await chain.asker.getAddress();
  const delivery = options.delivery ?? 0;
  const terms = {
    context: toBeHex((askedSoFar += 1), 32),
    payer: ZeroAddress,
    refundTo: from,
    subscriptionId: 0,
    policyId: chain.deployment.policyId,
    threshold: options.threshold ?? 1,
    aggregation: options.aggregation ?? ((options.threshold ?? 1) === 1 ? 0 : 1),
    delivery,
    callbackGasLimit: options.callbackGasLimit ?? (delivery === 0 ? 50_000 : 0),
    maxOutputBytes: 1_024,
    fee: options.fee ?? 10n ** 15n,
    gasPriceCap: options.gasPriceCap ?? 100n * 10n ** 9n,
    deadline:
      Math.max(head?.timestamp ?? 0, Math.floor(wallClockMs() / 1_000)) + (options.deadlineSeconds ?? 3_600),
  };
  const value = options.value ?? (await chain.coordinator.requiredEscrow(terms));
  const coordinator = chain.coordinator.connect(chain.asker);
  const payload = options.payload ?? textPayload("2 + 2?");
  const sent =
    options.payloadUri === undefined
      ? await coordinator.request(terms, payload, { value })
      : await coordinator.requestByUri(terms, keccak256(payload), options.payloadUri, { value });
  const receipt = await sent.wait();
  const log = receipt?.logs
    .map((entry) => chain.coordinator.interface.parseLog(entry))
    .find((entry) => entry?.name.startsWith("Requested") === true);
  if (receipt === null || log === undefined || log === null) throw new Error("the request was not mined");
  return { requestId: String(log.args["requestId"]) as Hex, receipt };
}

export function textPayload(question: string, model = "stand-in/stand-in-1"): Hex {
  return toHex(
    encodePayload({
      type: PayloadType.inference,
      prompt: {
        models: [model],
        panelRule: 0,
        panelQuorum: 0,
        messages: [{ role: Role.user, content: question }],
        maxOutputTokens: 256,
        sampling: PROVIDER_DEFAULT_SAMPLING,
        format: { kind: OutputKind.text, schema: "", choices: [] },
        parts: [],
      },
    }),
  );
}

export interface Outcome {
  readonly fulfilled: number;
  readonly refunded: number;
  readonly status: number | undefined;
  readonly tx: Hex | undefined;
}

/** What the chain says became of a request: counted over all blocks. */
export async function outcomeOf(chain: Pick<TestChain, "coordinator">, requestId: Hex): Promise<Outcome> {
  const fulfilled = await chain.coordinator.queryFilter(chain.coordinator.filters.Fulfilled(requestId), 0);
  const refunded = await chain.coordinator.queryFilter(chain.coordinator.filters.Refunded(requestId), 0);
  const first = fulfilled[0];
  return {
    fulfilled: fulfilled.length,
    refunded: refunded.length,
    status: first === undefined ? undefined : Number(first.args.status),
    tx: (first ?? refunded[0])?.transactionHash as Hex | undefined,
  };
}

/** Polls `probe` until it gives a value; a condition of other processes has no event of ours to wait for. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  timeoutMs = 20_000,
): Promise<T> {
  const end = wallClockMs() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (wallClockMs() > end) throw new Error(`timed out waiting for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export function untilSettled(
  chain: Pick<TestChain, "coordinator">,
  requestId: Hex,
  timeoutMs?: number,
): Promise<Outcome> {
  return until(
    `settlement of ${requestId}`,
    async () => {
      const outcome = await outcomeOf(chain, requestId);
      return outcome.fulfilled + outcome.refunded > 0 ? outcome : undefined;
    },
    timeoutMs,
  );
}
