import { answerDigest, isHostCausable, recoverSigner } from "../../protocol/answer.ts";
import { fromHex, fromUtf8 } from "../../protocol/bytes.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { onChainDomain } from "../../protocol/domain.ts";
import type { SignedAnswer } from "../../protocol/enclave-api.ts";
import { AdytonError, EvidenceError, InputError } from "../../protocol/errors.ts";
import { encodeReceipt } from "../../protocol/receipt.ts";
import type { EndorsementsJson } from "../../protocol/receipt.ts";
import { Request } from "../../protocol/request.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { EnclaveSession } from "../enclaves/enclave-session.ts";
import { isSessionFailure } from "../enclaves/enclave-set.ts";
import type { EnclaveSet } from "../enclaves/enclave-set.ts";
import { readersAmong } from "../enclaves/readers.ts";
import type { JobOutcome } from "../engine/job-queue.ts";
import type { Logger } from "../log.ts";
import type { AnswerRecord, OpenRequest } from "../store/answers.ts";
import { readOpenRequest } from "../store/answers.ts";
import type { Store } from "../store/store.ts";
import type { AnswerJob } from "./journal.ts";

export interface AnswererOptions {
  readonly store: Store;
  readonly enclaves: EnclaveSet;
  readonly log: Logger;
  /** What evidence is judged with, for the receipts of an enclave that brings no endorsements. */
  readonly endorse: (evidence: Hex) => Promise<EndorsementsJson>;
  /** Seconds that a host-causable status waits after the request's block, by chain. */
  readonly fallbackWindowSeconds: (chainId: number) => number;
  /** Milliseconds. */
  readonly now: () => number;
}

/** How long a request waits for an enclave that can take it. */
const NO_ENCLAVE_SECONDS = 1;
/** As long as its readers are away: keysets die with their processes, so that only a lost connection comes back. */
const NO_READER_SECONDS = 5;

/** Asks an enclave about one request, and records what it said or that it refused. Writes nothing by itself. */
export class Answerer {
  readonly #options: AnswererOptions;
  /** Sealed requests that wait for a keyset that can read them. */
  readonly #unread = new Set<Hex>();

  constructor(options: AnswererOptions) {
    this.#options = options;
  }

  async handle(job: AnswerJob, signal: AbortSignal): Promise<JobOutcome<AnswerRecord>> {
    const { store, log, now } = this.#options;
    const open = await readOpenRequest(store, job.chainId, job.requestId);
    if (open === undefined || open.deadline * 1_000 <= now()) {
      // Dropped by a reorg, settled, answered already, or too late: the refund is the transmitter's.
      this.#unread.delete(job.requestId);
      return { kind: "done", result: { kind: "nothing" } };
    }
    const request = Request.parse(JSON.parse(open.request));
    if (request.threshold !== 1) {
      // One answer cannot settle it: a model call would be paid for and never repaid. It ends in a refund.
      log.warn("answer.unsupported", { requestId: job.requestId, threshold: request.threshold });
      const { chainId, requestId } = job;
      return {
        kind: "done",
        result: { kind: "refused", chainId, requestId, code: "QUORUM_NOT_REACHED", refusedAt: now() },
      };
    }
    const candidates = this.#options.enclaves.candidates(job.chainId, request.policyId, job.requestId);
    const [session] = readersAmong(candidates, fromHex(open.payload));
    if (session === undefined) {
      return candidates.length > 0 ? this.#awaitReader(open) : this.#awaitEnclave(job.requestId, request);
    }
    this.#unread.delete(job.requestId);
    return this.#ask(session, open, request, signal);
  }

  #awaitEnclave(requestId: Hex, { policyId }: Request): JobOutcome<AnswerRecord> {
    this.#options.log.debug("answer.waiting", { requestId, policyId });
    return { kind: "later", seconds: NO_ENCLAVE_SECONDS };
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

  async #ask(
    session: EnclaveSession,
    open: OpenRequest,
    request: Request,
    signal: AbortSignal,
  ): Promise<JobOutcome<AnswerRecord>> {
    const { enclaves, log, now } = this.#options;
    const { chainId, requestId } = open;
    try {
      const started = now();
      log.debug("step.asking", { chainId, requestId });
      // The stored request is already in the protocol's JSON form.
      const signed = await session.client.answer(
        `{"request":${open.request},"payload":"${open.payload}"}`,
        signal,
      );
      checkAnswer(session, request, requestId, signed);
      log.info("answer.received", { chainId, requestId, status: signed.answer.status, ms: now() - started });
      return { kind: "done", result: await this.#toRecord(session, open, request, signed) };
    } catch (error) {
      if (error instanceof InputError) {
        log.warn("answer.refused", { chainId, requestId, error });
        return {
          kind: "done",
          result: { kind: "refused", chainId, requestId, code: error.code, refusedAt: now() },
        };
      }
      if (isSessionFailure(error)) {
        enclaves.drop(session, error);
      }
      if (error instanceof AdytonError && error.retryable) {
        log.warn("answer.postponed", { chainId, requestId, error });
        return { kind: "later", seconds: NO_ENCLAVE_SECONDS };
      }
      throw error;
    }
  }

  async #toRecord(
    session: EnclaveSession,
    open: OpenRequest,
    request: Request,
    signed: SignedAnswer,
  ): Promise<AnswerRecord> {
    const { endorse, fallbackWindowSeconds, now } = this.#options;
    const { chainId, requestId } = open;
    const { answer, signature, output, transcript, bodies, evidence, endorsements } = signed;
    const { keyset } = session.attestation;
    const receipt = encodeReceipt({
      version: 1,
      domain: onChainDomain(request.chainId, request.coordinator),
      request,
      payload: open.payload,
      answer,
      signature,
      output,
      transcript,
      bodies,
      keyset,
      evidence,
      endorsements: endorsements ?? (await endorse(evidence.bytes)),
    });
    // One second later than the contract needs: the next block may carry the very second of the window's end.
    const notBefore = isHostCausable(answer.status) ? open.blockTime + fallbackWindowSeconds(chainId) + 1 : 0;
    return {
      kind: "answered",
      chainId,
      requestId,
      keysetId: session.keysetId,
      answer,
      signature,
      output,
      notBefore,
      receipt: fromUtf8(receipt),
      recordedAt: now(),
    };
  }
}

/**
 * What the contract would refuse is not worth a transaction.
 *
 * @throws {EvidenceError} the enclave's reply is not its own answer to this request
 */
function checkAnswer(session: EnclaveSession, request: Request, requestId: Hex, signed: SignedAnswer): void {
  const { answer, signature, output } = signed;
  const digest = answerDigest(onChainDomain(request.chainId, request.coordinator), answer);
  if (
    answer.requestId !== requestId ||
    answer.keysetId !== session.keysetId ||
    answer.outputHash !== keccak(fromHex(output)) ||
    recoverSigner(digest, signature) !== session.attestation.keyset.answerKey
  ) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the enclave's answer is not signed by its keyset for this request and output",
      details: { requestId, keysetId: session.keysetId },
    });
  }
}
