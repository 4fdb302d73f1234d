import type { Hex } from "../../protocol/bytes.ts";
import { ConfigError } from "../../protocol/errors.ts";
import { BatchedReads } from "../chain/batched-reads.ts";
import type { Log } from "../chain/block.ts";
import { quantity } from "../chain/block.ts";
import { readHead } from "../chain/chain-reader.ts";
import type { ChainHead } from "../chain/chain-source.ts";
import { ChainSource } from "../chain/chain-source.ts";
import { decodeCoordinatorLog, readCoordinatorSettings, readRequiredEscrow } from "../chain/coordinator.ts";
import type { EscrowTerms } from "../chain/coordinator.ts";
import { EndpointWatch } from "../chain/endpoint-watch.ts";
import type { ChainEvent } from "../chain/events.ts";
import { decodeRegistryLog } from "../chain/registry.ts";
import { RpcEndpoint } from "../chain/rpc-endpoint.ts";
import type { AsideReason } from "../chain/rpc-pool.ts";
import { RpcPool, callEndpoint } from "../chain/rpc-pool.ts";
import type { TransactionSigner } from "../chain/transaction-signer.ts";
import type { ChainSection } from "../config.ts";
import type { EnclaveSession } from "../enclaves/enclave-session.ts";
import type { EnclaveSet } from "../enclaves/enclave-set.ts";
import type { EvidenceVerifier } from "../enclaves/evidence-verifier.ts";
import type { Engine } from "../engine/engine.ts";
import { Wakeable } from "../engine/wakeable.ts";
import type { Logger } from "../log.ts";
import { HeldLease } from "../engine/held-lease.ts";
import type { Store } from "../store/store.ts";
import type { SpanSink } from "../telemetry/request-span.ts";
import { settledSpans } from "../telemetry/settled-spans.ts";
import { offerFees, readTip } from "../transmitter/fees.ts";
import type { KeyFunds } from "../transmitter/funds.ts";
import { Funds } from "../transmitter/funds.ts";
import { Transmitter } from "../transmitter/transmitter.ts";
import type { AnsweredChain } from "./answerer.ts";
import { BatchPlanner } from "./batch-planner.ts";
import { AdmissionPlanner } from "./admission-planner.ts";
import { Preflight } from "./preflight.ts";
import { FeedPlanner } from "./feed-planner.ts";
import { Journal } from "./journal.ts";
import type { PriceList } from "./price-list.ts";
import { SettlementPlanner } from "./settlement-planner.ts";

export interface ChainRelayOptions {
  readonly config: ChainSection;
  readonly store: Store;
  readonly engine: Engine;
  readonly log: Logger;
  readonly signers: readonly [TransactionSigner, ...TransactionSigner[]];
  readonly enclaves: () => EnclaveSet;
  readonly verifier: EvidenceVerifier;
  /** This process, among those that share the store. */
  readonly holder: string;
  /** Milliseconds. */
  readonly now: () => number;
  /** Milliseconds that a lease lasts without renewal. */
  readonly leaseMs: number;
  /** Jobs were queued, or became possible. */
  readonly onWork: () => void;
  readonly spans: SpanSink;
}

const ADMISSION_CHECK_MS = 500;
/** A subscription is silent when it owes a block for so long, and for so many polls. */
const SILENT_AFTER_MS = 5_000;
const SILENT_AFTER_POLLS = 3;
/** Endpoints differ at the head every day, without a lie: they are compared no higher than this below it. */
const COMPARED_DEPTH = 2;
const SETTINGS_RETRY_MS = 2_000;

/** Everything that one chain needs, put together. Chains share the store, the queue and the enclaves, and no loop. */
export class ChainRelay {
  readonly #options: ChainRelayOptions;
  readonly #rpc: RpcPool;
  readonly #watch: EndpointWatch;
  readonly #reads: BatchedReads;
  readonly #funds: Funds;
  readonly #admissions: AdmissionPlanner;
  readonly #upkeep: Wakeable;
  #answered: AnsweredChain | undefined;
  #source: ChainSource | undefined;
  #transmitter: Transmitter | undefined;
  #lease: HeldLease | undefined;
  #nextSettingsAt = 0;

  constructor(options: ChainRelayOptions) {
    const { config, log, now, signers, enclaves, verifier } = options;
    this.#options = options;
    this.#rpc = new RpcPool({
      endpoints: config.rpcUrls.map(
        (url) =>
          new RpcEndpoint({
            url,
            timeoutMs: config.rpcTimeoutMs,
            silentAfterMs: Math.max(SILENT_AFTER_MS, SILENT_AFTER_POLLS * config.pollMs),
            log,
            now,
          }),
      ),
      log,
      now,
    });
    this.#watch = new EndpointWatch({
      chainId: config.chainId,
      rpc: this.#rpc,
      log,
      reference: () => this.#comparedBlock(),
      maxLag: config.rpcMaxLagBlocks,
      periodMs: config.rpcCompareMs,
    });
    this.#reads = new BatchedReads(this.#rpc);
    this.#funds = new Funds({
      chainId: config.chainId,
      rpc: this.#rpc,
      addresses: signers.map(({ address }) => address),
      floor: config.lowFundsEther,
      log,
      now,
    });
    this.#admissions = new AdmissionPlanner({
      chainId: config.chainId,
      registry: config.registry,
      admissions: config.admissions,
      rpc: this.#rpc,
      enclaves,
      verifier,
      log,
      from: signers[0].address,
      feeCap: config.maxFeeGwei,
      renewBeforeSeconds: config.renewBeforeSeconds,
      chainTime: () => Math.max(this.head?.latest.timestamp ?? 0, Math.floor(now() / 1_000)),
      now,
      onAdmitted: options.onWork,
    });
    this.#upkeep = new Wakeable(ADMISSION_CHECK_MS, () => this.#maintain());
  }

  get chainId(): number {
    return this.#options.config.chainId;
  }

  get head(): ChainHead | undefined {
    return this.#source?.head;
  }

  get cursorNumber(): number | undefined {
    return this.#source?.cursor?.number;
  }

  /** `undefined` until the chain was reached for the first time. */
  get answered(): AnsweredChain | undefined {
    return this.#answered;
  }

  /** The transmitter keys, and whether they can pay on this chain. */
  get rpcEndpoints(): { readonly healthy: number; readonly total: number } {
    return { healthy: this.#rpc.healthy(), total: this.#rpc.endpoints.length };
  }

  get funds(): readonly KeyFunds[] {
    return this.#funds.keys;
  }

  /** What the RPC endpoints say of each other. */
  get rpcState(): { readonly disputed: boolean; readonly aside: Readonly<Record<string, AsideReason>> } {
    const aside = [...this.#rpc.aside].map(([{ name }, reason]) => [name, reason] as const);
    return { disputed: this.#watch.disputed, aside: Object.fromEntries(aside) };
  }

  get prices(): PriceList {
    return this.#options.config.prices;
  }

  /** What a request should offer for gas: what this node would offer now, with room for the base fee to double. */
  async readGasPriceCap(): Promise<bigint> {
    const latest = await this.#rpc.use(readHead);
    return offerFees(latest, await readTip(this.#rpc), this.#options.config.maxFeeGwei).maxFee;
  }

  readRequiredEscrow(terms: EscrowTerms): Promise<bigint> {
    return readRequiredEscrow(this.#rpc, this.#options.config.coordinator, terms);
  }

  isAdmitted(session: EnclaveSession, policyId: Hex): boolean {
    return this.#admissions.isAdmitted(session, policyId);
  }

  /** Whether any enclave can answer requests of this chain now. */
  hasAdmitted(): boolean {
    return this.#admissions.hasAdmitted();
  }

  /** An enclave came: it may need an admission. */
  enclavesChanged(): void {
    this.#upkeep.wake();
  }

  /** Answers were recorded: some may be due. */
  wake(): void {
    this.#transmitter?.wake();
  }

  async stop(): Promise<void> {
    await this.#upkeep.stop();
    await this.#watch.stop();
    await this.#source?.stop();
    await this.#transmitter?.stop();
    await this.#lease?.stop();
    this.#rpc.close();
  }

  /** Starts the loops once the chain can be reached, and looks after funds and admissions. */
  async #maintain(): Promise<boolean> {
    const { log, now } = this.#options;
    try {
      if (this.#answered === undefined) {
        if (now() < this.#nextSettingsAt) {
          return false;
        }
        this.#nextSettingsAt = now() + SETTINGS_RETRY_MS;
        await this.#start();
      }
      if (await this.#funds.refresh()) {
        this.#transmitter?.wake();
      }
      if (await this.#admissions.refresh()) {
        this.#transmitter?.wake();
      }
    } catch (error) {
      log.warn("chain.upkeep-failed", { error });
    }
    return false;
  }

  async #start(): Promise<void> {
    const { config, log } = this.#options;
    await this.#checkChainIds();
    const settings = await readCoordinatorSettings(this.#rpc, config.coordinator);
    this.#answered = {
      ...settings,
      turnMs: config.turnSeconds * 1_000,
      prices: config.prices,
      baseFeePerGas: () => this.head?.latest.baseFeePerGas,
      preflight: new Preflight({
        coordinator: config.coordinator,
        registry: config.registry,
        reads: this.#reads,
        head: () => this.#source?.head,
        hasFunds: () => this.#funds.hasUsable(),
        isDisputed: () => this.#watch.disputed,
        maxTransactionGas: config.maxTransactionGas,
        now: this.#options.now,
      }),
    };
    const lease = this.#createLease();
    this.#lease = lease;
    this.#transmitter = this.#createTransmitter(lease);
    const source = this.#createSource(lease);
    this.#source = source;
    for (const endpoint of this.#rpc.endpoints) {
      endpoint.subscribe(() => {
        source.wake();
      });
    }
    log.info("chain.started", {
      chainId: config.chainId,
      fallbackWindowSeconds: settings.fallbackWindowSeconds,
    });
  }

  /** An endpoint of another chain would look like a reorg to the beginning. */
  async #checkChainIds(): Promise<void> {
    await this.#rpc.use(async (endpoint) => {
      const actual = await callEndpoint(endpoint, { method: "eth_chainId", params: [] }, quantity);
      if (actual !== this.chainId) {
        throw new ConfigError({
          code: "CONFIG_INVALID",
          message: "an RPC endpoint is of another chain",
          details: { endpoint: endpoint.name, expected: this.chainId, actual },
        });
      }
    });
  }

  /** One for both loops: the transmitter works on the head and on what the journal has read of it. */
  #createLease(): HeldLease {
    const { store, holder, leaseMs, log, now } = this.#options;
    return new HeldLease({
      store,
      name: `chain:${this.chainId}`,
      holder,
      leaseMs,
      // A node that reaches no RPC server leaves the chain to one that does.
      isFit: () => this.#rpc.healthy() > 0,
      onTaken: () => {
        this.#source?.wake();
        this.#transmitter?.wake();
      },
      log,
      now,
    });
  }

  #createSource(lease: HeldLease): ChainSource {
    const { config, store, engine, log, now, onWork } = this.#options;
    const journal = new Journal({
      chainId: config.chainId,
      store,
      engine,
      log,
      decode: (entry) => this.#decode(entry),
      lease,
      now,
      onReleased: onWork,
      onSettled: (requestIds) => {
        void this.#recordSettled(requestIds);
      },
    });
    return new ChainSource({
      rpc: this.#rpc,
      journal,
      log,
      addresses: [config.coordinator, config.registry],
      fromBlock: config.fromBlock,
      confirmations: config.confirmations,
      pollMs: config.pollMs,
      maxRange: config.maxBlockRange,
      onHead: () => {
        this.#transmitter?.wake();
        if (this.#admissions.isWaiting()) {
          this.#upkeep.wake();
        }
      },
    });
  }

  #comparedBlock(): number | undefined {
    const { head } = this;
    const number =
      head === undefined ? -1 : Math.min(head.settledNumber, head.latest.number - COMPARED_DEPTH);
    return number < 0 ? undefined : number;
  }

  async #recordSettled(requestIds: readonly Hex[]): Promise<void> {
    const { store, spans, now, log } = this.#options;
    try {
      for (const span of await settledSpans(store, this.chainId, requestIds, now())) {
        spans.record(span);
      }
    } catch (error) {
      log.warn("telemetry.failed", { error });
    }
  }

  #decode(entry: Log): ChainEvent | undefined {
    return entry.address === this.#options.config.coordinator
      ? decodeCoordinatorLog(entry)
      : decodeRegistryLog(entry);
  }

  #createTransmitter(lease: HeldLease): Transmitter {
    const { config, store, log, signers, now } = this.#options;
    const settlements = new SettlementPlanner({
      chainId: config.chainId,
      coordinator: config.coordinator,
      rpc: this.#rpc,
      store,
      log,
      from: signers[0].address,
      refundFeeCap: config.refundMaxFeeGwei,
      batches: this.#createBatchPlanner(),
      now,
    });
    const feeds = new FeedPlanner({
      chainId: config.chainId,
      coordinator: config.coordinator,
      feeds: config.feeds,
      rpc: this.#rpc,
      store,
      log,
      from: signers[0].address,
      feeCap: config.refundMaxFeeGwei,
      maxRange: config.maxBlockRange,
      now,
    });
    return new Transmitter({
      chainId: config.chainId,
      rpc: this.#rpc,
      store,
      log,
      signers,
      lease,
      isFunded: (address) => this.#funds.isUsable(address),
      plan: async (head, limit) => {
        const others = [...(await this.#admissions.plan(head)), ...(await feeds.plan(head))];
        return [...others, ...(await settlements.plan(head, Math.max(0, limit - others.length)))];
      },
      head: () => this.#source?.head,
      now,
      maxInFlight: config.maxInFlight,
      bumpAfterMs: config.bumpAfterMs,
      feeCap: config.maxFeeGwei,
    });
  }

  #createBatchPlanner(): BatchPlanner | undefined {
    const { config, log, signers, enclaves } = this.#options;
    return config.batches === "never"
      ? undefined
      : new BatchPlanner({
          chainId: BigInt(config.chainId),
          coordinator: config.coordinator,
          rpc: this.#rpc,
          from: signers[0].address,
          settings: config.batches,
          sessions: () => enclaves().sessions,
          drop: (session, error) => {
            enclaves().drop(session, error);
          },
          log,
        });
  }
}
