import { fromHex } from "../../protocol/bytes.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { Request } from "../../protocol/request.ts";
import type { EnclaveSession } from "../enclaves/enclave-session.ts";
import type { EnclaveSet } from "../enclaves/enclave-set.ts";
import { readersAmong } from "../enclaves/readers.ts";
import { Coalesced } from "../engine/coalesced.ts";
import type { JobOutcome } from "../engine/job-queue.ts";
import type { Logger } from "../log.ts";
import type { AnswerRecord, OpenRequest } from "../store/answers.ts";
import { readOpenRequests } from "../store/answers.ts";
import type { Store } from "../store/store.ts";
import type { AdmittedKeysets } from "./admitted-keysets.ts";
import type { Assignment } from "./assignment.ts";
import { assign, inServingOrder, placeOf, turnAt } from "./assignment.ts";
import type { EnclaveAsker } from "./enclave-asker.ts";
import type { AnswerJob } from "./journal.ts";
import { refuseOffer } from "./offer.ts";
import type { OfferTerms } from "./offer.ts";

export interface AnswererOptions {
  readonly store: Store;
  readonly enclaves: EnclaveSet;
  readonly asker: EnclaveAsker;
  readonly log: Logger;
  readonly admitted: AdmittedKeysets;
  readonly chainOf: (chainId: number) => AnsweredChain | undefined;
  /** Milliseconds. */
  readonly now: () => number;
}

/** What answering needs to know of a chain. */
export interface AnsweredChain extends OfferTerms {
  /** Seconds that a host-causable status waits after the request's block. */
  readonly fallbackWindowSeconds: number;
  /** Milliseconds that each platform in a request's order has before the next one. */
  readonly turnMs: number;
  /** Whether a request is open on chain now. */
  readonly isOpen: (requestId: Hex, tag: "latest" | "pending") => Promise<boolean>;
}

/** How long a request waits for an enclave that can take it. */
const NO_ENCLAVE_SECONDS = 1;
/** As long as its readers are away: keysets die with their processes, so that only a lost connection comes back. */
const NO_READER_SECONDS = 5;
/** How long a request rests that the chain says is settled: its event, or the reorg that undoes it, comes by then. */
const SETTLED_SECONDS = 15;

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
    try {
      return await this.#answer(job, signal);
    } catch (error) {
      if (error instanceof AdytonError && error.retryable) {
        this.#options.log.warn("answer.postponed", { ...job, error });
        return { kind: "later", seconds: NO_ENCLAVE_SECONDS };
      }
      throw error;
    }
  }

  async #answer(job: AnswerJob, signal: AbortSignal): Promise<JobOutcome<AnswerRecord>> {
    const { enclaves, asker, admitted, chainOf, log, now } = this.#options;
    const { chainId, requestId } = job;
    const open = await this.#openRequests.read({ chainId, requestId });
    if (open === undefined || open.deadline * 1_000 <= now()) {
      // Dropped by a reorg, settled, answered already, or too late: the refund is the transmitter's.
      this.#unread.delete(requestId);
      return { kind: "done", result: { kind: "nothing" } };
    }
    const request = Request.parse(JSON.parse(open.request));
    if (request.threshold !== 1) {
      // One answer cannot settle it: a model call would be paid for and never repaid. It ends in a refund.
      log.warn("answer.unsupported", { requestId, threshold: request.threshold });
      return {
        kind: "done",
        result: { kind: "refused", chainId, requestId, code: "QUORUM_NOT_REACHED", refusedAt: now() },
      };
    }
    const chain = chainOf(chainId);
    const sessions = enclaves.admitted(chainId, request.policyId);
    if (chain === undefined || sessions.length === 0) {
      log.debug("answer.waiting", { requestId, policyId: request.policyId });
      return { kind: "later", seconds: NO_ENCLAVE_SECONDS };
    }
    const refused = refuseOffer(chain, request, open, this.#options);
    if (refused !== undefined) {
      return refused;
    }
    const payload = fromHex(open.payload);
    const readers = readersAmong(sessions, payload);
    if (readers.length === 0) {
      return this.#awaitReader(open);
    }
    this.#unread.delete(requestId);
    const keysets = await admitted.at(chainId, request.policyId, open.blockNumber);
    const assignment = assign(requestId, open.blockNumber, readersAmong(keysets, payload));
    const wait = await this.#standBy(chain, assignment, open);
    if (wait !== undefined) {
      return { kind: "later", seconds: wait };
    }
    const [session] = inServingOrder<EnclaveSession>(assignment, requestId, readers);
    if (session === undefined) {
      return { kind: "later", seconds: NO_ENCLAVE_SECONDS };
    }
    const { fallbackWindowSeconds } = chain;
    return {
      kind: "done",
      result: await asker.ask(session, { open, request, fallbackWindowSeconds }, signal),
    };
  }

  /** Nobody else is asked: it would sign "invalid request" to a question that is valid. It may end in a refund. */
  #awaitReader({ chainId, requestId, deadline }: OpenRequest): JobOutcome<AnswerRecord> {
    const { log } = this.#options;
    // Said once: it is looked at again every few seconds.
    if (this.#unread.has(requestId)) log.debug("answer.no-reader", { chainId, requestId });
    else log.warn("answer.no-reader", { chainId, requestId, deadline, refund: "after the deadline" });
    this.#unread.add(requestId);
    return { kind: "later", seconds: NO_READER_SECONDS };
  }

  /**
   * Seconds for which this node asks nobody: it is another's turn, or an answer is on its way or there; `undefined` when it
   * is to ask now.
   */
  async #standBy(
    chain: AnsweredChain,
    assignment: Assignment,
    { chainId, requestId, releasedAt, deadline }: OpenRequest,
  ): Promise<number | undefined> {
    const { enclaves, log, now } = this.#options;
    const place = placeOf(assignment, enclaves.ownKeysets);
    const at = turnAt(assignment, place, { from: releasedAt, until: deadline * 1_000, window: chain.turnMs });
    if (at > now()) {
      log.debug("answer.standing-by", { chainId, requestId, place, waitMs: at - now() });
      return Math.ceil((at - now()) / 1_000);
    }
    // Whoever comes after others looks at what waits in the mempool too.
    if (await chain.isOpen(requestId, place === 0 ? "latest" : "pending")) {
      return undefined;
    }
    log.debug("answer.settled-elsewhere", { chainId, requestId, place });
    return SETTLED_SECONDS;
  }
}
