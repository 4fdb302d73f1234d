/** What follows from hashes alone: the request, its payload, and the output that the answer names. */

import { AnswerStatus, answerStatusName } from "../../protocol/answer.ts";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { isOnChain, type Receipt } from "../../protocol/receipt.ts";
import { requestId } from "../../protocol/request.ts";
import { NO_STATE_BLOCK } from "../../protocol/state-block.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { understoodEvent } from "../../protocol/transcript.ts";
import { failure, passed, type ReceiptCheck } from "./step.ts";

/** The domain is the one that the request was made in. */
export function checkDomain(receipt: Receipt): ReceiptCheck {
  if (!isOnChain(receipt)) return passed("domain", "off chain: serves no contract");
  const { domain, request } = receipt;
  if (domain.chainId !== request.chainId || domain.verifyingContract !== request.coordinator) {
    throw failure("domain", {
      message: "the signature's domain is not the request's chain and coordinator",
      details: {
        domainChainId: domain.chainId.toString(),
        requestChainId: request.chainId.toString(),
        domainCoordinator: domain.verifyingContract,
        requestCoordinator: request.coordinator,
      },
    });
  }
  return passed("domain", `chain ${domain.chainId}, coordinator ${domain.verifyingContract}`);
}

/** The answer is to this request: its id, recomputed from every parameter. */
export function checkRequest(receipt: Receipt): ReceiptCheck {
  const expected = isOnChain(receipt) ? requestId(receipt.request) : receipt.request.requestId;
  const actual = receipt.answer.requestId;
  if (expected !== actual) {
    throw failure("request", {
      message: "the answer is to another request",
      details: { expected, actual },
    });
  }
  return passed("request", `${expected}, recomputed from its parameters`);
}

/** `payloadHash` as the request or, off chain, the transcript commits to it. */
export function checkPayload(receipt: Receipt): ReceiptCheck {
  const actual = keccak(fromHex(receipt.payload));
  const expected = isOnChain(receipt) ? receipt.request.payloadHash : receivedPayloadHash(receipt);
  if (expected === undefined) {
    throw failure("payload", { message: "off chain, the request.received event must be disclosed" });
  }
  if (expected !== actual) {
    throw failure("payload", { message: "the payload is not the one asked", details: { expected, actual } });
  }
  return passed("payload", `${(receipt.payload.length - 2) / 2} bytes, hash ${actual}`);
}

function receivedPayloadHash({ transcript: [first] }: Receipt): Hex | undefined {
  const event = first === undefined ? undefined : understoodEvent(first);
  return event?.type === "request.received" ? event.payloadHash : undefined;
}

/**
 * On chain the answer is bound to a block, and its number stands beside it. Off chain it is bound to none.
 *
 * Leaves to the caller: that the chain has a block of this number and hash. The number is the host's word.
 */
export function checkStateBlock({ stateBlock, answer }: Receipt): ReceiptCheck {
  const expected = stateBlock?.hash ?? NO_STATE_BLOCK;
  if (answer.stateBlockHash !== expected) {
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
  if (answer.status !== AnswerStatus.ok && output !== "0x") {
    throw failure("output", { message: "an answer that is not ok has an output", details: { status } });
  }
  return passed("output", `status ${status}, ${(output.length - 2) / 2} bytes, hash ${actual}`);
}
