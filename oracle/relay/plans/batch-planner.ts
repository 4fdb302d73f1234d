import { Answer, answerStructHash } from "../../../protocol/answer.ts";
import { batchDigest, batchLeaf, createBatchTree } from "../../../protocol/batch.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { onChainDomain } from "../../../protocol/domain.ts";
import type { BatchReply } from "../../../protocol/enclave-api.ts";
import { AdytonError, EvidenceError } from "../../../protocol/errors.ts";
import { Request } from "../../../protocol/request.ts";
import {
  batchGasLimit,
  type BatchItem,
  batchItemBytes,
  batchItemGas,
  encodeFulfillBatch,
} from "../../chain/contracts/batch-call.ts";
import type { DataPrice } from "../../chain/data-price.ts";
import { simulateBatch } from "../../chain/contracts/batch-simulation.ts";
import type { RpcPool } from "../../chain/rpc/rpc-pool.ts";
import type { BatchSection } from "../../configuration/chain-section.ts";
import { isSignedBy } from "../../chain/signing/secp256k1.ts";
import type { EnclaveSession } from "../../enclaves/enclave-session.ts";
import { isSessionFailure } from "../../enclaves/enclave-set.ts";
import type { Logger } from "../../log.ts";
import type { DueAnswer } from "../../store/settlements.ts";
import { least as lesser } from "../../transmitter/fees.ts";
import type { PlannedTransaction } from "../../transmitter/planned-transaction.ts";
import { isUnrepaid, type OwnCost } from "./own-cost.ts";

export interface BatchPlannerOptions {
  readonly chainId: bigint;
  readonly coordinator: Hex;
  readonly rpc: RpcPool;
  /** Whose account is named as the sender when simulating. */
  readonly from: Hex;
  readonly settings: BatchSection;
  readonly ownCost: OwnCost;
  /** The enclaves that live: only the one that signed an answer signs a batch with it. */
  readonly sessions: () => readonly EnclaveSession[];
  readonly drop: (session: EnclaveSession, error: unknown) => void;
  /** Those that were in a batch before. */
  readonly onceBatched: (requestIds: readonly Hex[]) => Promise<ReadonlySet<Hex>>;
  readonly log: Logger;
}

export interface BatchPlan {
  readonly planned: readonly PlannedTransaction[];
  /** The answers to be settled one by one. */
  readonly rest: readonly DueAnswer[];
}

/** What the next block is planned with. */
export interface BatchConditions {
  /** Wei, of the latest block. */
  readonly baseFee: bigint;
  /** Seconds, of the next block. */
  readonly time: number;
  readonly price: DataPrice;
}

interface Member extends BatchItem {
  readonly due: DueAnswer;
  readonly leaf: Hex;
  /** Wei: the most that a unit of its gas may cost. */
  readonly feeCap: bigint;
}

/** Two answers share a transaction and a signature: the least for which that is a saving at all. */
const LEAST = 2;

/**
 * Puts answers that wait together under one signature of their enclave. An answer that cannot be in a batch, or was in one that did
 * not settle it, is left to be settled by itself, so that one answer never holds others up.
 */
export class BatchPlanner {
  readonly #options: BatchPlannerOptions;

  constructor(options: BatchPlannerOptions) {
    this.#options = options;
  }

  async plan(due: readonly DueAnswer[], conditions: BatchConditions): Promise<BatchPlan> {
    const { baseFee, price } = conditions;
    const { settings, sessions, onceBatched } = this.#options;
    if (due.length < settings.minAnswers) return { planned: [], rest: due };
    const batched = await onceBatched(due.map(({ requestId }) => requestId));
    const sessionOf = new Map(sessions().map((session) => [session.keysetId, session]));
    const least = baseFee >= settings.dearGasWei ? LEAST : settings.minAnswers;
    const groups = Map.groupBy(due, (answer) =>
      batched.has(answer.requestId) ? undefined : sessionOf.get(answer.keysetId),
    );
    const rest: DueAnswer[] = [...(groups.get(undefined) ?? [])];
    const forming: Promise<BatchPlan>[] = [];
    for (const [session, answers] of groups) {
      if (session === undefined) continue;
      const members = answers.map((answer) => toMember(answer, this.#options.ownCost));
      const fit = members.filter((member) => isMember(member, baseFee));
      rest.push(...members.filter((member) => !isMember(member, baseFee)).map(({ due: answer }) => answer));
      for (const part of cut(fit, settings, price)) {
        if (part.length < least) rest.push(...part.map(({ due: answer }) => answer));
        else forming.push(this.#form(session, part, conditions));
      }
    }
    const plans = await Promise.all(forming);
    return {
      planned: plans.flatMap(({ planned }) => planned),
      rest: [...rest, ...plans.flatMap((plan) => plan.rest)],
    };
  }

  async #form(
    session: EnclaveSession,
    members: readonly Member[],
    { price, time }: BatchConditions,
  ): Promise<BatchPlan> {
    const { log, drop } = this.#options;
    const single = members.map(({ due }) => due);
    try {
      const planned = await this.#sign(session, members, price);
      const outcome = await simulateBatch(this.#options.rpc, {
        ...planned,
        from: this.#options.from,
        time,
      });
      if (outcome.kind !== "settles") {
        log.debug("batch.not-simulated", { answers: members.length, outcome: outcome.kind });
        return { planned: [], rest: single };
      }
      const { refused } = outcome;
      if (refused.size === 0) return { planned: [planned], rest: [] };
      const good = members.filter(({ due }) => !refused.has(due.requestId));
      log.debug("batch.refused", { answers: members.length, refused: refused.size });
      if (good.length < LEAST) return { planned: [], rest: single };
      return {
        planned: [await this.#sign(session, good, price)],
        rest: single.filter(({ requestId }) => refused.has(requestId)),
      };
    } catch (error) {
      if (!(error instanceof AdytonError)) throw error;
      log.warn("batch.not-formed", { keysetId: session.keysetId, answers: members.length, error });
      if (isSessionFailure(error)) drop(session, error);
      return { planned: [], rest: single };
    }
  }

  /** @throws {UpstreamError} ENCLAVE_UNAVAILABLE, {InputError} as the enclave says; {EvidenceError} for another batch */
  async #sign(
    session: EnclaveSession,
    members: readonly Member[],
    price: DataPrice,
  ): Promise<PlannedTransaction> {
    const { coordinator } = this.#options;
    const inOrder = [...members].sort((a, b) => (a.leaf < b.leaf ? -1 : 1));
    const requestIds = inOrder.map(({ due }) => due.requestId);
    const batch = await session.client.batch(requestIds);
    this.#check(session, inOrder, batch);
    const data = encodeFulfillBatch(inOrder, session.keysetId, batch);
    return {
      ...{ kind: "fulfillBatch", to: coordinator, data },
      gasLimit: batchGasLimit(inOrder) + price.gas((data.length - 2) / 2),
      feeCap: inOrder.reduce((cap, member) => lesser(cap, member.feeCap), inOrder[0]?.feeCap ?? 0n),
      requestIds,
    };
  }

  /** The tree is built from the answers that are here: a batch of anything else is not worth a transaction. */
  #check(session: EnclaveSession, members: readonly Member[], { root, count, signature }: BatchReply): void {
    const { chainId, coordinator } = this.#options;
    const tree = createBatchTree(members.map(({ leaf }) => leaf));
    const digest = batchDigest(onChainDomain(chainId, coordinator), tree.root, tree.count);
    if (
      tree.root !== root ||
      tree.count !== count ||
      !isSignedBy(session.attestation.keyset.answerKey, digest, signature)
    ) {
      throw new EvidenceError({
        code: "EVIDENCE_BINDING_MISMATCH",
        message: "the enclave's batch is not signed by its keyset over the answers that it was asked for",
        details: { keysetId: session.keysetId, answers: members.length },
      });
    }
  }
}

function toMember(due: DueAnswer, ownCost: OwnCost): Member {
  const answer = Answer.parse(JSON.parse(due.answer));
  const request = Request.parse(JSON.parse(due.request));
  return {
    due,
    request,
    feeCap: isUnrepaid(due.status) ? lesser(request.gasPriceCap, ownCost.feeCap) : request.gasPriceCap,
    answer,
    output: due.output,
    stateBlockNumber: BigInt(due.stateBlockNumber),
    leaf: batchLeaf(answerStructHash(answer)),
  };
}

/** The cap of a batch is the least of its members': one that the base fee is about to exceed would hold all of them up. */
function isMember({ request, feeCap }: Member, baseFee: bigint): boolean {
  return request.threshold === 1 && feeCap >= 2n * baseFee;
}

/** In order, each part within the limits of a transaction. */
function cut(members: readonly Member[], { maxAnswers, maxGas }: BatchSection, price: DataPrice): Member[][] {
  const parts: Member[][] = [];
  let part: Member[] = [];
  const empty = batchGasLimit([]) + price.gas(0);
  let gas = empty;
  for (const member of members) {
    const more = batchItemGas(member) + price.gas(batchItemBytes(member)) - price.gas(0);
    if (part.length > 0 && (part.length >= maxAnswers || gas + more > maxGas)) {
      parts.push(part);
      part = [];
      gas = empty;
    }
    part.push(member);
    gas += more;
  }
  return part.length === 0 ? parts : [...parts, part];
}
