import { offChainDomain } from "../../protocol/domain.ts";
import { InputError } from "../../protocol/errors.ts";
import { MAX_OUTPUT_BYTES } from "../../protocol/limits.ts";
import { payloadHash } from "../../protocol/payload.ts";
import { proveEvent, type EventRunCall } from "../../runtime/agents/event-run.ts";
import type { Agents } from "../agents/answer-agent.ts";
import { NO_FEE_LIMIT, type CheckedCall } from "./check-call.ts";

/** A run has no context of its own: everything that it is for is in its id. */
const NO_CONTEXT = `0x${"00".repeat(32)}` as const;

/**
 * As `checkCall`, for a program's run for a log of a chain: proven here, before the program is started. Any chain's log is taken, since what
 * is signed names its block; whoever asks needs a credential, and pays as it was agreed with the operator.
 *
 * @throws {InputError} INPUT_INVALID for a log that is not proven, and for a program that takes another input; INPUT_TOO_LARGE;
 *   INPUT_NOT_FOUND for a program that is not here
 */
export function checkEventRun(call: EventRunCall, agents: Agents | null): CheckedCall {
  if (agents === null)
    throw new InputError({ code: "INPUT_INVALID", message: "this enclave runs no agents" });
  const event = proveEvent(call);
  // Else its log would end with an invalid request, by whoever asks first.
  const { program } = agents.programs.get(call.programHash);
  if (program.manifest.input !== null) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "a program that runs for logs takes JSON as its input",
    });
  }
  return {
    domain: offChainDomain(),
    requestId: event.requestId,
    payload: event.payload,
    sealedContext: null,
    payer: null,
    payloadHash: payloadHash(event.payload),
    context: NO_CONTEXT,
    stateBlock: event.stateBlock,
    quorum: null,
    requestedAt: event.requestedAt,
    fee: NO_FEE_LIMIT,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    deadline: event.deadline,
    trigger: "event",
    event,
  };
}
