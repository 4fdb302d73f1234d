/** Entries of ledgers (docs/reference/ledger.md), which are answered as requests of coordinators are. */

import { appendEntry, ledgerRequestId, type LedgerName } from "../../coprocessor/ledger/entry.ts";
import type { LedgerAnswerCall } from "../../coprocessor/snapshots/ledger-answer-call.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { onChainDomain } from "../../protocol/domain.ts";
import { InputError } from "../../protocol/errors.ts";
import { MAX_LIFETIME_SECONDS, MAX_OUTPUT_BYTES } from "../../protocol/limits.ts";
import { payloadHash } from "../../protocol/payload.ts";
import type { Operator } from "../configuration/operator.ts";
import { checkPayloadSize, type CheckedCall } from "./check-call.ts";

/**
 * As `checkCall`. Key, position and payload are in the entry, and the entry in the requestId: the answer fits no other place and no
 * other history. A host that names another history, or a block of its own, gets an answer that no contract takes.
 *
 * @throws {InputError} INPUT_INVALID, INPUT_TOO_LARGE
 */
export function checkLedgerCall(call: LedgerAnswerCall, operator: Operator["public"]): CheckedCall {
  const { ledger, closing, stateBlock } = call;
  const payload = fromHex(call.payload);
  checkPayloadSize(payload);
  checkServed(ledger, operator);
  if (stateBlock.number !== closing.blockNumber) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the state block is not the checkpoint's: the ledger would refuse the answer",
      details: { checkpoint: closing.blockNumber.toString(), stateBlock: stateBlock.number.toString() },
    });
  }
  const hash = payloadHash(payload);
  const entry = appendEntry(call.previous, call.key, hash);
  return {
    domain: onChainDomain(ledger.chainId, ledger.ledger),
    requestId: ledgerRequestId(ledger, { checkpoint: closing, position: call.position, entry }),
    payload,
    // The rows are public, and so are their questions.
    sealedContext: null,
    payer: null,
    payloadHash: hash,
    context: call.key,
    stateBlock,
    quorum: null,
    requestedAt: closing.recordedAt,
    fee: ledger.terms.price,
    maxOutputBytes: Math.min(ledger.terms.maxOutputBytes, MAX_OUTPUT_BYTES),
    deadline: closing.recordedAt + BigInt(Math.min(ledger.terms.exitWindowSeconds, MAX_LIFETIME_SECONDS)),
    trigger: "request",
    event: null,
  };
}

/** Ledgers are listed where coordinators are. @throws {InputError} INPUT_INVALID */
export function checkServed(
  { chainId, ledger }: Pick<LedgerName, "chainId" | "ledger">,
  { coordinators }: Operator["public"],
): void {
  if (coordinators.some((served) => served.chainId === chainId && served.coordinator === ledger)) return;
  throw new InputError({
    code: "INPUT_INVALID",
    message: "this enclave's operator does not serve that ledger on that chain",
    details: { chainId: chainId.toString(), ledger },
  });
}
