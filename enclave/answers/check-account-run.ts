import { agentDomain } from "../../protocol/domain.ts";
import { InputError } from "../../protocol/errors.ts";
import { MAX_OUTPUT_BYTES } from "../../protocol/limits.ts";
import { payloadHash } from "../../protocol/payload.ts";
import { toAccountRun, type AccountRunCall } from "../../runtime/agents/account-run.ts";
import type { Agents } from "../agents/answer-agent.ts";
import { checkLifetime, type CheckedCall } from "./check-call.ts";

/** A run has no context of its own: everything that it is for is in its id. */
const NO_CONTEXT = `0x${"00".repeat(32)}` as const;

/**
 * As `checkCall`, for a run of an AgentAccount. Any account is served: what is signed is for it alone, and whoever asks needs a credential. Its
 * models are paid for out of the grant's fee, which no submitter chooses.
 *
 * @throws {InputError} INPUT_INVALID for terms that no account takes, INPUT_NOT_FOUND for a program that is not here
 */
export function checkAccountRun(call: AccountRunCall, agents: Agents | null): CheckedCall {
  if (agents === null)
    throw new InputError({ code: "INPUT_INVALID", message: "this enclave runs no agents" });
  const { run, requestId, grant, payload, stateBlock, trigger } = toAccountRun(call);
  checkLifetime(run);
  // Else its slot would end with an invalid request, by whoever asks first.
  agents.programs.get(grant.programHash);
  return {
    domain: agentDomain(run.chainId, run.account),
    requestId,
    payload,
    sealedContext: null,
    payer: null,
    payloadHash: payloadHash(payload),
    context: NO_CONTEXT,
    stateBlock,
    quorum: null,
    requestedAt: run.requestedAt,
    fee: grant.fee,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    deadline: run.deadline,
    trigger,
    event: null,
  };
}
