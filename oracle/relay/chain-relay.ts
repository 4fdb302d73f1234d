import type { Hex } from "../../protocol/bytes.ts";
import { readHead } from "../chain/chain-reader.ts";
import type { ChainHead, ChainSource } from "../chain/chain-source.ts";
import { ClockWatch } from "../chain/clock-watch.ts";
import {
  readCoordinatorSettings,
  readRequiredEscrow,
  type EscrowTerms,
} from "../chain/contracts/coordinator.ts";
import {
  readMembership,
  type AskedUnder,
  type Candidate,
  type Membership,
} from "../chain/contracts/membership.ts";
import type { RpcTraffic } from "../chain/rpc/rpc-endpoint.ts";
import { type AsideReason, stepFailureLevel } from "../chain/rpc/rpc-pool.ts";
import type { TransactionSigner } from "../chain/signing/transaction-signer.ts";
import type { ChainSection } from "../config.ts";
import type { EnclaveSession } from "../enclaves/enclave-session.ts";
import type { EnclaveSet } from "../enclaves/enclave-set.ts";
import type { EvidenceVerifier } from "../../client/evidence-verifier.ts";
import type { Engine } from "../engine/engine.ts";
import { HeldLease } from "../engine/held-lease.ts";
import { Wakeable } from "../engine/wakeable.ts";
import type { Logger } from "../log.ts";
import type { Store } from "../store/store.ts";
import type { SpanSink } from "../telemetry/request-span.ts";
import { offerFees } from "../transmitter/fees.ts";
import { readTip } from "../transmitter/tip.ts";
import type { Credit } from "../transmitter/earnings.ts";
import type { KeyFunds } from "../transmitter/funds.ts";
import type { AnsweredChain } from "./asking/answerer.ts";
import { ChainEndpoints } from "./chain-endpoints.ts";
import { ChainTransactions } from "./chain-transactions.ts";
import type { Following } from "./following.ts";
import { createJournaledSource } from "./intake/journaled-source.ts";
import { Parked } from "./intake/parked.ts";
import type { ServedPolicies } from "./intake/served-policies.ts";
import { ServedBook } from "./served-contracts.ts";
import { WriteCollector } from "./ledgers/write-collector.ts";
import { Preflight } from "./asking/preflight.ts";
import type { PriceList } from "./intake/price-list.ts";

export interface ChainRelayOptions {
  readonly config: ChainSection;
  readonly store: Store;
  readonly engine: Engine;
  readonly log: Logger;
  readonly signers: readonly [TransactionSigner, ...TransactionSigner[]];
  readonly enclaves: EnclaveSet;
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
  /** Members of a quorum beyond its threshold; `undefined` where no other operator gives any. */
  readonly spares: number | undefined;
}

/** How long what happened to transactions, and what time made due, may wait: blocks are a second apart and more. */
const AFTER_HEAD_MS = 12;
const ADMISSION_CHECK_MS = 500;
const SETTINGS_RETRY_MS = 2_000;

/**
 * The life of one chain in this process: reached, read, sent to, and left in order. Chains share the store, the queue and
 * the enclaves, and no loop.
 */
export class ChainRelay {
  readonly #options: ChainRelayOptions;
  readonly #endpoints: ChainEndpoints;
  readonly #transactions: ChainTransactions;
  readonly #upkeep: Wakeable;
  readonly #policies: ServedPolicies;
  readonly #parked: Parked;
  readonly #writes: ReadonlyMap<Hex, WriteCollector>;
  readonly #clock: ClockWatch;
  /** The policies, ledgers and accounts that this node serves, as the chain has them. */
  readonly served: ServedBook;
  #answered: AnsweredChain | undefined;
  #source: ChainSource | undefined;
  #lease: HeldLease | undefined;
  #nextSettingsAt = 0;

  constructor(options: ChainRelayOptions) {
    const { config, store, engine, log, signers, enclaves, verifier, now, onWork } = options;
    const head = (): ChainHead | undefined => this.head;
    // A chain that took back what counted as settled is sent nothing: which of its histories counts, a person says.
    const soundHead = (): ChainHead | undefined =>
      this.#source?.violation === undefined ? this.head : undefined;
    this.#options = options;
    this.#endpoints = new ChainEndpoints({ config, log, head, now });
    this.#transactions = new ChainTransactions({
      chainId: config.chainId,
      config,
      rpc: this.#endpoints.rpc,
      reads: this.#endpoints.reads,
      spares: options.spares,
      store,
      log,
      signers,
      enclaves,
      verifier,
      head: soundHead,
      now,
      onAdmitted: () => {
        this.#parked.wake();
        this.#upkeep.wake();
        onWork();
      },
    });
    this.#policies = {
      configured: config.admissions.map(({ policyId }) => policyId),
      live: () => this.#transactions.livePolicies(),
    };
    this.#parked = new Parked({
      chainId: config.chainId,
      store,
      engine,
      policies: this.#policies,
      now,
      onReleased: onWork,
    });
    this.#writes = new Map(
      config.provenLedgers.map((ledger) => [ledger.address, this.#createCollector(ledger)]),
    );
    this.#clock = new ClockWatch({ chainId: config.chainId, log, now });
    this.served = new ServedBook({ config, rpc: this.#endpoints.rpc, now });
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

  /** Whether the chain is not followed any longer, or not yet. */
  get isStalled(): boolean {
    return this.#source?.isStalled !== false;
  }

  /** The facts about how the chain is followed, by this process or another one. */
  get following(): Following {
    const source = this.#source;
    const { now } = this.#options;
    const { skewSeconds, isSkewed } = this.#clock;
    const { violation, followedAt, knowsFinality = true, deepestReorg = 0, head } = source ?? {};
    const secondsSince = (ms: number): number => Math.max(0, Math.round((now() - ms) / 1_000));
    return {
      follower: this.#lease?.follower ?? "nobody",
      followedSecondsAgo: followedAt === undefined ? null : secondsSince(followedAt),
      headAgeSeconds: head === undefined ? null : secondsSince(head.latest.timestamp * 1_000),
      finalityViolation: violation === undefined ? null : { from: violation.from, to: violation.to },
      finalityKnown: knowsFinality,
      clockAheadSeconds: skewSeconds ?? null,
      clockSkewed: isSkewed,
      deepestReorgBlocks: deepestReorg,
    };
  }

  /** A person has looked at a history that drops what counted as settled, and follows it. */
  acceptReorg(): void {
    this.#source?.acceptReorg();
  }

  /** Seconds: of the newest block, where this process follows the chain; another one may follow it in its place. */
  get followedTime(): number | undefined {
    return this.#lease?.follower === "this" ? this.head?.latest.timestamp : undefined;
  }

  /**
   * What the registry says of a keyset, whoever's it is; `undefined` when it would refuse its answer.
   *
   * @throws {ChainError} CHAIN_RPC_UNAVAILABLE
   */
  readMembership(asked: AskedUnder, candidate: Candidate): Promise<Membership | undefined> {
    return readMembership(this.#endpoints.reads, this.#options.config.registry, asked, candidate);
  }

  /** `undefined` until the chain was reached for the first time. */
  get answered(): AnsweredChain | undefined {
    return this.#answered;
  }

  /** What is signed for a proven ledger; `undefined` for one that is not served. */
  writesOf(ledger: Hex): WriteCollector | undefined {
    return this.#writes.get(ledger);
  }

  /** How many RPC endpoints serve now, and how many there are. */
  get rpcEndpoints(): { readonly healthy: number; readonly total: number } {
    return this.#endpoints.count;
  }

  /** The comparison of the RPC endpoints with each other. */
  get rpcState(): { readonly disputed: boolean; readonly aside: Readonly<Record<string, AsideReason>> } {
    const { disputed, aside } = this.#endpoints;
    return { disputed, aside };
  }

  /** The transmitter keys, and whether they can pay on this chain. */
  get funds(): readonly KeyFunds[] {
    return this.#transactions.funds;
  }

  /** What the coordinator owes the payees of this node's enclaves. */
  get credits(): readonly Credit[] {
    return this.#transactions.credits;
  }

  /** Seconds: when the first admission of this node's enclaves ends. */
  get admissionEnd(): number | undefined {
    return this.#transactions.admissionEnd;
  }

  /** What was asked of each RPC endpoint. */
  get rpcTraffic(): readonly (RpcTraffic & { readonly endpoint: string })[] {
    return this.#endpoints.rpc.endpoints.map(({ name, traffic }) => ({ endpoint: name, ...traffic }));
  }

  get prices(): PriceList {
    return this.#options.config.prices;
  }

  /** The gas price that a request should offer: the one that this node would offer now, with room for the base fee to double. */
  async readGasPriceCap(): Promise<bigint> {
    const { rpc } = this.#endpoints;
    const latest = await rpc.use(readHead);
    return offerFees(
      latest,
      await readTip(rpc, this.#options.config.maxTipWei),
      this.#options.config.maxFeeWei,
    ).maxFee;
  }

  readRequiredEscrow(terms: EscrowTerms): Promise<bigint> {
    return readRequiredEscrow(this.#endpoints.rpc, this.#options.config.coordinator, terms);
  }

  isAdmitted(session: EnclaveSession, policyId: Hex): boolean {
    return this.#transactions.isAdmitted(session, policyId);
  }

  /** Whether any enclave can answer requests of this chain now. */
  hasAdmitted(): boolean {
    return this.#transactions.hasAdmitted();
  }

  /** An enclave came: it may need an admission. */
  enclavesChanged(): void {
    this.#upkeep.wake();
  }

  /** Answers were recorded: some may be due. */
  wake(): void {
    this.#transactions.wake();
  }

  async stop(): Promise<void> {
    await this.#upkeep.stop();
    await this.#endpoints.stopWatch();
    await this.#source?.stop();
    await this.#transactions.stop();
    await this.#lease?.stop();
    this.#endpoints.close();
  }

  /** Starts the loops once the chain can be reached, and looks after funds and admissions. */
  async #maintain(): Promise<boolean> {
    const { log, now } = this.#options;
    try {
      if (this.#answered === undefined) {
        if (now() < this.#nextSettingsAt) return false;
        this.#nextSettingsAt = now() + SETTINGS_RETRY_MS;
        await this.#start();
      }
      await this.#transactions.refresh();
      await this.#parked.refresh();
    } catch (error) {
      log[stepFailureLevel(error)]("chain.upkeep-failed", { error });
    }
    return false;
  }

  #createCollector({ address, fromBlock }: ChainSection["provenLedgers"][number]): WriteCollector {
    const { config, store, log, enclaves } = this.#options;
    return new WriteCollector({
      chainId: config.chainId,
      rpc: this.#endpoints.rpc,
      store,
      log,
      ledger: address,
      fromBlock,
      maxRange: config.maxBlockRange,
      confirmations: config.confirmations === "finalized" ? config.maxReorgBlocks : config.confirmations,
      sessions: () => enclaves.sessions,
    });
  }

  async #start(): Promise<void> {
    const { config, store, engine, log, spans, now, onWork } = this.#options;
    const { rpc } = this.#endpoints;
    await this.#endpoints.checkChainId();
    const settings = await readCoordinatorSettings(rpc, config.coordinator);
    this.#answered = {
      ...settings,
      turnMs: config.turnSeconds * 1_000,
      settleSeconds: config.settleSeconds,
      prices: config.prices,
      baseFeePerGas: () => this.head?.latest.baseFeePerGas,
      headTime: () => this.head?.latest.timestamp,
      preflight: this.#createPreflight(settings.fallbackWindowSeconds),
    };
    const lease = this.#createLease();
    this.#lease = lease;
    this.#transactions.start(lease);
    const source = createJournaledSource({
      config,
      rpc,
      store,
      engine,
      log,
      lease,
      spans,
      now,
      policies: this.#policies,
      onReleased: onWork,
      onHead: ({ latest }) => {
        this.#clock.note(latest);
        // After the jobs that were just queued, whose enclaves can be asked meanwhile: on the embedded store all take turns.
        setTimeout(() => {
          this.#transactions.wake();
        }, AFTER_HEAD_MS);
        if (this.#transactions.isAdmissionAwaited()) this.#upkeep.wake();
      },
    });
    this.#source = source;
    this.#endpoints.subscribe(() => {
      source.wake();
    });
    log.info("chain.started", {
      chainId: config.chainId,
      fallbackWindowSeconds: settings.fallbackWindowSeconds,
    });
  }

  #createPreflight(fallbackWindowSeconds: number): Preflight {
    const { config, now } = this.#options;
    return new Preflight({
      coordinator: config.coordinator,
      registry: config.registry,
      reads: this.#endpoints.reads,
      head: () => this.head,
      hasFunds: () => this.#transactions.hasFunds(),
      isDisputed: () => this.#endpoints.disputed || this.#source?.violation !== undefined,
      maxTransactionGas: config.maxTransactionGas,
      settleSeconds: config.settleSeconds,
      fallbackWindowSeconds,
      now,
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
      isFit: () => this.#endpoints.rpc.healthy() > 0,
      onTaken: () => {
        this.#source?.wake();
        this.#transactions.wake();
      },
      log,
      now,
    });
  }
}
