import type { Answer } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { Request } from "../../../protocol/request.ts";
import {
  commitGasLimit,
  encodeClearQuorum,
  encodeCommitQuorum,
  encodeFulfillQuorum,
  encodeOpenQuorum,
  type SignedLeaf,
} from "../../chain/contracts/quorum-call.ts";
import {
  type SettlingAnswer,
  fulfillGasLimit,
  refundGasLimit,
} from "../../chain/contracts/settlement-call.ts";
import { leaveSettlement, type DueAnswerQuery } from "../../store/settlements.ts";
import { least } from "../../transmitter/fees.ts";
import { isBurden, isUnrepaid, LEFT_TO_OTHERS, type OwnCost } from "./own-cost.ts";
import { type DueQuorum, dueQuorums } from "../../store/quorums.ts";
import type { Store } from "../../store/store.ts";
import type { PlannedTransaction } from "../../transmitter/planned-transaction.ts";
import { winnerAmong } from "./quorum-outputs.ts";
import { nextStep } from "./quorum-step.ts";
import type { SharedQuorums } from "./shared-quorums.ts";

export interface QuorumPlannerOptions {
  readonly coordinator: Hex;
  readonly store: Store;
  readonly ownCost: OwnCost;
  /** Seconds that a policy leaves for further leaves. */
  readonly windowOf: (policyId: Hex) => Promise<number>;
  /** Where other operators give answers too; absent where this node has all platforms of a quorum. */
  readonly shared?: Pick<SharedQuorums, "next"> | undefined;
}

/** Quorums that are looked at together: most of them wait for their window. */
const DUE_AT_ONCE = 200;

/** A leaf, and the answer behind it as far as it is known here. */
type KnownLeaf = SignedLeaf & { readonly answer?: Answer; readonly opening?: SettlingAnswer | null };

type Step =
  | { readonly kind: "commit"; readonly leaves: readonly KnownLeaf[] }
  | {
      readonly kind: "open";
      readonly openings: readonly SettlingAnswer[];
      readonly carrying?: ReadonlySet<SettlingAnswer>;
    }
  | { readonly kind: "fulfill"; readonly members: readonly (SignedLeaf & SettlingAnswer)[] }
  | { readonly kind: "clear" }
  | { readonly kind: "wait" };

/** Which transactions take requests of several answers a step further: committing their leaves, and opening them. */
export class QuorumPlanner {
  readonly #options: QuorumPlannerOptions;

  constructor(options: QuorumPlannerOptions) {
    this.#options = options;
  }

  /** @throws {ChainError} CHAIN_RPC_UNAVAILABLE when a policy cannot be read */
  async plan({ limit, ...query }: DueAnswerQuery): Promise<PlannedTransaction[]> {
    const { store, coordinator, windowOf, shared, ownCost } = this.#options;
    const planned: PlannedTransaction[] = [];
    const isShared = shared !== undefined;
    const due = await dueQuorums(store, { ...query, limit: DUE_AT_ONCE, isShared });
    for (const quorum of due) {
      if (planned.length === limit) break;
      const request = Request.parse(JSON.parse(quorum.request));
      const terms = { windowSeconds: await windowOf(request.policyId), time: query.time };
      const step: Step =
        shared === undefined
          ? ownStep(quorum, request, terms)
          : await shared.next(quorum, { request, ...terms });
      const call = toCall(request, step);
      if (call === undefined) continue;
      const requestIds = [quorum.requestId];
      const statuses = knownStatuses(step);
      const isOwnCost = step.kind === "clear" || statuses.some(isUnrepaid);
      if (statuses.length > 0 && statuses.every(isUnrepaid) && isBurden(request, ownCost)) {
        // Other members' openings alone are passed over: what this node has opened may still settle, and is repaid.
        if (step.kind !== "open")
          await leaveSettlement(store, { chainId: query.chainId, requestIds, error: LEFT_TO_OTHERS });
        continue;
      }
      const feeCap = isOwnCost ? least(request.gasPriceCap, ownCost.feeCap) : request.gasPriceCap;
      // It would only be signed and dropped again, each time.
      if (feeCap >= query.baseFee) planned.push({ ...call, to: coordinator, feeCap, requestIds });
    }
    return planned;
  }
}

/** Where all members are this node's. */
function ownStep(
  quorum: DueQuorum,
  request: Request,
  terms: { readonly windowSeconds: number; readonly time: number },
): Step {
  const step = nextStep(quorum, { ...terms, threshold: request.threshold });
  switch (step.kind) {
    case "commit":
      return { kind: "commit", leaves: step.members };
    case "open":
      return { kind: "open", openings: step.members };
    case "settle": {
      const winner = winnerAmong(request, step.members);
      const openings = winner === undefined ? [] : [winner];
      return { kind: "open", openings, carrying: new Set(openings) };
    }
    default:
      return step;
  }
}

/** Of the answers that the step commits or opens: a member of which the contract earns nothing is repaid nothing. */
function knownStatuses(step: Step): number[] {
  switch (step.kind) {
    case "commit":
      return step.leaves.flatMap(({ answer, opening }) => (answer ?? opening?.answer)?.status ?? []);
    case "open":
      return step.openings.map(({ answer }) => answer.status);
    case "fulfill":
      return step.members.map(({ answer }) => answer.status);
    default:
      return [];
  }
}

function toCall(
  request: Request,
  step: Step,
): Pick<PlannedTransaction, "kind" | "data" | "gasLimit"> | undefined {
  switch (step.kind) {
    case "wait":
      return undefined;
    case "commit": {
      const data = encodeCommitQuorum(request, step.leaves);
      return { kind: "commitQuorum", data, gasLimit: commitGasLimit(step.leaves.length) };
    }
    case "open": {
      const data = encodeOpenQuorum(request, step.openings, step.carrying);
      return { kind: "openQuorum", data, gasLimit: fulfillGasLimit(request, data) };
    }
    case "fulfill": {
      const data = encodeFulfillQuorum(request, step.members, step.members);
      const gasLimit = fulfillGasLimit(request, data) + commitGasLimit(step.members.length);
      return { kind: "fulfill", data, gasLimit };
    }
    case "clear": {
      const data = encodeClearQuorum(request);
      return { kind: "clearQuorum", data, gasLimit: refundGasLimit(request, data) };
    }
  }
}
