/**
 * From a receipt to the chain: the row of a proven ledger that an answer became. The receipt says what was answered, the transition that its
 * enclave wrote that answer under a key, the path that the ledger settled it.
 */

import type { VerifiedReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { AnswerStatus, recoverSigner } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { isOnChain, type OnChainReceipt } from "../../protocol/receipt.ts";
import { answerValue } from "../ledger/answer-value.ts";
import { ledgerKey } from "../ledger/entry.ts";
import { epochRootFrom } from "../ledger/epoch-tree.ts";
import { parseRow, RowKind, type Row } from "../ledger/row.ts";
import type { SettledRow } from "../ledger/settled-rows.ts";
import { isGrumpkinSignature, type GrumpkinPoint } from "./grumpkin.ts";
import {
  ledgerIdOf,
  transitionContext,
  transitionKeyDigest,
  transitionMessage,
  type ProvenLedgerName,
  type SignedTransition,
} from "./transition.ts";

export interface LedgerProof {
  readonly name: ProvenLedgerName;
  /** Under which the consumer asked. */
  readonly localKey: Hex;
  /** The key that the receipt's enclave named for the ledger. */
  readonly transitionKey: GrumpkinPoint & { readonly signature: Hex };
  readonly row: SettledRow;
  /** `rowsRootOf(row.epoch)` of the contract. */
  readonly rowsRoot: Hex;
}

/**
 * Establishes: the receipt's request named this ledger, key and seq before it was answered; the enclave that answered signed this write of its
 * answer; the epoch with `rowsRoot` has that row.
 *
 * Leaves to the caller: that `rowsRoot` is the contract's, that the evidence is acceptable (`appraiseEvidence`), and whether the key was
 * written again since.
 *
 * @param receipt of `verifyReceipt`
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH, EVIDENCE_SIGNATURE_INVALID; `details.check` names the step
 */
export function verifyTransition(
  { receipt }: VerifiedReceipt,
  transition: SignedTransition,
  proof: LedgerProof,
): Row {
  checkAnswer(receipt, transition, proof);
  checkSigned(receipt, transition, proof);
  return checkSettled(transition, proof);
}

function checkAnswer(
  receipt: VerifiedReceipt["receipt"],
  transition: SignedTransition,
  { name, localKey }: LedgerProof,
): asserts receipt is OnChainReceipt {
  check(isOnChain(receipt), "answer", "an answer off chain is written to no ledger");
  const { request, answer, output } = receipt;
  check(answer.status === AnswerStatus.ok, "answer", "nothing was answered");
  check(answer.requestId === transition.link, "link", "the transition answers another request");
  const value = answerValue({ output, outputHash: answer.outputHash });
  check(value === transition.value, "value", "the transition writes something else than the answer");
  const context = transitionContext({ ledger: name.ledger, localKey, seq: transition.seq });
  const isAsked = request.chainId === name.chainId && request.context === context;
  check(isAsked, "request", "the request was for another ledger, key or seq");
  check(transition.key === ledgerKey(request.consumer, localKey), "key", "the key is another account's");
}

function checkSigned(
  { keyset }: VerifiedReceipt["receipt"],
  transition: SignedTransition,
  { name, transitionKey }: LedgerProof,
): void {
  const namedBy = recoverSigner(transitionKeyDigest(name, transitionKey), transitionKey.signature);
  check(namedBy === keyset.answerKey, "transition-key", "the receipt's enclave did not name this key");
  const message = transitionMessage(ledgerIdOf(name), transition);
  const isSigned = transition.signatures.some(
    ({ signer, signature }) =>
      signer.x === transitionKey.x &&
      signer.y === transitionKey.y &&
      isGrumpkinSignature(signer, signature, message),
  );
  check(
    isSigned,
    "signature",
    "the receipt's enclave did not sign this transition",
    "EVIDENCE_SIGNATURE_INVALID",
  );
}

function checkSettled({ key, seq, value }: SignedTransition, { row, rowsRoot }: LedgerProof): Row {
  const settled = parseRow(row.bytes);
  const isSame =
    settled.kind === RowKind.signed && settled.key === key && settled.seq === seq && settled.value === value;
  check(isSame, "row", "the row is not this transition's");
  check(epochRootFrom(row.bytes, row.proof) === rowsRoot, "path", "the epoch has no such row there");
  return settled;
}

function check(
  condition: boolean,
  name: string,
  message: string,
  code: "EVIDENCE_BINDING_MISMATCH" | "EVIDENCE_SIGNATURE_INVALID" = "EVIDENCE_BINDING_MISMATCH",
): asserts condition {
  if (!condition) throw new EvidenceError({ code, message, details: { check: name } });
}
