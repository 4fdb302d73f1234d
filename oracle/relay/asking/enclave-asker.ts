import { answerDigest, answerStatusName, answerStructHash, settlesLate } from "../../../protocol/answer.ts";
import { fromHex, type Hex } from "../../../protocol/bytes.ts";
import { onChainDomain } from "../../../protocol/domain.ts";
import type { SignedAnswer } from "../../../protocol/enclave-api.ts";
import { AdytonError, EvidenceError, InputError } from "../../../protocol/errors.ts";
import { quorumLeafDigest, quorumLeafOf } from "../../../protocol/quorum-leaf.ts";
import type { EndorsementsJson } from "../../../protocol/receipt.ts";
import type { Request } from "../../../protocol/request.ts";
import type { StateBlock } from "../../../protocol/state-block.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { isSignedBy } from "../../chain/signing/secp256k1.ts";
import type { EnclaveSession } from "../../enclaves/enclave-session.ts";
import { type EnclaveSet, isSessionFailure } from "../../enclaves/enclave-set.ts";
import type { Logger } from "../../log.ts";
import type { AnswerRecord, OpenRequest } from "../../store/answers.ts";
import { toStoredReceipt } from "../../store/receipts.ts";
import type { SpanSink } from "../../telemetry/request-span.ts";
import { toStateBlockJson } from "./state-block.ts";

export interface EnclaveAskerOptions {
  readonly enclaves: EnclaveSet;
  readonly log: Logger;
  /** The endorsements for receipts of an enclave that brings none. */
  readonly endorse: (evidence: Hex) => Promise<EndorsementsJson>;
  readonly spans: SpanSink;
  /** Names the request's trace to the enclave's side; absent where traces go nowhere. */
  readonly traceparent?: ((requestId: Hex) => string) | undefined;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface Question {
  readonly open: OpenRequest;
  readonly request: Request;
  /** The block that the answer is to be bound to. */
  readonly stateBlock: StateBlock;
  /** Seconds before the deadline in which alone some statuses settle. */
  readonly fallbackWindowSeconds: number;
}

/** Asks one enclave one question. Writes nothing. */
export class EnclaveAsker {
  readonly #options: EnclaveAskerOptions;

  constructor(options: EnclaveAskerOptions) {
    this.#options = options;
  }

  /**
   * The enclave's signed answer, with its receipt; or its refusal for good.
   *
   * @throws {UpstreamError} ENCLAVE_UNAVAILABLE, {EvidenceError} for an answer that is not its own; the session is dropped
   */
  async ask(session: EnclaveSession, question: Question, signal: AbortSignal): Promise<AnswerRecord> {
    const { enclaves, log, now, traceparent } = this.#options;
    const { open, request, stateBlock } = question;
    const { chainId, requestId } = open;
    const started = now();
    try {
      log.debug("step.asking", { chainId, requestId });
      // The stored request is already in the protocol's JSON form.
      const signed = await session.client.answer(
        `{"request":${open.request},"payload":"${open.payload}","stateBlock":${toStateBlockJson(stateBlock)}}`,
        signal,
        traceparent?.(requestId),
      );
      checkAnswer(session, request, requestId, signed);
      log.debug("step.answered", { chainId, requestId });
      this.#record(session, open, started, answerStatusName(signed.answer.status) ?? "unknown");
      log.info("answer.received", { chainId, requestId, status: signed.answer.status, ms: now() - started });
      return await this.#toRecord(session, question, signed);
    } catch (error) {
      this.#record(session, open, started, error instanceof AdytonError ? String(error.code) : "unknown");
      if (error instanceof InputError) {
        log.warn("answer.refused", { chainId, requestId, error });
        return { kind: "refused", chainId, requestId, code: error.code, refusedAt: now() };
      }
      if (isSessionFailure(error)) enclaves.drop(session, error);
      throw error;
    }
  }

  #record(
    { keysetId }: EnclaveSession,
    { chainId, requestId }: OpenRequest,
    startMs: number,
    outcome: string,
  ): void {
    const { spans, now } = this.#options;
    const attributes = { "adyton.keyset_id": keysetId };
    spans.record({ name: "enclave.answer", requestId, chainId, startMs, endMs: now(), outcome, attributes });
  }

  async #toRecord(
    session: EnclaveSession,
    { open, request, fallbackWindowSeconds }: Question,
    signed: SignedAnswer,
  ): Promise<AnswerRecord> {
    const { endorse, now } = this.#options;
    const { chainId, requestId } = open;
    const { answer, signature, output, transcript, bodies, evidence, endorsements } = signed;
    const { stateBlock, quorumLeaf } = signed;
    const { keyset } = session.attestation;
    const receipt = toStoredReceipt({
      version: 2,
      domain: onChainDomain(request.chainId, request.coordinator),
      request,
      payload: open.payload,
      stateBlock,
      answer,
      signature,
      output,
      transcript,
      bodies,
      keyset,
      evidence,
      endorsements: endorsements ?? (await endorse(evidence.bytes)),
    });
    const notBefore = settlesLate(answer.status) ? Number(request.deadline) - fallbackWindowSeconds : 0;
    return {
      kind: "answered",
      chainId,
      requestId,
      keysetId: session.keysetId,
      answer,
      signature,
      output,
      stateBlock,
      leafSignature: quorumLeaf?.signature ?? null,
      notBefore,
      receipt,
      recordedAt: now(),
    };
  }
}

/**
 * An answer that the contract would refuse is not worth a transaction.
 *
 * @throws {EvidenceError} the enclave's reply is not its own answer to this request
 */
function checkAnswer(session: EnclaveSession, request: Request, requestId: Hex, signed: SignedAnswer): void {
  const { answer, signature, output, stateBlock } = signed;
  const domain = onChainDomain(request.chainId, request.coordinator);
  const isSigned = (digest: Hex, by: Hex): boolean =>
    isSignedBy(session.attestation.keyset.answerKey, digest, by);
  if (
    answer.requestId !== requestId ||
    answer.keysetId !== session.keysetId ||
    answer.outputHash !== keccak(fromHex(output)) ||
    answer.stateBlockHash !== stateBlock.hash ||
    !isSigned(answerDigest(domain, answer), signature) ||
    !isLeafOf(request, signed, (leafSignature) =>
      isSigned(quorumLeafDigest(domain, quorumLeafOf(answer)), leafSignature),
    )
  ) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the enclave's answer is not signed by its keyset for this request and output",
      details: { requestId, keysetId: session.keysetId },
    });
  }
}

/** A quorum's member signs its leaf too; nobody else does. */
function isLeafOf(
  { threshold }: Request,
  { answer, quorumLeaf }: SignedAnswer,
  isSigned: (signature: Hex) => boolean,
): boolean {
  if (threshold === 1) return quorumLeaf === null;
  return (
    quorumLeaf !== null && quorumLeaf.leaf === answerStructHash(answer) && isSigned(quorumLeaf.signature)
  );
}
