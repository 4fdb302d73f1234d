/** The verdict of a receipt or of evidence, with our words apart from those of the file. */

import { looksLikeReceipt } from "../../attestation/receipt/looks-like-receipt.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { parseReceipt } from "../../protocol/receipt.ts";
import { viewEvents, viewReceipt, EVENTS_AT_ONCE } from "../../attestation/verdict/receipt-view.ts";
import { verifyEvidenceCommand } from "../verify/evidence-command.ts";
import { readPolicy } from "../verify/evidence-options.ts";
import { verifyReceiptFile } from "../verify/receipt.ts";
import type { VerifyOutcome } from "../verify/report.ts";

/** What the flags of `adyton mcp` say, and no tool can. */
export interface Trust {
  readonly policy?: string;
  readonly endorsements?: string;
}

export async function judgeText(text: string, trust: Trust, time?: string): Promise<VerifyOutcome> {
  const bytes = toUtf8(text);
  if (looksLikeReceipt(bytes)) {
    const policy = trust.policy === undefined ? null : await readPolicy(trust.policy);
    return await verifyReceiptFile(bytes, { policy, further: null });
  }
  const options = time === undefined ? trust : { ...trust, time };
  return await verifyEvidenceCommand({ name: "the text", bytes: new Uint8Array(bytes) }, options);
}

const DOES_NOT_ESTABLISH = [
  "that the answer is true",
  "which model weights produced it: only which server answered, on the enclave's word",
  "what the measured program does: somebody must rebuild it from its source",
] as const;

/** Names of checks are ours, except where a document's own paths stand before them. */
export function toVerdict({ report, exitCode }: VerifyOutcome, hasPolicy: boolean) {
  const isOne = report.pieces.length <= 1;
  return {
    headline: report.headline,
    exitStatus: exitCode,
    genuine: report.verified,
    accepted: report.appraised,
    policy: hasPolicy ? ("the operator's of this server, by --policy" as const) : ("none given" as const),
    code: report.error?.code ?? null,
    checks: isOne ? report.checks.map(({ name, state }) => ({ name, state })) : [],
    doesNotEstablish: DOES_NOT_ESTABLISH,
  };
}

/** The same, as the file has it. */
export function toDetails({ report }: VerifyOutcome): Readonly<Record<string, unknown>> {
  const { kind, sentence, claims, checks, error, answers } = report;
  return { kind, sentence, answers, claims, claimsVerified: report.claimsVerified, checks, error };
}

/** A receipt to read: question, answer and events. Nothing is established by being shown. */
export function readReceipt(text: string, from: number): Readonly<Record<string, unknown>> {
  const receipt = parseReceipt(toUtf8(text));
  const { answered, ...view } = viewReceipt(receipt);
  return {
    ...view,
    untrustedModelOutput: answered,
    eventsFrom: from,
    events: viewEvents(receipt, from, EVENTS_AT_ONCE),
  };
}
