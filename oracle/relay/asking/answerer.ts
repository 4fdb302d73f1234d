import { fromHex, type Hex } from "../../../protocol/bytes.ts";
import { AdytonError, InputError, UpstreamError } from "../../../protocol/errors.ts";
import { Request } from "../../../protocol/request.ts";
import type { EnclaveSession } from "../../enclaves/enclave-session.ts";
import type { EnclaveSet } from "../../enclaves/enclave-set.ts";
import { readersAmong } from "../../enclaves/readers.ts";
import { Coalesced } from "../../engine/coalesced.ts";
import type { JobOutcome } from "../../engine/job-queue.ts";
import type { Logger } from "../../log.ts";
import type { PayloadSource } from "../../payloads/payload-source.ts";
import { type AnswerRecord, type OpenRequest, readOpenRequests } from "../../store/answers.ts";
import type { Store } from "../../store/store.ts";
import type { AdmittedKeysets } from "./admitted-keysets.ts";
import { assign, type Assignment, inServingOrder, placeOf, turnAt } from "./assignment.ts";
import type { EnclaveAsker } from "./enclave-asker.ts";
import type { AnswerJob } from "../intake/journal.ts";
import { type OfferTerms, refuseOffer } from "../intake/offer.ts";
import type { Member, Preflight, PreflightResult } from "./preflight.ts";
import type { QuorumCollector } from "./quorum-collector.ts";
import type { SharedAsking, SharedTurns } from "./shared-asking.ts";
import { canSettleWith, stateBlockOf } from "./state-block.ts";

export interface AnswererOptions {
  readonly store: Store;
  readonly enclaves: Pick<EnclaveSet, "admitted" | "ownKeysets">;
  readonly asker: Pick<EnclaveAsker, "ask">;
  readonly quorums: Pick<QuorumCollector, "collect">;
  /** Where other operators give answers to the same requests. */
  readonly shared?: Pick<SharedAsking, "untilTurn" | "collect"> | undefined;
  readonly log: Logger;
  readonly payloads: Pick<PayloadSource, "find">;
  readonly admitted: AdmittedKeysets;
  readonly chainOf: (chainId: number) => AnsweredChain | undefined;
  /** Milliseconds. */
  readonly now: () => number;
}

/** The facts about a chain that answering needs. */
export interface AnsweredChain extends OfferTerms {
  /** Seconds before the deadline in which alone some statuses settle, and in which no model is asked any more. */
  readonly fallbackWindowSeconds: number;
  /** Milliseconds that each platform in a request's order has before the next one. */
  readonly turnMs: number;
  /** Seconds from a model's call until its answer is in a block. */
  readonly settleSeconds: number;
  readonly preflight: Pick<Preflight, "check">;
  /** Seconds: of its newest block; `undefined` before one was seen. */
  readonly headTime: () => number | undefined;
}

/** A request that a model may be asked about now. */
interface Permitted {
  readonly chain: AnsweredChain;
  readonly open: OpenRequest;
  readonly request: Request;
  readonly assignment: Assignment;
  readonly members: readonly Member[];
}

/** How long a request waits for an enclave that can take it. */
const NO_ENCLAVE_SECONDS = 1;
/** How long a request waits for what is away now, an RPC server or an enclave: each look is a new job, and a warning. */
const AWAY_SECONDS = { least: 1, most: 15 } as const;
/** How long a request waits for a payload whose server does not answer. */
const PAYLOAD_SECONDS = { least: 2, most: 60 } as const;
/** As long as its readers are away: keysets die with their processes, so that only a lost connection comes back. */
const NO_READER_SECONDS = { least: 5, most: 300 } as const;
/** How long a request waits for the chain's word that its deadline has passed. */
const DEADLINE_SECONDS = { least: 5, most: 60 } as const;
/** How long a request waits for what its chain or this node lacks. Whoever makes it wait must not make the node busy. */
const MOST_WAIT_SECONDS = 60;

/** Finds out whether, when and by which enclave a request is to be answered here. Writes nothing by itself. */
export class Answerer {
  readonly #options: AnswererOptions;
  /** Sealed requests that wait for a keyset that can read them. */
  readonly #unread = new Set<Hex>();

  /** Jobs come in groups: so do the reads of what they are about. */
  readonly #openRequests: Coalesced<AnswerJob, OpenRequest | undefined>;

  constructor(options: AnswererOptions) {
    this.#options = options;
    this.#openRequests = new Coalesced((jobs) => readOpenRequests(options.store, jobs));
  }

  async handle(job: AnswerJob, signal: AbortSignal): Promise<JobOutcome<AnswerRecord>> {
    const { log, now } = this.#options;
    const { chainId, requestId } = job;
    const stored = await this.#openRequests.read({ chainId, requestId });
    if (stored !== undefined && this.#isOverHereAlone(stored))
      return { kind: "later", seconds: this.#untilNextLook(stored, DEADLINE_SECONDS) };
    if (stored === undefined || stored.deadline * 1_000 <= now()) {
      // Dropped by a reorg, settled, answered already, or too late: the refund is the transmitter's.
      this.#unread.delete(requestId);
      return { kind: "done", result: { kind: "nothing" } };
    }
    try {
      return await this.#answer(stored, signal);
    } catch (error) {
      if (error instanceof AdytonError && error.retryable) {
        const seconds = this.#untilNextLook(stored, AWAY_SECONDS);
        log.warn("answer.postponed", { chainId, requestId, seconds, error });
        return { kind: "later", seconds };
      }
      throw error;
    }
  }

  /** A clock that has jumped ahead must not end what the chain has open: the job would not come again. */
  #isOverHereAlone({ chainId, deadline }: OpenRequest): boolean {
    const { now, chainOf } = this.#options;
    return deadline * 1_000 <= now() && (chainOf(chainId)?.headTime() ?? Infinity) <= deadline;
  }

  async #answer(stored: OpenRequest, signal: AbortSignal): Promise<JobOutcome<AnswerRecord>> {
    const { enclaves, admitted, chainOf, log } = this.#options;
    const { chainId, requestId } = stored;
    const request = Request.parse(JSON.parse(stored.request));
    const chain = chainOf(chainId);
    const sessions = enclaves.admitted(chainId, request.policyId);
    if (chain === undefined || sessions.length === 0) {
      log.debug("answer.unserved", { requestId, policyId: request.policyId });
      return { kind: "done", result: { kind: "unserved", chainId, requestId } };
    }
    const found = await this.#withPayload(stored, request, signal);
    if ("kind" in found) return found;
    const { open } = found;
    const refused = refuseOffer(chain, request, open, this.#options);
    if (refused !== undefined) return refused;
    const payload = fromHex(open.payload);
    const readers = readersAmong(sessions, payload);
    if (readers.length === 0) return this.#awaitReader(open);
    this.#unread.delete(requestId);
    const keysets = await admitted.at(chainId, request.policyId, open.blockNumber);
    const assignment = assign(requestId, open.blockNumber, readersAmong(keysets, payload));
    const place = placeOf(assignment, enclaves.ownKeysets);
    const { shared } = this.#options;
    const wait =
      shared === undefined || request.threshold === 1
        ? this.#untilTurn(chain, assignment, place, open)
        : await shared.untilTurn({
            ...turnsOf(chain, open),
            threshold: request.threshold,
            assignment,
            sessions: readers,
          });
    if (wait > 0) return { kind: "later", seconds: wait };

    const inOrder = inServingOrder<EnclaveSession>(assignment, requestId, readers);
    return this.#askAmong(inOrder, { chain, open, request, assignment, outOfTurn: place > 0 }, signal);
  }

  /** One after the other, until an answer can settle the request: what an enclave answered for a block that is gone cannot. */
  async #askAmong(
    sessions: readonly EnclaveSession[],
    permission: Omit<Permitted, "members"> & { readonly outOfTurn: boolean },
    signal: AbortSignal,
  ): Promise<JobOutcome<AnswerRecord>> {
    const { log, now } = this.#options;
    const { chain, open, request, outOfTurn } = permission;
    const { chainId, requestId } = open;
    const checked = await chain.preflight.check({ open, request, sessions, outOfTurn });
    if (checked.kind !== "ask") return this.#decline(open, checked);
    const outcome = await this.#ask({ ...permission, members: checked.members }, signal);
    if (!("ofAnotherBlock" in outcome)) return outcome;
    const others = sessions.filter(({ keysetId }) => keysetId !== outcome.ofAnotherBlock);
    if (others.length > 0) return this.#askAmong(others, permission, signal);
    log.warn("answer.refused", {
      chainId,
      requestId,
      reason: "every enclave answered for a block that is gone",
    });
    return {
      kind: "done",
      result: { kind: "refused", chainId, requestId, code: "CHAIN_REORGED", refusedAt: now() },
    };
  }

  async #ask(
    { chain, open, request, assignment, members }: Permitted,
    signal: AbortSignal,
  ): Promise<JobOutcome<AnswerRecord> | { readonly ofAnotherBlock: Hex }> {
    const { asker, quorums, shared, store, log } = this.#options;
    const { fallbackWindowSeconds } = chain;
    const question = { open, request, stateBlock: stateBlockOf(open), fallbackWindowSeconds };
    const { threshold } = request;
    if (threshold > 1) {
      const call = { question, members, assignment, patienceMs: chain.turnMs };
      const sessions = members.map(({ session }) => session);
      return shared === undefined
        ? quorums.collect(call, signal)
        : shared.collect(call, { ...turnsOf(chain, open), threshold, assignment, sessions }, signal);
    }
    const [first] = members;
    if (first === undefined) return { kind: "later", seconds: NO_ENCLAVE_SECONDS };
    const result = await asker.ask(first.session, question, signal);
    if (result.kind !== "answered" || (await canSettleWith(store, open, result.stateBlock)))
      return { kind: "done", result };
    const { chainId, requestId } = open;
    const { keysetId } = first.session;
    log.warn("answer.of-another-block", {
      chainId,
      requestId,
      keysetId,
      block: Number(result.stateBlock.number),
    });
    return { ofAnotherBlock: keysetId };
  }

  #decline(open: OpenRequest, declined: Exclude<PreflightResult, { kind: "ask" }>): JobOutcome<AnswerRecord> {
    const { log, now } = this.#options;
    const { chainId, requestId } = open;
    if (declined.kind === "wait") {
      const { reason, seconds: least } = declined;
      log.debug("answer.not-asked", { chainId, requestId, reason });
      const most = Math.max(least, MOST_WAIT_SECONDS);
      // Requests that end with the deadline are looked at then, and not before.
      const seconds = reason === "deadline-near" ? least : this.#untilNextLook(open, { least, most });
      return { kind: "later", seconds };
    }
    log.warn("answer.refused", { chainId, requestId, reason: declined.reason });
    return {
      kind: "done",
      result: { kind: "refused", chainId, requestId, code: "INPUT_TOO_LARGE", refusedAt: now() },
    };
  }

  /** The request with its payload, wherever that is; or what becomes of it without. */
  async #withPayload(
    stored: OpenRequest,
    request: Request,
    signal: AbortSignal,
  ): Promise<{ readonly open: OpenRequest } | JobOutcome<AnswerRecord>> {
    const { payloads, log, now } = this.#options;
    const { chainId, requestId } = stored;
    try {
      return { open: { ...stored, payload: await payloads.find(stored, request, signal) } };
    } catch (error) {
      if (error instanceof InputError) {
        log.warn("answer.refused", { chainId, requestId, error });
        const refusal = { kind: "refused", chainId, requestId, code: error.code, refusedAt: now() } as const;
        return { kind: "done", result: refusal };
      }
      if (error instanceof UpstreamError) {
        const seconds = this.#untilNextLook(stored, PAYLOAD_SECONDS);
        log.info("answer.no-payload", { chainId, requestId, seconds, error });
        return { kind: "later", seconds };
      }
      throw error;
    }
  }

  /** Ever less often, the longer the request waits, until the deadline brings the refund. */
  #untilNextLook(
    { releasedAt }: OpenRequest,
    { least, most }: { readonly least: number; readonly most: number },
  ): number {
    const age = (this.#options.now() - releasedAt) / 1_000;
    return Math.ceil(Math.min(most, Math.max(least, age / 4)));
  }

  /** Nobody else is asked: it would sign "invalid request" to a question that is valid. It may end in a refund. */
  #awaitReader(open: OpenRequest): JobOutcome<AnswerRecord> {
    const { chainId, requestId, deadline } = open;
    const { log } = this.#options;
    // Said once: it is looked at again every few seconds.
    if (this.#unread.has(requestId)) log.debug("answer.no-reader", { chainId, requestId });
    else log.warn("answer.no-reader", { chainId, requestId, deadline, refund: "after the deadline" });
    this.#unread.add(requestId);
    return { kind: "later", seconds: this.#untilNextLook(open, NO_READER_SECONDS) };
  }

  /** Seconds until this node's turn; 0 when it has come. */
  #untilTurn(
    chain: AnsweredChain,
    assignment: Assignment,
    place: number,
    { chainId, requestId, releasedAt, deadline }: OpenRequest,
  ): number {
    const { log, now } = this.#options;
    const at = turnAt(assignment, place, turnsOf(chain, { chainId, requestId, releasedAt, deadline }));
    const waitMs = at - now();
    if (waitMs <= 0) return 0;
    log.debug("answer.standing-by", { chainId, requestId, place, waitMs });
    return Math.ceil(waitMs / 1_000);
  }
}

/** From a request's confirmations until it is too late to ask. */
function turnsOf(
  { settleSeconds, fallbackWindowSeconds, turnMs }: AnsweredChain,
  {
    chainId,
    requestId,
    releasedAt,
    deadline,
  }: Pick<OpenRequest, "chainId" | "requestId" | "releasedAt" | "deadline">,
): Pick<SharedTurns, "chainId" | "requestId" | "from" | "until" | "window"> {
  const until = (deadline - Math.max(settleSeconds, fallbackWindowSeconds)) * 1_000;
  return { chainId, requestId, from: releasedAt, until, window: turnMs };
}
