import type { Hex } from "../../protocol/bytes.ts";
import { Request } from "../../protocol/request.ts";
import {
  commitGasLimit,
  encodeClearQuorum,
  encodeCommitQuorum,
  encodeFulfillQuorum,
  encodeOpenQuorum,
} from "../chain/quorum-call.ts";
import { fulfillGasLimit, refundGasLimit } from "../chain/settlement-call.ts";
import type { DueQuorum } from "../store/quorums.ts";
import { dueQuorums } from "../store/quorums.ts";
import type { DueAnswerQuery } from "../store/settlements.ts";
import type { Store } from "../store/store.ts";
import type { PlannedTransaction } from "../transmitter/planned-transaction.ts";
import { nextStep } from "./quorum-step.ts";
import type { NextStep } from "./quorum-step.ts";

export interface QuorumPlannerOptions {
  readonly coordinator: Hex;
  readonly store: Store;
  /** Seconds that a policy leaves for further leaves. */
  readonly windowOf: (policyId: Hex) => Promise<number>;
}

/** Quorums that are looked at together: most of them wait for their window. */
const DUE_AT_ONCE = 200;

/** Which transactions take requests of several answers a step further: committing their leaves, and opening them. */
export class QuorumPlanner {
  readonly #options: QuorumPlannerOptions;

  constructor(options: QuorumPlannerOptions) {
    this.#options = options;
  }

  /** @throws {ChainError} CHAIN_RPC_UNAVAILABLE when a policy cannot be read */
  async plan({ limit, ...query }: DueAnswerQuery): Promise<PlannedTransaction[]> {
    const planned: PlannedTransaction[] = [];
    const due = await dueQuorums(this.#options.store, { ...query, limit: DUE_AT_ONCE });
    for (const quorum of due) {
      if (planned.length === limit) break;
      const request = Request.parse(JSON.parse(quorum.request));
      const windowSeconds = await this.#options.windowOf(request.policyId);
      const step = nextStep(quorum, { threshold: request.threshold, windowSeconds, time: query.time });
      if (step.kind !== "wait") planned.push(this.#toTransaction(quorum, request, step));
    }
    return planned;
  }

  #toTransaction(
    { requestId }: DueQuorum,
    request: Request,
    step: Exclude<NextStep, { kind: "wait" }>,
  ): PlannedTransaction {
    return {
      ...toCall(request, step),
      to: this.#options.coordinator,
      feeCap: request.gasPriceCap,
      requestIds: [requestId],
    };
  }
}

function toCall(
  request: Request,
  step: Exclude<NextStep, { kind: "wait" }>,
): Pick<PlannedTransaction, "kind" | "data" | "gasLimit"> {
  switch (step.kind) {
    case "commit": {
      const data = encodeCommitQuorum(request, step.members);
      return { kind: "commitQuorum", data, gasLimit: commitGasLimit(step.members.length) };
    }
    case "open": {
      const data = encodeOpenQuorum(request, step.members);
      return { kind: "openQuorum", data, gasLimit: fulfillGasLimit(request, data) };
    }
    case "fulfill": {
      const data = encodeFulfillQuorum(request, step.members, step.members);
      const gasLimit = fulfillGasLimit(request, data) + commitGasLimit(step.members.length);
      return { kind: "fulfill", data, gasLimit };
    }
    case "settle": {
      const data = encodeOpenQuorum(request, []);
      return { kind: "openQuorum", data, gasLimit: fulfillGasLimit(request, data) };
    }
    case "clear": {
      const data = encodeClearQuorum(request);
      return { kind: "clearQuorum", data, gasLimit: refundGasLimit(request, data) };
    }
  }
}
