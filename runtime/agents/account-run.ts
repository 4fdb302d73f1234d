/**
 * A run for an AgentAccount, from what whoever asks for it shows: the grant whole, and headers of the account's chain. Every field of the run
 * follows from these, so that no answer can be made before its slot, and nobody draws twice by changing one. The enclave calls this
 * before it runs anything, and whoever submits, to know what was signed. docs/reference/protocol.md, Agent runs.
 */

import * as z from "zod";
import { decodeAgentGrant, type AgentGrant } from "../../protocol/agent-grant.ts";
import { agentRunId, type AgentRun } from "../../protocol/agent-run.ts";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { address, bytesHex, uint256, uint64 } from "../../protocol/fields.ts";
import { MAX_OUTPUT_BYTES } from "../../protocol/limits.ts";
import { encodePayload, PayloadType } from "../../protocol/payload.ts";
import type { StateBlock } from "../../protocol/state-block.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { BlockDescription, verifyBlock, type BlockHeader } from "../evm/block-header.ts";
import { ProofRefused } from "../evm/proof-refused.ts";

/** `POST /v1/agents/account-runs` */
export const AccountRunCall = z.strictObject({
  chainId: uint256,
  account: address,
  /** `abi.encode(grant)`. */
  grant: bytesHex,
  /** Number of the slot, or of the input. */
  nonce: uint64,
  /** As it was committed; none in slot mode. */
  input: bytesHex.default("0x"),
  /** Slot mode: the first at or after the slot's start. Request mode: the one that the input was committed in. */
  block: BlockDescription,
  /** Of that block, in slot mode: it is before the slot. */
  parent: BlockDescription.nullable(),
});
export type AccountRunCall = z.output<typeof AccountRunCall>;

export interface AccountRun {
  readonly run: AgentRun;
  readonly requestId: Hex;
  readonly grant: AgentGrant;
  readonly input: Uint8Array;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly stateBlock: StateBlock;
  readonly trigger: "slot" | "request";
}

/**
 * Holds on return: the block's header hashes to the hash that the run names, and is of its slot or the input's time.
 * Left to the account: that its chain has such a block, that it granted this, and that it committed such an input.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function toAccountRun(call: AccountRunCall): AccountRun {
  const grant = decodeAgentGrant(fromHex(call.grant));
  const input = fromHex(call.input);
  const block = readHeader("block", call.block);
  const isSlot = grant.slotSeconds !== 0n;
  const requestedAt = isSlot ? call.nonce * grant.slotSeconds : block.timestamp;
  const deadline = requestedAt + (isSlot ? grant.slotSeconds : grant.lifetimeSeconds);
  if (deadline >= 2n ** 40n) throw refused("the slot is beyond any time that a run can name");
  if (isSlot) {
    if (input.length > 0) throw refused("a slot's run has no input");
    requireFirstOfSlot(block, call.parent, { requestedAt, deadline });
  } else if (call.parent !== null) {
    throw refused("the run of an input names one block: the one that it was committed in");
  }
  const run: AgentRun = {
    chainId: call.chainId,
    account: call.account,
    grantId: grant.id,
    programHash: grant.programHash,
    inputHash: keccak(input),
    policyId: grant.policyId,
    requestedAt,
    nonce: call.nonce,
    stateBlockHash: block.hash,
    deadline,
  };
  return {
    run,
    requestId: agentRunId(run),
    grant,
    input,
    payload: accountRunPayload(grant.programHash, input),
    stateBlock: { number: block.number, hash: block.hash },
    trigger: isSlot ? "slot" : "request",
  };
}

/** The payload of a run, as its receipt carries it: the program by its hash alone. */
export function accountRunPayload(programHash: Hex, input: Uint8Array): Uint8Array<ArrayBuffer> {
  const call = { programHash, program: new Uint8Array(), input, maxOutputBytes: MAX_OUTPUT_BYTES };
  return encodePayload({ type: PayloadType.agent, call });
}

function requireFirstOfSlot(
  block: BlockHeader,
  described: BlockDescription | null,
  { requestedAt, deadline }: { readonly requestedAt: bigint; readonly deadline: bigint },
): void {
  if (described === null) throw refused("a slot's run names the parent of its block");
  const parent = readHeader("parent", described);
  if (parent.hash !== block.parentHash) throw refused("the parent is another block's");
  if (block.timestamp < requestedAt) throw refused("the block is from before the slot");
  if (block.timestamp >= deadline) throw refused("the block is from after the slot");
  if (parent.timestamp >= requestedAt) throw refused("the block is not the first of its slot");
}

function readHeader(which: string, described: BlockDescription): BlockHeader {
  try {
    return verifyBlock(described);
  } catch (error) {
    if (error instanceof ProofRefused) throw refused(`${which}: ${error.message}`);
    throw error;
  }
}

function refused(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
