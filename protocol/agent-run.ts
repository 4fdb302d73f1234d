/**
 * One run of a program for an AgentAccount: what the enclave's answer names as its request. No field is the submitter's choice.
 * docs/reference/protocol.md, Agent runs.
 */

import * as z from "zod";
import type { Hex } from "./bytes.ts";
import { address, bytes32, uint256, uint40, uint64 } from "./fields.ts";
import { addressWord, bytes32Word, hashWords, keccakText, uintWord } from "./struct-hash.ts";

export const AgentRun = z.strictObject({
  chainId: uint256,
  /** The contract that acts: an AgentAccount, or the module of a Safe. */
  account: address,
  grantId: bytes32,
  programHash: bytes32,
  /** Of nothing in slot mode. */
  inputHash: bytes32,
  policyId: bytes32,
  /** When the slot began, or when the input was committed. */
  requestedAt: uint40,
  /** The slot's number, or the input's. */
  nonce: uint64,
  /** Of the first block at or after the slot's start, or of the input's block. */
  stateBlockHash: bytes32,
  deadline: uint40,
});
export type AgentRun = z.output<typeof AgentRun>;

export const AGENT_RUN_TYPE =
  "AgentRun(uint256 chainId,address account,bytes32 grantId,bytes32 programHash,bytes32 inputHash,bytes32 policyId," +
  "uint40 requestedAt,uint64 nonce,bytes32 stateBlockHash,uint40 deadline)";
export const AGENT_RUN_TYPEHASH = keccakText(AGENT_RUN_TYPE);

/** The `requestId` of the run's answers. */
export function agentRunId(run: AgentRun): Hex {
  return hashWords(AGENT_RUN_TYPEHASH, [
    uintWord(run.chainId),
    addressWord(run.account),
    bytes32Word(run.grantId),
    bytes32Word(run.programHash),
    bytes32Word(run.inputHash),
    bytes32Word(run.policyId),
    uintWord(run.requestedAt),
    uintWord(run.nonce),
    bytes32Word(run.stateBlockHash),
    uintWord(run.deadline),
  ]);
}
