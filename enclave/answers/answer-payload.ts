/** Whatever a payload asks for: a model, or a program's run. */

import { AnswerStatus } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { Domain } from "../../protocol/domain.ts";
import { InputError } from "../../protocol/errors.ts";
import { decodePayload, PayloadType } from "../../protocol/payload.ts";
import { without, type Outcome } from "../../runtime/output/panel.ts";
import { answerAgent, type AgentQuestion, type Agents } from "../agents/answer-agent.ts";
import { infer, quotePrice, type Bounds, type Inference } from "./infer.ts";
import type { TranscriptRecorder } from "./transcript-recorder.ts";

export interface Answering {
  readonly inference: Inference;
  /** null where the behaviour file has none. */
  readonly agents: Agents | null;
}

export interface PayloadTerms
  extends Bounds, Pick<AgentQuestion, "trigger" | "now" | "stateBlock" | "event"> {
  readonly requestId: Hex;
  readonly payload: Uint8Array;
  readonly domain: Domain;
}

/** Ends in a status; throws what `infer` and `answerAgent` throw. */
export async function answerPayload(
  { inference, agents }: Answering,
  terms: PayloadTerms,
  recorder: TranscriptRecorder,
): Promise<Outcome> {
  if (terms.payload[0] !== PayloadType.agent) {
    const { domain, stateBlock } = terms;
    const bound = "chainId" in domain && stateBlock !== null ? { chainId: domain.chainId, stateBlock } : null;
    return await infer(inference, terms.payload, { ...terms, bound }, recorder);
  }
  if (agents === null) return without(AnswerStatus.invalidRequest, NO_AGENTS);
  let call: AgentQuestion["call"];
  try {
    const payload = decodePayload(terms.payload);
    if (payload.type !== PayloadType.agent) throw new TypeError("a payload's type is its first byte");
    call = payload.call;
  } catch (error) {
    if (error instanceof InputError) return without(AnswerStatus.invalidRequest, error.message);
    throw error;
  }
  return await answerAgent({ agents, inference }, { ...terms, call }, recorder);
}

const NO_AGENTS = "this enclave runs no agents";

/**
 * Wei: the smallest fee for which anything is done. An agent's models are paid out of whatever fee there is, each before it is
 * asked, so that a program runs for none.
 *
 * @throws {InputError} for what cannot be asked as it stands
 */
export function quotePayload({ inference, agents }: Answering, payload: Uint8Array): bigint {
  if (payload[0] !== PayloadType.agent) return quotePrice(inference, payload);
  if (agents === null) throw new InputError({ code: "INPUT_INVALID", message: NO_AGENTS });
  decodePayload(payload);
  return 0n;
}
