import type { Hex } from "../../protocol/bytes.ts";
import type { ChainHead } from "../chain/chain-source.ts";
import { readQuorumWindow } from "../chain/registry.ts";
import type { RpcPool } from "../chain/rpc-pool.ts";
import type { TransactionSigner } from "../chain/transaction-signer.ts";
import type { ChainSection } from "../config.ts";
import type { EnclaveSession } from "../enclaves/enclave-session.ts";
import type { EnclaveSet } from "../enclaves/enclave-set.ts";
import type { EvidenceVerifier } from "../enclaves/evidence-verifier.ts";
import type { HeldLease } from "../engine/held-lease.ts";
import type { Logger } from "../log.ts";
import { readOnceBatched } from "../store/settlements.ts";
import type { Store } from "../store/store.ts";
import type { KeyFunds } from "../transmitter/funds.ts";
import { Funds } from "../transmitter/funds.ts";
import { Transmitter } from "../transmitter/transmitter.ts";
import { AdmissionPlanner } from "./admission-planner.ts";
import { BatchPlanner } from "./batch-planner.ts";
import { FeedPlanner } from "./feed-planner.ts";
import { QuorumPlanner } from "./quorum-planner.ts";
import { SettlementPlanner } from "./settlement-planner.ts";

export interface ChainTransactionsOptions {
  readonly config: ChainSection;
  readonly rpc: RpcPool;
  readonly store: Store;
  readonly log: Logger;
  readonly signers: readonly [TransactionSigner, ...TransactionSigner[]];
  readonly enclaves: () => EnclaveSet;
  readonly verifier: EvidenceVerifier;
  readonly head: () => ChainHead | undefined;
  /** Milliseconds. */
  readonly now: () => number;
  /** A keyset became able to answer. */
  readonly onAdmitted: () => void;
}

/** What this node sends to one chain: the planners that find out what is due, the keys' funds, and the transmitter. */
export class ChainTransactions {
  readonly #options: ChainTransactionsOptions;
  readonly #funds: Funds;
  readonly #admissions: AdmissionPlanner;
  #transmitter: Transmitter | undefined;

  constructor(options: ChainTransactionsOptions) {
    const { config, rpc, store, log, signers, enclaves, verifier, head, now, onAdmitted } = options;
    this.#options = options;
    this.#funds = new Funds({
      chainId: config.chainId,
      rpc,
      addresses: signers.map(({ address }) => address),
      floor: config.lowFundsEther,
      log,
      now,
    });
    this.#admissions = new AdmissionPlanner({
      chainId: config.chainId,
      registry: config.registry,
      admissions: config.admissions,
      rpc,
      store,
      enclaves,
      verifier,
      log,
      from: signers[0].address,
      feeCap: config.maxFeeGwei,
      renewBeforeSeconds: config.renewBeforeSeconds,
      chainTime: () => Math.max(head()?.latest.timestamp ?? 0, Math.floor(now() / 1_000)),
      now,
      onAdmitted,
    });
  }

  /** The transmitter keys, and whether they can pay on this chain. */
  get funds(): readonly KeyFunds[] {
    return this.#funds.keys;
  }

  hasFunds(): boolean {
    return this.#funds.hasUsable();
  }

  isAdmitted(session: EnclaveSession, policyId: Hex): boolean {
    return this.#admissions.isAdmitted(session, policyId);
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
    if (await this.#funds.refresh()) {
      this.wake();
    }
    if (await this.#admissions.refresh()) {
      this.wake();
    }
  }

  /** Something may be due. */
  wake(): void {
    this.#transmitter?.wake();
  }

  async stop(): Promise<void> {
    await this.#transmitter?.stop();
  }

  #createTransmitter(lease: HeldLease): Transmitter {
    const { config, rpc, store, log, signers, head, now } = this.#options;
    const settlements = new SettlementPlanner({
      chainId: config.chainId,
      coordinator: config.coordinator,
      rpc,
      store,
      log,
      from: signers[0].address,
      refundFeeCap: config.refundMaxFeeGwei,
      batches: this.#createBatchPlanner(),
      quorums: new QuorumPlanner({
        coordinator: config.coordinator,
        store,
        windowOf: (policyId) => readQuorumWindow(rpc, config.registry, policyId),
      }),
      now,
    });
    const feeds = new FeedPlanner({
      chainId: config.chainId,
      coordinator: config.coordinator,
      feeds: config.feeds,
      rpc,
      store,
      log,
      from: signers[0].address,
      feeCap: config.refundMaxFeeGwei,
      maxRange: config.maxBlockRange,
      now,
    });
    return new Transmitter({
      chainId: config.chainId,
      rpc,
      store,
      log,
      signers,
      lease,
      funds: this.#funds,
      plan: async (current, limit) => {
        const others = [...(await this.#admissions.plan(current)), ...(await feeds.plan(current))];
        return settlements.plan(current, limit, others);
      },
      head,
      now,
      maxInFlight: config.maxInFlight,
      bumpAfterMs: config.bumpAfterMs,
      feeCap: config.maxFeeGwei,
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
          sessions: () => enclaves().sessions,
          drop: (session, error) => {
            enclaves().drop(session, error);
          },
          onceBatched: (requestIds) => readOnceBatched(store, config.chainId, requestIds),
          log,
        });
  }
}
