/** What an enclave signed for a run of an account: held to what was asked for, and put into the forms that it is sent and kept in. */

import { answerDigest, recoverSigner } from "../../protocol/answer.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { agentDomain, offChainDomain, type Domain } from "../../protocol/domain.ts";
import type { SignedAnswer } from "../../protocol/enclave-api.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { keysetId, type Keyset } from "../../protocol/keyset.ts";
import { encodeReceipt, type EndorsementsJson } from "../../protocol/receipt.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { AccountRun } from "../../runtime/agents/account-run.ts";
import type { ProvenEvent } from "../../runtime/agents/event-run.ts";
import type { ClaimedRun, SubmittedRun } from "../chain/contracts/agent-account.ts";

/**
 * A run that the account would refuse is not worth a transaction.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH, EVIDENCE_SIGNATURE_INVALID
 */
export function checkSignedRun(run: AccountRun, signed: SignedAnswer, keyset: Keyset): void {
  checkSigned(agentDomain(run.run.chainId, run.run.account), run, signed, keyset);
}

/** The same for a run for a log. @throws as `checkSignedRun` */
export function checkSignedEvent(event: ProvenEvent, signed: SignedAnswer, keyset: Keyset): void {
  checkSigned(offChainDomain(), event, signed, keyset);
}

function checkSigned(
  domain: Domain,
  { requestId, stateBlock }: Pick<AccountRun, "requestId" | "stateBlock">,
  { answer, signature, output }: SignedAnswer,
  keyset: Keyset,
): void {
  const signer = recoverSigner(answerDigest(domain, answer), signature);
  if (
    answer.requestId === requestId &&
    answer.keysetId === keysetId(keyset) &&
    answer.outputHash === keccak(fromHex(output)) &&
    answer.stateBlockHash === stateBlock.hash &&
    signer === keyset.answerKey
  )
    return;
  throw new EvidenceError({
    code: "EVIDENCE_BINDING_MISMATCH",
    message: "the enclave's answer is not signed by its keyset for this run and output",
    details: { requestId, keysetId: answer.keysetId },
  });
}

export function toSubmittedRun(
  { run, stateBlock }: AccountRun,
  { answer, output, signature }: SignedAnswer,
): SubmittedRun {
  const { answeredAt, transcriptRoot, keysetId: id } = answer;
  return {
    nonce: run.nonce,
    stateBlockNumber: stateBlock.number,
    answeredAt,
    transcriptRoot,
    keysetId: id,
    output,
    signature,
  };
}

export function toClaimedRun(
  { run, stateBlock }: AccountRun,
  { answer, signature }: SignedAnswer,
): ClaimedRun {
  const { status, answeredAt, transcriptRoot } = answer;
  return {
    nonce: run.nonce,
    stateBlockNumber: stateBlock.number,
    answeredAt,
    status,
    transcriptRoot,
    signature,
  };
}

/** The receipt's bytes of a run for a log. */
export function toEventReceipt(
  { run, payload }: ProvenEvent,
  signed: SignedAnswer,
  keyset: Keyset,
): Uint8Array<ArrayBuffer> {
  const asked = { domain: offChainDomain(), request: run, payload: toHex(payload) };
  return encodeReceipt({ version: 2, ...asked, ...answeredBy(keyset, signed, {}) });
}

/** The receipt's bytes. @param endorsements of an enclave that brings none */
export function toRunReceipt(
  { run, payload }: AccountRun,
  signed: SignedAnswer,
  keyset: Keyset,
  endorsements: EndorsementsJson = {},
): Uint8Array<ArrayBuffer> {
  const asked = { domain: agentDomain(run.chainId, run.account), request: run, payload: toHex(payload) };
  return encodeReceipt({ version: 2, ...asked, ...answeredBy(keyset, signed, endorsements) });
}

/** What a receipt has of the enclave's reply, whatever was asked. */
function answeredBy(keyset: Keyset, signed: SignedAnswer, endorsements: EndorsementsJson) {
  const { answer, signature, output, transcript, bodies, evidence, stateBlock } = signed;
  return {
    stateBlock,
    answer,
    signature,
    output,
    transcript,
    bodies,
    keyset,
    evidence,
    endorsements: signed.endorsements ?? endorsements,
  };
}
