import { Answer, settlesLate } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { ChainError } from "../../../protocol/errors.ts";
import type { Request } from "../../../protocol/request.ts";
import type { BatchedReads } from "../../chain/rpc/batched-reads.ts";
import { readMembership } from "../../chain/contracts/membership.ts";
import { encodeOpenQuorum } from "../../chain/contracts/quorum-call.ts";
import { data } from "../../chain/rpc/block.ts";
import type { HeldPeerLeaf } from "../../store/peer-leaves.ts";
import type { DueQuorum } from "../../store/quorums.ts";
import type { AdmittedKeysets } from "../asking/admitted-keysets.ts";
import { assign } from "../asking/assignment.ts";
import { readQuorumSet } from "../quorum-set.ts";
import { toMember } from "./quorum-step.ts";
import { nextSharedStep, type HeldLeaf, type SharedStep } from "./shared-quorum-step.ts";

export interface SharedQuorumsOptions {
  readonly chainId: number;
  readonly registry: Hex;
  readonly coordinator: Hex;
  /** Whose account is named as the sender when simulating. */
  readonly from: Hex;
  readonly reads: Pick<BatchedReads, "call">;
  readonly admitted: Pick<AdmittedKeysets, "at">;
  readonly ownKeysets: () => ReadonlySet<Hex>;
  readonly spares: number;
  readonly turnSeconds: number;
  readonly settleSeconds: number;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface SharedQuorumCall {
  readonly request: Request;
  readonly windowSeconds: number;
  /** Seconds: the time that the next block will have. */
  readonly time: number;
}

/** Quorums whose members are of several operators: what they need next, from this node. */
export class SharedQuorums {
  readonly #options: SharedQuorumsOptions;

  constructor(options: SharedQuorumsOptions) {
    this.#options = options;
  }

  /** @throws {ChainError} CHAIN_RPC_UNAVAILABLE when the registry cannot be asked about a member */
  async next(quorum: DueQuorum, { request, windowSeconds, time }: SharedQuorumCall): Promise<SharedStep> {
    const { chainId, admitted, ownKeysets, spares, turnSeconds, settleSeconds, now } = this.#options;
    const keysets = await admitted.at(chainId, request.policyId, quorum.blockNumber);
    const assignment = assign(quorum.requestId, quorum.blockNumber, keysets);
    const set = readQuorumSet(quorum.steps);
    const held = [...quorum.members.map(toOwn), ...quorum.peers.map(toOther)];
    const terms = {
      ...{ request, assignment, ownKeysets: ownKeysets(), spares, turnSeconds, windowSeconds, settleSeconds },
      ...{ releasedAt: quorum.releasedAt, time, now: now() },
    };
    const step = nextSharedStep(held, set, terms);
    // One member that the contract refuses would take the others' transaction with it.
    const refused = await this.#refused(request, step, quorum.peers);
    return refused.size === 0
      ? step
      : nextSharedStep(
          held.filter(({ keysetId }) => !refused.has(keysetId)),
          set,
          terms,
        );
  }

  /** Keysets of other operators without which the step is to be taken. */
  async #refused(
    request: Request,
    step: SharedStep,
    peers: readonly HeldPeerLeaf[],
  ): Promise<ReadonlySet<Hex>> {
    if (step.kind === "commit") return this.#notMembers(request, step.leaves, peers);
    if (step.kind !== "open") return new Set();
    const others = new Set(peers.map(({ keysetId }) => keysetId));
    const hasOthers = step.openings.some(({ answer }) => others.has(answer.keysetId));
    return hasOthers && !(await this.#isTaken(encodeOpenQuorum(request, step.openings, step.carrying)))
      ? others
      : new Set();
  }

  async #isTaken(call: Hex): Promise<boolean> {
    const { reads, from, coordinator: to } = this.#options;
    try {
      await reads.call({ method: "eth_call", params: [{ from, to, data: call }, "pending"] }, data);
      return true;
    } catch (error) {
      if (error instanceof ChainError && error.code === "CHAIN_REVERTED") return false;
      throw error;
    }
  }

  /** Of others' leaves, those of keysets that the registry does not take for this request now. */
  async #notMembers(
    { policyId, requestedAt }: Request,
    leaves: readonly HeldLeaf[],
    peers: readonly HeldPeerLeaf[],
  ): Promise<ReadonlySet<Hex>> {
    const { reads, registry } = this.#options;
    const asked = { policyId, requestedAt };
    const chosen = new Set(leaves.map(({ keysetId }) => keysetId));
    const found = await Promise.all(
      peers
        .filter(({ keysetId }) => chosen.has(keysetId))
        .map(async ({ keysetId, signer }) => {
          const membership = await readMembership(reads, registry, asked, { keysetId, signer });
          return membership === undefined ? [keysetId] : [];
        }),
    );
    return new Set(found.flat());
  }
}

function toOwn(member: DueQuorum["members"][number]): HeldLeaf {
  const { leaf, keysetId, signature, notBefore, ...opening } = toMember(member);
  return { leaf, keysetId, signature, notBefore, opening, isOwn: true, heldAt: member.heldAt };
}

function toOther({
  leaf,
  keysetId,
  leafSignature: signature,
  answer,
  output,
  stateBlockNumber,
  receivedAt,
}: HeldPeerLeaf): HeldLeaf {
  const opening =
    answer === null || output === null || stateBlockNumber === null
      ? null
      : { answer: Answer.parse(JSON.parse(answer)), output, stateBlockNumber: BigInt(stateBlockNumber) };
  // What settles late is its operator's to open: no other transaction waits for it.
  const notBefore = opening !== null && settlesLate(opening.answer.status) ? Infinity : 0;
  return { leaf, keysetId, signature, opening, notBefore, isOwn: false, heldAt: receivedAt };
}
