/** Checks of hashes alone: the request, its payload, and the output that the answer names. */

import { agentRunId } from "../../protocol/agent-run.ts";
import { AnswerStatus, answerStatusName } from "../../protocol/answer.ts";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { decodePayload } from "../../protocol/payload.ts";
import { eventRunId } from "../../protocol/event-run.ts";
import {
  isAgentRun,
  isEventRun,
  isOnChain,
  type AgentReceipt,
  type EventReceipt,
  type Receipt,
} from "../../protocol/receipt.ts";
import { requestId } from "../../protocol/request.ts";
import { NO_STATE_BLOCK } from "../../protocol/state-block.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { understoodEvent } from "../../protocol/transcript.ts";
import { failure, passed, type ReceiptCheck } from "./step.ts";

/** The domain is the one that the request was made in. */
export function checkDomain(receipt: Receipt): ReceiptCheck {
  const named = contractOf(receipt);
  if (named === null) return passed("domain", "off chain: serves no contract");
  const { domain, chainId, contract, what } = named;
  if (domain.chainId !== chainId || domain.verifyingContract !== contract) {
    throw failure("domain", {
      message: `the signature's domain is not the request's chain and ${what}`,
      details: {
        domainChainId: domain.chainId.toString(),
        requestChainId: chainId.toString(),
        domainContract: domain.verifyingContract,
        requestContract: contract,
      },
    });
  }
  return passed("domain", `chain ${domain.chainId}, ${what} ${domain.verifyingContract}`);
}

interface NamedContract {
  readonly domain: { readonly chainId: bigint; readonly verifyingContract: Hex };
  readonly chainId: bigint;
  readonly contract: Hex;
  readonly what: "coordinator" | "account";
}

/** What the receipt's request names; null off chain. */
function contractOf(receipt: Receipt): NamedContract | null {
  if (isOnChain(receipt)) {
    const { domain, request } = receipt;
    return { domain, chainId: request.chainId, contract: request.coordinator, what: "coordinator" };
  }
  if (!isAgentRun(receipt)) return null;
  const { domain, request } = receipt;
  return { domain, chainId: request.chainId, contract: request.account, what: "account" };
}

/** The answer is to this request: its id, recomputed from every parameter. */
export function checkRequest(receipt: Receipt): ReceiptCheck {
  const expected = requestIdOf(receipt);
  const actual = receipt.answer.requestId;
  if (expected !== actual) {
    throw failure("request", {
      message: "the answer is to another request",
      details: { expected, actual },
    });
  }
  return passed("request", `${expected}, recomputed from its parameters`);
}

function requestIdOf(receipt: Receipt): Hex {
  if (isOnChain(receipt)) return requestId(receipt.request);
  if (isEventRun(receipt)) return eventRunId(receipt.request);
  return isAgentRun(receipt) ? agentRunId(receipt.request) : receipt.request.requestId;
}

/** `payloadHash` as the request or, off chain and for an account, the transcript commits to it. */
export function checkPayload(receipt: Receipt): ReceiptCheck {
  const actual = keccak(fromHex(receipt.payload));
  const expected = isOnChain(receipt) ? receipt.request.payloadHash : receivedPayloadHash(receipt);
  if (expected === undefined)
    throw failure("payload", { message: "off chain, the request.received event must be disclosed" });
  if (isAgentRun(receipt)) checkRunPayload(receipt);
  if (isEventRun(receipt)) checkEventPayload(receipt);
  if (expected !== actual)
    throw failure("payload", { message: "the payload is not the one asked", details: { expected, actual } });
  return passed("payload", `${(receipt.payload.length - 2) / 2} bytes, hash ${actual}`);
}

/** A run names its program and its input, and not the payload. */
function checkRunPayload({ payload, request }: AgentReceipt): void {
  const named = readCall(fromHex(payload));
  if (named?.programHash === request.programHash && named.inputHash === request.inputHash) return;
  throw failure("payload", {
    message: "the payload is not of the run's program and input",
    details: { programHash: request.programHash, inputHash: request.inputHash },
  });
}

/** The run names its program; that the input is the log's is what a replay derives. */
function checkEventPayload({ payload, request }: EventReceipt): void {
  if (readCall(fromHex(payload))?.programHash === request.programHash) return;
  throw failure("payload", {
    message: "the payload is not of the run's program",
    details: { programHash: request.programHash },
  });
}

function readCall(payload: Uint8Array): { readonly programHash: Hex; readonly inputHash: Hex } | null {
  try {
    const decoded = decodePayload(payload);
    if (!("call" in decoded)) return null;
    return { programHash: decoded.call.programHash, inputHash: keccak(decoded.call.input) };
  } catch (error) {
    if (error instanceof AdytonError) return null;
    /* v8 ignore next -- anything else is a bug, and no input is known that brings one about */
    throw error;
  }
}

function receivedPayloadHash({ transcript: [first] }: Receipt): Hex | undefined {
  const event = first === undefined ? undefined : understoodEvent(first);
  return event?.type === "request.received" ? event.payloadHash : undefined;
}

/**
 * On chain the answer is bound to a block, and its number stands beside it. Off chain it is bound to none, but for a run for a log, which
 * is bound to the log's.
 *
 * Leaves to the caller: that the chain has a block of this number and hash. The number is the host's word.
 */
export function checkStateBlock(receipt: Receipt): ReceiptCheck {
  const { stateBlock, answer } = receipt;
  const expected = stateBlock?.hash ?? NO_STATE_BLOCK;
  const isTheLogs = !isEventRun(receipt) || receipt.request.blockHash === expected;
  if (answer.stateBlockHash !== expected || !isTheLogs) {
    throw failure("state-block", {
      message: "the answer is bound to another block",
      details: { expected, actual: answer.stateBlockHash },
    });
  }
  if (stateBlock === null) return passed("state-block", "off chain: bound to no block");
  const number = `${stateBlock.number}, on the host's word`;
  return passed("state-block", `made after block ${stateBlock.hash} (number ${number})`);
}

export function checkOutput({ answer, output }: Receipt): ReceiptCheck {
  const actual = keccak(fromHex(output));
  if (answer.outputHash !== actual) {
    throw failure("output", {
      message: "the output is not the one that was signed",
      details: { expected: answer.outputHash, actual },
    });
  }
  const status = String(answerStatusName(answer.status));
  if (answer.status !== AnswerStatus.ok && output !== "0x")
    throw failure("output", { message: "an answer that is not ok has an output", details: { status } });
  return passed("output", `status ${status}, ${(output.length - 2) / 2} bytes, hash ${actual}`);
}
