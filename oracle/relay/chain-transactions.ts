import type { Hex } from "../../protocol/bytes.ts";
import type { ChainContext } from "../chain-context.ts";
import type { ChainHead } from "../chain/chain-source.ts";
import { DataPricing, type ReadDataPrice } from "../chain/data-price.ts";
import type { BatchedReads } from "../chain/rpc/batched-reads.ts";
import { readQuorumWindow } from "../chain/contracts/registry.ts";
import type { TransactionSigner } from "../chain/signing/transaction-signer.ts";
import type { ChainSection } from "../config.ts";
import type { EnclaveSession } from "../enclaves/enclave-session.ts";
import type { EnclaveSet } from "../enclaves/enclave-set.ts";
import type { EvidenceVerifier } from "../../client/evidence-verifier.ts";
import type { HeldLease } from "../engine/held-lease.ts";
import { readOnceBatched } from "../store/settlements.ts";
import { hasOpenTransaction } from "../store/transactions/in-flight.ts";
import { type Credit, Earnings } from "../transmitter/earnings.ts";
import { Funds, type KeyFunds } from "../transmitter/funds.ts";
import { Transmitter } from "../transmitter/transmitter.ts";
import { LedgerPlanner } from "./ledgers/ledger-planner.ts";
import { AdmittedKeysets } from "./asking/admitted-keysets.ts";
import { EventWatch } from "../agents/event-watch.ts";
import { AgentPlanner } from "./plans/agent-planner.ts";
import { AdmissionPlanner } from "./plans/admission-planner.ts";
import { BatchPlanner } from "./plans/batch-planner.ts";
import type { OwnCost } from "./plans/own-cost.ts";
import { PreparedPlans, type PreparedPlansOptions } from "./plans/prepared-plans.ts";
import { FeedPlanner } from "./plans/feed-planner.ts";
import { QuorumPlanner } from "./plans/quorum-planner.ts";
import { SharedQuorums } from "./plans/shared-quorums.ts";
import { SettlementPlanner } from "./plans/settlement-planner.ts";

export interface ChainTransactionsOptions extends ChainContext {
  readonly config: ChainSection;
  readonly signers: readonly [TransactionSigner, ...TransactionSigner[]];
  readonly enclaves: EnclaveSet;
  readonly verifier: EvidenceVerifier;
  readonly head: () => ChainHead | undefined;
  readonly reads: BatchedReads;
  /** Members of a quorum beyond its threshold; `undefined` where no other operator gives any. */
  readonly spares: number | undefined;
  /** A keyset became able to answer. */
  readonly onAdmitted: () => void;
}

/** This node's transactions to one chain: the planners that find out what is due, the keys' funds, and the transmitter. */
export class ChainTransactions {
  readonly #options: ChainTransactionsOptions;
  readonly #context: ChainContext;
  readonly #funds: Funds;
  readonly #admissions: AdmissionPlanner;
  readonly #earnings: Earnings;
  readonly #readDataPrice: ReadDataPrice;
  #transmitter: Transmitter | undefined;
  #ledgers: LedgerPlanner | undefined;
  #events: EventWatch | undefined;
  #prepared: readonly PreparedPlans[] = [];

  constructor(options: ChainTransactionsOptions) {
    const { config, signers, enclaves, verifier, head, now, onAdmitted } = options;
    this.#options = options;
    this.#context = pickContext(options);
    const pricing = new DataPricing({ ...this.#context, registry: config.registry });
    this.#readDataPrice = (current) => pricing.read(current);
    this.#funds = new Funds({
      ...this.#context,
      addresses: signers.map(({ address }) => address),
      floor: config.lowFundsWei,
    });
    this.#earnings = new Earnings({
      ...this.#context,
      coordinator: config.coordinator,
      payees: () => enclaves.sessions.map(({ attestation }) => attestation.keyset.payee),
    });
    this.#admissions = new AdmissionPlanner({
      ...this.#context,
      registry: config.registry,
      admissions: config.admissions,
      enclaves: () => enclaves,
      verifier,
      from: signers[0].address,
      feeCap: config.maxFeeWei,
      renewBeforeSeconds: config.renewBeforeSeconds,
      chainTime: () => Math.max(head()?.latest.timestamp ?? 0, Math.floor(now() / 1_000)),
      onAdmitted,
    });
  }

  /** The transmitter keys, and whether they can pay on this chain. */
  get funds(): readonly KeyFunds[] {
    return this.#funds.keys;
  }

  get credits(): readonly Credit[] {
    return this.#earnings.credits;
  }

  /** Seconds: when the first admission of this node's enclaves ends. */
  get admissionEnd(): number | undefined {
    return this.#admissions.soonestEnd;
  }

  hasFunds(): boolean {
    return this.#funds.hasUsable();
  }

  isAdmitted(session: EnclaveSession, policyId: Hex): boolean {
    return this.#admissions.isAdmitted(session, policyId);
  }

  livePolicies(): readonly Hex[] {
    return this.#admissions.livePolicies();
  }

  hasAdmitted(): boolean {
    return this.#admissions.hasAdmitted();
  }

  /** Whether an admission was sent and has not shown its effect. */
  isAdmissionAwaited(): boolean {
    return this.#admissions.isWaiting();
  }

  /** Begins to send; `lease` says when it is this process's turn. Funds and admissions are looked after before, too. */
  start(lease: HeldLease): void {
    this.#transmitter = this.#createTransmitter(lease);
  }

  /** Reads balances and admissions again where it is time to, and sends what follows from them. */
  async refresh(): Promise<void> {
    if (await this.#funds.refresh()) this.wake();
    if (await this.#admissions.refresh()) this.wake();
    await this.#earnings.refresh();
  }

  /** Something may be due. */
  wake(): void {
    this.#transmitter?.wake();
  }

  async stop(): Promise<void> {
    await this.#transmitter?.stop();
    await this.#ledgers?.stop();
    await Promise.all(this.#prepared.map((plans) => plans.stop()));
    await this.#events?.settle();
  }

  get #ownCost(): OwnCost {
    const { refundMaxFeeWei, refundMaxCallbackGas } = this.#options.config;
    return { feeCap: refundMaxFeeWei, callbackGas: refundMaxCallbackGas };
  }

  #createTransmitter(lease: HeldLease): Transmitter {
    const { config, rpc, store, signers, enclaves, head } = this.#options;
    const settlements = new SettlementPlanner({
      ...this.#context,
      coordinator: config.coordinator,
      from: signers[0].address,
      ownCost: this.#ownCost,
      batches: this.#createBatchPlanner(),
      readDataPrice: this.#readDataPrice,
      quorums: new QuorumPlanner({
        coordinator: config.coordinator,
        store,
        ownCost: this.#ownCost,
        windowOf: (policyId) => readQuorumWindow(rpc, config.registry, policyId),
        shared: this.#createSharedQuorums(),
      }),
    });
    const feeds = new FeedPlanner({
      ...this.#context,
      coordinator: config.coordinator,
      feeds: config.feeds,
      from: signers[0].address,
      feeCap: config.refundMaxFeeWei,
      maxRange: config.maxBlockRange,
    });
    const ledgers = this.#createLedgerPlanner();
    this.#ledgers = ledgers;
    const agents = new AgentPlanner({
      ...this.#context,
      agents: config.agents,
      from: signers[0].address,
      confirmations: config.confirmations === "finalized" ? config.maxReorgBlocks : config.confirmations,
      admitted: (policyId) => enclaves.sessions.filter((session) => this.isAdmitted(session, policyId)),
      isSending: (account) => hasOpenTransaction(store, config.chainId, account),
      drop: (session, error) => {
        const lost = enclaves.sessions.find(({ url }) => url === session.url);
        if (lost !== undefined) enclaves.drop(lost, error);
      },
      onSigned: () => {
        this.wake();
      },
    });
    const events = (this.#events = new EventWatch({
      ...this.#context,
      events: config.events,
      maxRange: config.maxBlockRange,
      sessions: () => enclaves.sessions,
      drop: (session, error) => {
        const lost = enclaves.sessions.find(({ url }) => url === session.url);
        if (lost !== undefined) enclaves.drop(lost, error);
      },
    }));
    this.#prepared = [
      this.#prepare("admissions", "admit", (current) => this.#admissions.plan(current)),
      this.#prepare("feeds", "round", (current) => feeds.plan(current)),
      // It sends nothing: looking for logs, contract after contract, takes as long as the servers take.
      this.#prepare("events", "other", async (current) => {
        await events.look(current);
        return [];
      }),
    ];
    return new Transmitter({
      ...this.#context,
      signers,
      lease,
      funds: this.#funds,
      plan: async (current, room) => {
        // Nobody waits for them as for an answer: they have a part of the room, and settlements the rest.
        const prepared = this.#prepared.flatMap((plans) => plans.take(current, room));
        const others = [...prepared, ...(await ledgers.plan(current)), ...(await agents.plan(current))];
        return settlements.plan(current, room.free, others);
      },
      head,
      maxInFlight: config.maxInFlight,
      bumpAfterMs: config.bumpAfterMs,
      feeCap: config.maxFeeWei,
      maxTip: config.maxTipWei,
      broadcast: config.broadcast,
      readDataPrice: this.#readDataPrice,
    });
  }

  #createLedgerPlanner(): LedgerPlanner {
    const { config, store, signers, enclaves } = this.#options;
    return new LedgerPlanner({
      ...this.#context,
      ledgers: config.ledgers,
      from: signers[0].address,
      feeCap: config.refundMaxFeeWei,
      maxRange: config.maxBlockRange,
      admitted: (policyId) => enclaves.admitted(config.chainId, policyId),
      drop: (session, error) => {
        enclaves.drop(session, error);
      },
      hasOpen: (ledger) => hasOpenTransaction(store, config.chainId, ledger),
      onReady: () => {
        this.wake();
      },
    });
  }

  #prepare(
    name: string,
    kind: PreparedPlansOptions["kind"],
    prepare: PreparedPlansOptions["prepare"],
  ): PreparedPlans {
    const onReady = (): void => {
      this.wake();
    };
    return new PreparedPlans({ ...this.#context, name, kind, prepare, onReady });
  }

  #createSharedQuorums(): SharedQuorums | undefined {
    const { config, chainId, store, reads, signers, enclaves, spares, now } = this.#options;
    const { registry, coordinator, turnSeconds, settleSeconds } = config;
    return spares === undefined
      ? undefined
      : new SharedQuorums({
          ...{ chainId, registry, coordinator, turnSeconds, settleSeconds, reads, spares, now },
          from: signers[0].address,
          admitted: new AdmittedKeysets(store, now),
          ownKeysets: () => enclaves.ownKeysets,
        });
  }

  #createBatchPlanner(): BatchPlanner | undefined {
    const { config, rpc, store, log, signers, enclaves } = this.#options;
    return config.batches === "never"
      ? undefined
      : new BatchPlanner({
          chainId: BigInt(config.chainId),
          coordinator: config.coordinator,
          rpc,
          from: signers[0].address,
          settings: config.batches,
          ownCost: this.#ownCost,
          sessions: () => enclaves.sessions,
          drop: (session, error) => {
            enclaves.drop(session, error);
          },
          onceBatched: (requestIds) => readOnceBatched(store, config.chainId, requestIds),
          log,
        });
  }
}

function pickContext({ chainId, rpc, store, log, now }: ChainContext): ChainContext {
  return { chainId, rpc, store, log, now };
}
