import type { ChainContext } from "../../chain-context.ts";
import { Answer } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { ChainError } from "../../../protocol/errors.ts";
import { Request } from "../../../protocol/request.ts";
import { type BlockHeader, toQuantity } from "../../chain/rpc/block.ts";
import type { ChainHead } from "../../chain/chain-source.ts";
import { type DataPrice, FREE_DATA, type ReadDataPrice } from "../../chain/data-price.ts";
import {
  encodeFulfill,
  encodeRefund,
  fulfillGasLimit,
  refundGasLimit,
} from "../../chain/contracts/settlement-call.ts";
import { toChainError } from "../../chain/rpc/revert.ts";
import type { RpcPool } from "../../chain/rpc/rpc-pool.ts";
import {
  type DueAnswer,
  dueAnswers,
  type DueRefund,
  dueRefunds,
  leaveSettlement,
  postponeSettlement,
} from "../../store/settlements.ts";
import { MAX_RETRY_SECONDS } from "../../store/retry-time.ts";
import type { BatchPlanner } from "./batch-planner.ts";
import { isBurden, isUnrepaid, LEFT_TO_OTHERS, type OwnCost } from "./own-cost.ts";
import type { QuorumPlanner } from "./quorum-planner.ts";
import { least } from "../../transmitter/fees.ts";
import type { PlannedTransaction } from "../../transmitter/planned-transaction.ts";

export interface SettlementPlannerOptions extends Omit<ChainContext, "rpc"> {
  readonly coordinator: Hex;
  readonly rpc: Pick<RpcPool, "send">;
  /** Whose account is named as the sender when simulating. */
  readonly from: Hex;
  readonly ownCost: OwnCost;
  /** `undefined` where every answer is to be a transaction of its own. */
  readonly batches: BatchPlanner | undefined;
  readonly quorums: Pick<QuorumPlanner, "plan">;
  /** Absent where bytes cost their gas alone. */
  readonly readDataPrice?: ReadDataPrice;
}

/** Longest wait between two attempts at a quorum's step that the chain refuses, or can say nothing of: others take it too, and its openings last a minute. */
const MAX_STEP_RETRY_SECONDS = 4;
const QUORUM_STEPS: ReadonlySet<PlannedTransaction["kind"]> = new Set([
  "commitQuorum",
  "openQuorum",
  "clearQuorum",
]);
/**
 * So many are tried in the pending block, where what others have sent meanwhile shows. Some nodes make that block anew for
 * each call, of all that waits in their mempool: under load it is the newest block instead, except for what is too early in
 * its time.
 */
const FEW = 4;
/** Answers that are looked at together where several fit a transaction. */
const DUE_AT_ONCE = 500;

interface Trial {
  readonly transaction: PlannedTransaction;
  /** Seconds: the block time from which the contract takes it. */
  readonly possibleAt: number;
  /** The block whose hash the contract must know: in a view of the newest block, that block's own is not known yet. */
  readonly stateBlock: number;
}

/** Which transactions would settle something now: answers to deliver, and refunds of requests past their deadline. */
export class SettlementPlanner {
  readonly #options: SettlementPlannerOptions;
  /** Seconds. */
  #noRefundsAt: number | undefined;

  constructor(options: SettlementPlannerOptions) {
    this.#options = options;
  }

  /**
   * @param before what else was planned for this round: it goes first, and counts towards `limit`
   * @throws {ChainError} what the node said, when it could say nothing of any and there is nothing else to send
   */
  async plan(
    head: ChainHead,
    limit: number,
    before: readonly PlannedTransaction[] = [],
  ): Promise<PlannedTransaction[]> {
    const { store, chainId, batches, ownCost, readDataPrice } = this.#options;
    const price = (await readDataPrice?.(head.latest)) ?? FREE_DATA;
    const time = this.#chainTime(head);
    const baseFee = head.latest.baseFeePerGas ?? 0n;
    const due = await dueAnswers(store, {
      chainId,
      time,
      baseFee,
      paysUnrepaid: ownCost.feeCap >= baseFee,
      limit: batches === undefined ? Math.max(0, limit - before.length) : DUE_AT_ONCE,
    });
    const answers = await this.#withoutBurdens(due, ({ status }) => isUnrepaid(status));
    const { planned: batched, rest } = (await batches?.plan(answers, { baseFee, time, price })) ?? {
      planned: [],
      rest: answers,
    };
    const planned = [...before, ...batched];
    let free = Math.max(0, limit - planned.length);
    const fulfillments = rest.slice(0, free).map((answer) => this.#toFulfillment(answer));
    free -= fulfillments.length;
    const quorums = free > 0 ? await this.#options.quorums.plan({ chainId, time, baseFee, limit: free }) : [];
    free -= quorums.length;
    const refunds = free > 0 && ownCost.feeCap >= baseFee ? await this.#dueRefunds(time, free) : [];
    const single = [
      ...fulfillments,
      // Their time is the clock's, which may be ahead of the newest block's.
      ...quorums.map((transaction): Trial => ({ possibleAt: time, stateBlock: 0, transaction })),
      ...refunds.map((refund) => this.#toRefund(refund)),
    ].map((trial) => withDataGas(trial, price));
    try {
      planned.push(...(await this.#simulated(single, { time, newest: head.latest })));
    } catch (error) {
      if (planned.length === 0 || !(error instanceof ChainError)) throw error;
      // The same ones come again next time: those that are planned must not wait for them.
      this.#options.log.warn("settlement.not-simulated", { chainId, transactions: single.length, error });
    }
    return planned;
  }

  /** Only time makes refunds due: where there was none at this time, there is none. */
  async #dueRefunds(time: number, limit: number): Promise<DueRefund[]> {
    if (time === this.#noRefundsAt) return [];
    const { store, chainId } = this.#options;
    const refunds = await dueRefunds(store, { chainId, time, limit });
    this.#noRefundsAt = refunds.length === 0 ? time : undefined;
    return this.#withoutBurdens(refunds, () => true);
  }

  /** Leaves to others what would burn more of this node's own gas than it gives. */
  async #withoutBurdens<Due extends Pick<DueRefund, "requestId" | "request">>(
    due: readonly Due[],
    isOwnCost: (one: Due) => boolean,
  ): Promise<Due[]> {
    const { store, chainId, ownCost, log } = this.#options;
    const burdens = new Set(
      due.filter((one) => isOwnCost(one) && isBurden(Request.parse(JSON.parse(one.request)), ownCost)),
    );
    if (burdens.size === 0) return [...due];
    const requestIds = [...burdens].map(({ requestId }) => requestId);
    await leaveSettlement(store, { chainId, requestIds, error: LEFT_TO_OTHERS });
    log.warn("settlement.left", { chainId, requestIds });
    return due.filter((one) => !burdens.has(one));
  }

  /** The next block's time is at least the head's, and the clock's where the chain makes blocks on demand. */
  #chainTime(head: ChainHead): number {
    return Math.max(head.latest.timestamp, Math.floor(this.#options.now() / 1_000));
  }

  #toFulfillment(due: DueAnswer): Trial {
    const request = Request.parse(JSON.parse(due.request));
    const answer = Answer.parse(JSON.parse(due.answer));
    const { output, signature, stateBlockNumber } = due;
    const settling = { answer, output, stateBlockNumber: BigInt(stateBlockNumber) };
    const { coordinator, ownCost } = this.#options;
    const data = encodeFulfill(request, settling, signature);
    return {
      possibleAt: due.notBefore,
      stateBlock: stateBlockNumber,
      transaction: {
        kind: "fulfill",
        to: coordinator,
        data,
        gasLimit: fulfillGasLimit(request, data),
        feeCap: isUnrepaid(due.status) ? least(request.gasPriceCap, ownCost.feeCap) : request.gasPriceCap,
        requestIds: [due.requestId],
      },
    };
  }

  #toRefund(due: DueRefund): Trial {
    const request = Request.parse(JSON.parse(due.request));
    const data = encodeRefund(request);
    return {
      possibleAt: due.deadline + 1,
      stateBlock: 0,
      transaction: {
        kind: "refund",
        to: this.#options.coordinator,
        data,
        gasLimit: refundGasLimit(request, data),
        feeCap: this.#options.ownCost.feeCap,
        requestIds: [due.requestId],
      },
    };
  }

  /**
   * Drops what would revert now, and lets it wait; and what the node can say nothing of, while it could of others. Were that
   * to end the plan, one such transaction would hold up all, each time anew.
   *
   * @throws {ChainError} what the node said, when it could say nothing of any
   */
  async #simulated(
    trials: readonly Trial[],
    { time, newest }: { readonly time: number; readonly newest: BlockHeader },
  ): Promise<PlannedTransaction[]> {
    if (trials.length === 0) return [];
    const { rpc, from, chainId, log } = this.#options;
    const replies = await rpc.send(
      trials.map(({ transaction: { to, data, gasLimit }, possibleAt, stateBlock }) => {
        const isEarly = possibleAt > newest.timestamp || stateBlock >= newest.number;
        const block = trials.length <= FEW || isEarly ? "pending" : "latest";
        return { method: "eth_call", params: [{ from, to, data, gas: toQuantity(gasLimit) }, block] };
      }),
    );
    const good: PlannedTransaction[] = [];
    const refused: { readonly transaction: PlannedTransaction; readonly error: ChainError }[] = [];
    for (const [index, { transaction }] of trials.entries()) {
      const reply = replies[index];
      if (reply?.ok === true) good.push(transaction);
      else refused.push({ transaction, error: toChainError("eth_call", reply?.failure) });
    }
    const [first] = refused;
    if (
      first !== undefined &&
      good.length === 0 &&
      refused.every(({ error }) => error.code !== "CHAIN_REVERTED")
    )
      throw first.error;
    for (const { transaction, error } of refused) {
      await this.#postpone(transaction, time, error);
      log.warn(error.code === "CHAIN_REVERTED" ? "settlement.refused" : "settlement.not-simulated", {
        chainId,
        kind: transaction.kind,
        requestIds: transaction.requestIds,
        error,
      });
    }
    return good;
  }

  async #postpone(transaction: PlannedTransaction, time: number, error: ChainError): Promise<void> {
    const { store, chainId } = this.#options;
    for (const requestId of transaction.requestIds) {
      await postponeSettlement(store, {
        chainId,
        requestId,
        time,
        maxSeconds: QUORUM_STEPS.has(transaction.kind) ? MAX_STEP_RETRY_SECONDS : MAX_RETRY_SECONDS,
        error: error.message,
      });
    }
  }
}

function withDataGas(trial: Trial, price: DataPrice): Trial {
  const { data, gasLimit } = trial.transaction;
  const transaction = { ...trial.transaction, gasLimit: gasLimit + price.gas((data.length - 2) / 2) };
  return { ...trial, transaction };
}
