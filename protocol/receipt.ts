/**
 * The receipt file: everything a stranger needs to check an answer, in one canonical JSON text. This is its form
 * only; whether it is true is `verifyReceipt` in attestation/receipt/verify-receipt.ts.
 */

import * as z from "zod";
import { AgentRun } from "./agent-run.ts";
import { Answer } from "./answer.ts";
import { equalBytes } from "./bytes.ts";
import { encodeCanonicalJson, parseJson } from "./canonical-json.ts";
import { AgentDomain, OffChainDomain, ON_CHAIN_DOMAIN_NAME, OnChainDomain } from "./domain.ts";
import { InputError } from "./errors.ts";
import { EventRun } from "./event-run.ts";
import { bytes32, bytesHex, refusedField, signature65 } from "./fields.ts";
import { Keyset } from "./keyset.ts";
import { MAX_RECEIPT_BYTES } from "./limits.ts";
import { Request } from "./request.ts";
import { StateBlock } from "./state-block.ts";
import { Transcript } from "./transcript.ts";

/** Evidence with the claims that its report data commits to. */
export const BoundEvidence = z.strictObject({
  /** Kind of evidence, as `attestation` names it; recognised anew from the bytes by whoever verifies. */
  kind: z.string().min(1).max(64),
  bytes: bytesHex,
  claims: bytesHex,
});
export type BoundEvidence = z.output<typeof BoundEvidence>;

/** Endorsements; their form depends on the kind of evidence and is checked by `attestation`. */
export const EndorsementsJson = z.record(z.string(), z.json());
export type EndorsementsJson = z.output<typeof EndorsementsJson>;

/** Body of an exchange by its SHA-256. */
export const Bodies = z.record(bytes32, bytesHex);
export type Bodies = z.output<typeof Bodies>;

const common = {
  version: z.literal(2),
  payload: bytesHex,
  answer: Answer,
  signature: signature65,
  output: bytesHex,
  transcript: Transcript,
  bodies: Bodies,
  keyset: Keyset,
  evidence: BoundEvidence,
  endorsements: EndorsementsJson,
};

export const OnChainReceipt = z.strictObject({
  ...common,
  domain: OnChainDomain,
  request: Request,
  stateBlock: StateBlock,
});
export type OnChainReceipt = z.output<typeof OnChainReceipt>;

export const OffChainReceipt = z.strictObject({
  ...common,
  domain: OffChainDomain,
  request: z.strictObject({ requestId: bytes32 }),
  stateBlock: z.null(),
});
export type OffChainReceipt = z.output<typeof OffChainReceipt>;

/** Of a run for an AgentAccount: the domain is the account's, and the run stands in a request's place. */
export const AgentReceipt = z.strictObject({
  ...common,
  domain: AgentDomain,
  request: AgentRun,
  stateBlock: StateBlock,
});
export type AgentReceipt = z.output<typeof AgentReceipt>;

/** Of a program's run for a log: off chain, and bound to the log's block. */
export const EventReceipt = z.strictObject({
  ...common,
  domain: OffChainDomain,
  request: EventRun,
  stateBlock: StateBlock,
});
export type EventReceipt = z.output<typeof EventReceipt>;

export const Receipt = z.union([OnChainReceipt, OffChainReceipt, AgentReceipt, EventReceipt]);
export type Receipt = OnChainReceipt | OffChainReceipt | AgentReceipt | EventReceipt;

/** Of a request to a coordinator. */
export function isOnChain(receipt: Receipt): receipt is OnChainReceipt {
  return receipt.domain.name === ON_CHAIN_DOMAIN_NAME;
}

export function isAgentRun(receipt: Receipt): receipt is AgentReceipt {
  return "grantId" in receipt.request;
}

export function isEventRun(receipt: Receipt): receipt is EventReceipt {
  return "logIndex" in receipt.request;
}

/** The file's bytes. */
export function encodeReceipt(receipt: Receipt): Uint8Array<ArrayBuffer> {
  return encodeCanonicalJson(z.encode(Receipt, receipt));
}

/**
 * A receipt from the file's bytes. Holds on return: its form. Nothing in it is verified.
 *
 * @throws {InputError} INPUT_TOO_LARGE; INPUT_INVALID when it is not canonical JSON of exactly the receipt's fields
 */
export function parseReceipt(bytes: Uint8Array): Receipt {
  if (bytes.length > MAX_RECEIPT_BYTES) {
    throw new InputError({
      code: "INPUT_TOO_LARGE",
      message: `a receipt has at most ${MAX_RECEIPT_BYTES} bytes`,
      details: { size: bytes.length },
    });
  }
  const value = parseJson(bytes);
  const result = formOf(value).safeParse(value);
  if (!result.success) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `not a receipt: ${z.prettifyError(result.error)}`,
      details: { field: refusedField(result.error) },
    });
  }
  // Compared after reading, not before: what a schema passes over in silence (a key "__proto__") is refused too.
  if (!equalBytes(encodeReceipt(result.data), bytes))
    throw new InputError({ code: "INPUT_INVALID", message: "the receipt is not in RFC 8785 canonical form" });
  return result.data;
}

/** Chosen by the domain, so that an error names the field that is wrong and not every field of the other forms. */
function formOf(
  value: unknown,
): typeof OnChainReceipt | typeof OffChainReceipt | typeof AgentReceipt | typeof EventReceipt {
  const isOf = (domain: z.ZodType): boolean => z.looseObject({ domain }).safeParse(value).success;
  if (isOf(OffChainDomain)) {
    const isEvents = z
      .looseObject({ request: z.looseObject({ logIndex: z.unknown() }) })
      .safeParse(value).success;
    return isEvents ? EventReceipt : OffChainReceipt;
  }
  return isOf(AgentDomain) ? AgentReceipt : OnChainReceipt;
}
