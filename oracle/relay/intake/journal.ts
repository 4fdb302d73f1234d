import * as z from "zod";
import type { Hex } from "../../../protocol/bytes.ts";
import { Request } from "../../../protocol/request.ts";
import type { Log } from "../../chain/rpc/block.ts";
import type { BlockId, ChainRange } from "../../chain/chain-reader.ts";
import type { ChainHead, ChainJournal } from "../../chain/chain-source.ts";
import type {
  AdmissionEvent,
  ChainEvent,
  DeliveredEvent,
  QuorumEvent,
  RequestedEvent,
  SettledEvent,
} from "../../chain/abi/events.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Logger } from "../../log.ts";
import type { HeldLease } from "../../engine/held-lease.ts";
import { inParts } from "../../store/parts.ts";
import { readBoundTo, readWorkedOn, refreshPhases } from "../../store/phases.ts";
import { freeSteps } from "../../store/quorums.ts";
import type { RequestRow } from "../../store/schema.ts";
import type { Store, StoreTransaction } from "../../store/store.ts";
import { reopenTransactions } from "../../store/transactions/reorg.ts";
import { releaseRequests } from "../../store/unserved.ts";
import type { ServedPolicies } from "./served-policies.ts";

/** A job of the queue "answers". */
export interface AnswerJob {
  readonly chainId: number;
  readonly requestId: Hex;
}

export interface JournalOptions {
  readonly chainId: number;
  readonly store: Store;
  readonly engine: Engine;
  readonly log: Logger;
  readonly decode: (log: Log) => ChainEvent | undefined;
  /** The lease that the writer of this chain's past holds. */
  readonly lease: Pick<HeldLease, "require" | "isHeld">;
  /** Milliseconds. */
  readonly now: () => number;
  readonly policies: ServedPolicies;
  /** Jobs were queued. */
  readonly onReleased: () => void;
  /** Settlements were read, and are committed. */
  readonly onSettled: (requestIds: readonly Hex[]) => void;
}

/** Blocks kept for walk-back; deeper reorgs walk back to the start and read again. */
const KEPT_BLOCKS = 2_048;

/** One chain's past in the store. Requests that a reorg drops go; this node's work for them stays. */
export class Journal implements ChainJournal {
  readonly #options: JournalOptions;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  isOurs(): boolean {
    return this.#options.lease.isHeld();
  }

  async storedBlocks(limit: number, below?: number): Promise<BlockId[]> {
    const { store, chainId } = this.#options;
    let query = store.db.selectFrom("blocks").select(["number", "hash"]).where("chain_id", "=", chainId);
    if (below !== undefined) query = query.where("number", "<", below);
    const rows = await query.orderBy("number", "desc").limit(limit).execute();
    return rows.map(({ number, hash }) => ({ number, hash: hash as Hex }));
  }

  async rollback(ancestor: BlockId | undefined): Promise<void> {
    const above = ancestor?.number ?? -1;
    const { store, chainId, log, lease } = this.#options;
    await store.db.transaction().execute(async (trx) => {
      await lease.require(trx);
      await trx.deleteFrom("blocks").where("chain_id", "=", chainId).where("number", ">", above).execute();
      await trx
        .deleteFrom("admissions")
        .where("chain_id", "=", chainId)
        .where("block_number", ">", above)
        .execute();
      const dropped = await trx
        .deleteFrom("requests")
        .where("chain_id", "=", chainId)
        .where("block_number", ">", above)
        .returning("request_id")
        .execute();
      const reopened = await trx
        .deleteFrom("settlements")
        .where("chain_id", "=", chainId)
        .where("block_number", ">", above)
        .returning("request_id")
        .execute();
      for (const table of ["deliveries", "quorum_events"] as const) {
        await trx
          .deleteFrom(table)
          .where("chain_id", "=", chainId)
          .where("block_number", ">", above)
          .execute();
      }
      await reopenTransactions(trx, chainId, above);
      const ids = reopened.map(({ request_id }) => request_id);
      await refreshPhases(trx, chainId, ids);
      await this.#requeue(trx, ids);
      log.info("chain.rolled-back", { above, requests: dropped.length, settlements: reopened.length });
    });
    log.debug("step.rolled-back", { above });
  }

  async append(range: ChainRange, head: ChainHead): Promise<void> {
    const { store, chainId, lease, onReleased, onSettled, decode, log } = this.#options;
    const events = range.logs.flatMap((log) => decode(log) ?? []);
    const released = await store.db.transaction().execute(async (trx) => {
      await lease.require(trx);
      await insertBlocks(trx, chainId, range);
      await this.#judgeAnswers(trx, range);
      await this.#insertRequests(
        trx,
        events.filter((event) => event.kind === "requested"),
        range,
      );
      await this.#insertSettlements(
        trx,
        events.filter((event) => event.kind === "settled"),
      );
      await this.#insertDeliveries(
        trx,
        events.filter((event) => event.kind === "delivered"),
      );
      await this.#insertQuorumEvents(
        trx,
        events.filter((event) => event.kind === "quorum"),
      );
      await this.#insertAdmissions(
        trx,
        events.filter((event) => event.kind === "admission"),
      );
      return this.#release(trx, head);
    });
    const settled = events.flatMap((event) => (event.kind === "settled" ? [event.requestId] : []));
    if (settled.length > 0) onSettled(settled);
    if (released > 0) {
      log.debug("step.read", { requests: released });
      onReleased();
    }
  }

  async #insertRequests(
    trx: StoreTransaction,
    events: readonly RequestedEvent[],
    range: ChainRange,
  ): Promise<void> {
    const { chainId, now } = this.#options;
    const times = new Map(range.headers.map(({ number, timestamp }) => [number, timestamp]));
    const rows: RequestRow[] = events.map((event) => ({
      chain_id: chainId,
      request_id: event.requestId,
      ...position(event),
      block_time: times.get(event.blockNumber) ?? 0,
      consumer: event.request.consumer,
      request: JSON.stringify(z.encode(Request, event.request)),
      payload: event.payload,
      payload_uri: event.payloadUri,
      deadline: Number(event.request.deadline),
      fee: event.request.fee.toString(),
      threshold: event.request.threshold,
      policy_id: event.request.policyId,
      released: false,
      phase: "seen",
      last_error: null,
      seen_at: now(),
    }));
    for (const part of inParts(rows)) {
      await trx
        .insertInto("requests")
        .values(part)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
    if (rows.length > 0) {
      const ids = rows.map(({ request_id }) => request_id);
      await refreshPhases(trx, chainId, await readWorkedOn(trx, chainId, ids));
    }
  }

  async #insertSettlements(trx: StoreTransaction, events: readonly SettledEvent[]): Promise<void> {
    const { chainId } = this.#options;
    const rows = events.map((event) => ({
      chain_id: chainId,
      request_id: event.requestId,
      kind: event.how,
      status: event.status,
      keyset_id: event.keysetId,
      answered_at: event.answeredAt,
      output_hash: event.outputHash,
      callback_succeeded: event.callbackSucceeded,
      ...position(event),
    }));
    for (const part of inParts(rows)) {
      await trx
        .insertInto("settlements")
        .values(part)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      await refreshPhases(
        trx,
        chainId,
        part.map(({ request_id }) => request_id),
      );
    }
  }

  /** A block came to the number that answers are bound to: where it is another one, they are void, and the request open again. */
  async #judgeAnswers(trx: StoreTransaction, range: ChainRange): Promise<void> {
    const { chainId } = this.#options;
    const numbers = range.headers.map(({ number }) => number);
    const bound = await readBoundTo(trx, chainId, numbers);
    if (bound.length === 0) return;
    await refreshPhases(trx, chainId, bound);
    await this.#requeue(trx, bound);
  }

  async #insertDeliveries(trx: StoreTransaction, events: readonly DeliveredEvent[]): Promise<void> {
    const rows = events.map((event) => ({
      chain_id: this.#options.chainId,
      request_id: event.requestId,
      ...position(event),
    }));
    for (const part of inParts(rows)) {
      await trx
        .insertInto("deliveries")
        .values(part)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  }

  async #insertQuorumEvents(trx: StoreTransaction, events: readonly QuorumEvent[]): Promise<void> {
    const { chainId } = this.#options;
    const rows = events.map((event) => ({
      chain_id: chainId,
      request_id: event.requestId,
      event: event.event,
      leaves: JSON.stringify(event.leaves),
      platforms: JSON.stringify(event.platforms),
      window_ends_at: event.windowEndsAt,
      ...position(event),
    }));
    for (const part of inParts(rows)) {
      await trx
        .insertInto("quorum_events")
        .values(part)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      // A sent transaction has done its part: the next step of the same request must not wait for its confirmations.
      await freeSteps(
        trx,
        chainId,
        part.map(({ request_id, tx_hash }) => ({ requestId: request_id, hash: tx_hash })),
      );
    }
  }

  async #insertAdmissions(trx: StoreTransaction, events: readonly AdmissionEvent[]): Promise<void> {
    const rows = events.map((event) => ({
      chain_id: this.#options.chainId,
      keyset_id: event.keysetId,
      event: event.event,
      seat: event.seat,
      policy_id: event.policyId,
      expires_at: event.expiresAt,
      platform: event.platform,
      ...position(event),
    }));
    for (const part of inParts(rows)) {
      await trx
        .insertInto("admissions")
        .values(part)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  }

  /** Requests that somebody else had settled, in a block that is gone: they have no answer here, and their job has ended. */
  async #requeue(trx: StoreTransaction, requestIds: readonly string[]): Promise<void> {
    const { chainId, engine, now } = this.#options;
    for (const part of inParts(requestIds)) {
      const open = await trx
        .updateTable("requests")
        .set({ released_at: now() })
        .where("chain_id", "=", chainId)
        .where("request_id", "in", part)
        .where("phase", "=", "asked")
        .where("parked", "=", false)
        .returning("request_id")
        .execute();
      await engine.enqueue(
        trx,
        "answers",
        open.map(({ request_id }) => ({ data: { chainId, requestId: request_id } })),
      );
    }
  }

  /**
   * Queues the jobs of requests that have their confirmations now. No model is called below them. Where no enclave is
   * admitted under a request's policy, its job waits; under a policy that is not this node's there is none.
   */
  async #release(trx: StoreTransaction, head: ChainHead): Promise<number> {
    const { chainId, engine, now, policies } = this.#options;
    if (policies.configured.length === 0) return 0;
    const ids = await releaseRequests(trx, {
      chainId,
      settledNumber: head.settledNumber,
      configured: policies.configured,
      live: policies.live(),
      now: now(),
    });
    await engine.enqueue(
      trx,
      "answers",
      ids.map((requestId) => ({ data: { chainId, requestId } })),
    );
    return ids.length;
  }
}

async function insertBlocks(trx: StoreTransaction, chainId: number, range: ChainRange): Promise<void> {
  const rows = range.headers.map(({ number, hash }) => ({ chain_id: chainId, number, hash }));
  for (const part of inParts(rows)) await trx.insertInto("blocks").values(part).execute();
  await trx
    .deleteFrom("blocks")
    .where("chain_id", "=", chainId)
    .where("number", "<", range.last.number - KEPT_BLOCKS)
    .execute();
}

function position(event: ChainEvent): {
  block_number: number;
  block_hash: Hex;
  tx_hash: Hex;
  log_index: number;
} {
  return {
    block_number: event.blockNumber,
    block_hash: event.blockHash,
    tx_hash: event.txHash,
    log_index: event.logIndex,
  };
}
