import type { Hex } from "../../../protocol/bytes.ts";
import type { Request } from "../../../protocol/request.ts";
import type { BatchedReads } from "../../chain/rpc/batched-reads.ts";
import type { ChainHead } from "../../chain/chain-source.ts";
import { worstGasLimit } from "../../chain/contracts/settlement-call.ts";
import { type Membership, readMembership } from "../../chain/contracts/membership.ts";
import { readPendingRequest } from "../../chain/contracts/request-state.ts";
import type { EnclaveSession } from "../../enclaves/enclave-session.ts";
import type { OpenRequest } from "../../store/answers.ts";

export interface PreflightOptions {
  readonly coordinator: Hex;
  readonly registry: Hex;
  readonly reads: Pick<BatchedReads, "call">;
  readonly head: () => ChainHead | undefined;
  /** Whether any transmitter key can pay for a transaction. */
  readonly hasFunds: () => boolean;
  /** Whether the RPC endpoints contradict each other about what this request may be made of. */
  readonly isDisputed: () => boolean;
  /** Gas that one transaction may use on this chain. */
  readonly maxTransactionGas: number;
  /** Seconds from a model's call until its answer is in a block: with less left it is a call paid for a refund. */
  readonly settleSeconds: number;
  /** Seconds before the deadline that belong to what was answered before: no model is asked in them. */
  readonly fallbackWindowSeconds: number;
  /** Milliseconds. */
  readonly now: () => number;
}

/** An enclave whose answer the registry would accept now. */
export interface Member {
  readonly session: EnclaveSession;
  readonly membership: Membership;
}

export interface PreflightCall {
  readonly open: OpenRequest;
  readonly request: Request;
  readonly sessions: readonly EnclaveSession[];
  /** Whether to look at the mempool's view too: somebody else may have answered already. */
  readonly outOfTurn: boolean;
}

/** Why no model is asked now. */
export type PreflightReason =
  | "settled"
  | "cancelled"
  | "block-changed"
  | "deadline-near"
  | "gas-above-limit"
  | "funds-low"
  | "chain-disputed"
  | "not-admitted";

export type PreflightResult =
  | { readonly kind: "ask"; readonly members: readonly Member[] }
  | { readonly kind: "wait"; readonly seconds: number; readonly reason: PreflightReason }
  /** Nothing that can change makes it possible: it ends in a refund. */
  | { readonly kind: "never"; readonly reason: PreflightReason };

/** How long a request rests that the chain says is settled: its event, or the reorg that undoes it, comes by then. */
const SETTLED_SECONDS = 15;
/** A reorg that was not read yet. */
const BLOCK_CHANGED_SECONDS = 2;
const FUNDS_SECONDS = 5;
const GAS_SECONDS = 300;
const DISPUTE_SECONDS = 5;
const NOT_ADMITTED_SECONDS = 2;

/**
 * Denial of wallet: a model call costs the operator, and only a settlement brings the money back. So everything about a
 * fulfilment that can be known before the answer is looked at before the model is called.
 *
 * Not looked at here: what the request offers (`refuseOffer`), and whether the callback will succeed, since a failing
 * callback is a result and paid for. Whether the fee covers the model's price is for the enclave to say, which then signs
 * outOfBudget without calling the model.
 */
export class Preflight {
  readonly #options: PreflightOptions;

  constructor(options: PreflightOptions) {
    this.#options = options;
  }

  /** @throws {ChainError} CHAIN_RPC_UNAVAILABLE: then nobody is asked either */
  async check(call: PreflightCall): Promise<PreflightResult> {
    return this.#forbidding(call.request) ?? this.#onChain(call);
  }

  /** The checks that need no look at the chain's state. */
  #forbidding(request: Request): PreflightResult | undefined {
    const { head, hasFunds, isDisputed, maxTransactionGas, settleSeconds, fallbackWindowSeconds, now } =
      this.#options;
    const latest = head()?.latest;
    const gas = worstGasLimit(request);
    if (gas > maxTransactionGas) return { kind: "never", reason: "gas-above-limit" };
    // Blocks may become larger, and one header is one server's word. Zero is that of chains without a limit.
    const { gasLimit = 0 } = latest ?? {};
    if (gasLimit > 0 && gas > gasLimit)
      return { kind: "wait", seconds: GAS_SECONDS, reason: "gas-above-limit" };
    const time = Math.max(latest?.timestamp ?? 0, Math.floor(now() / 1_000));
    const left = Number(request.deadline) - time;
    if (left < Math.max(settleSeconds, fallbackWindowSeconds))
      return { kind: "wait", seconds: Math.max(1, left + 1), reason: "deadline-near" };
    if (isDisputed()) return { kind: "wait", seconds: DISPUTE_SECONDS, reason: "chain-disputed" };
    return hasFunds() ? undefined : { kind: "wait", seconds: FUNDS_SECONDS, reason: "funds-low" };
  }

  async #onChain(call: PreflightCall): Promise<PreflightResult> {
    const { reads, coordinator, settleSeconds, now } = this.#options;
    const { open, request, sessions, outOfTurn } = call;
    // Those that will be asked, if nothing is wrong with them; the others are looked at where something is.
    const first = sessions.slice(0, request.threshold);
    const [pending, members] = await Promise.all([
      readPendingRequest(reads, coordinator, open.requestId, outOfTurn ? "pending" : "latest"),
      this.#members(call, first),
    ]);
    if (pending === undefined) return { kind: "wait", seconds: SETTLED_SECONDS, reason: "settled" };
    if (pending.requestBlock !== open.blockNumber) {
      // Its answer would be bound to a block that the contract refuses.
      return { kind: "wait", seconds: BLOCK_CHANGED_SECONDS, reason: "block-changed" };
    }
    if (pending.cancelAt !== 0 && pending.cancelAt <= Math.floor(now() / 1_000) + settleSeconds)
      return { kind: "wait", seconds: SETTLED_SECONDS, reason: "cancelled" };
    const isEnough = request.threshold === 1 && members.length === 1;
    const all = isEnough
      ? members
      : [...members, ...(await this.#members(call, sessions.slice(request.threshold)))];
    return all.length === 0
      ? { kind: "wait", seconds: NOT_ADMITTED_SECONDS, reason: "not-admitted" }
      : { kind: "ask", members: all };
  }

  async #members(
    { request: { policyId, requestedAt } }: PreflightCall,
    sessions: readonly EnclaveSession[],
  ): Promise<Member[]> {
    const { reads, registry } = this.#options;
    const asked = { policyId, requestedAt };
    const found = await Promise.all(
      sessions.map(async (session): Promise<Member[]> => {
        const { keysetId, attestation } = session;
        const candidate = { keysetId, signer: attestation.keyset.answerKey };
        const membership = await readMembership(reads, registry, asked, candidate);
        return membership === undefined ? [] : [{ session, membership }];
      }),
    );
    return found.flat();
  }
}
