import type { Hex } from "../../../protocol/bytes.ts";
import { ChainError } from "../../../protocol/errors.ts";
import { AbiWords } from "../abi/abi-words.ts";
import type { BatchedReads } from "../rpc/batched-reads.ts";
import { data } from "../rpc/block.ts";
import { encodeCall, uint, word } from "../abi/call-data.ts";
import { registryInterface as registry } from "./contracts.ts";

const MEMBER_OF = registry.getFunction("memberOf").selector;

/** The properties of a keyset that a quorum counts. */
export interface Membership {
  readonly platform: Hex;
  readonly vendor: number;
  /** Whether the policy wants the platforms of a quorum to be of distinct vendors. */
  readonly distinctVendors: boolean;
}

/** Under which policy, and when, a request was made. */
export interface AskedUnder {
  readonly policyId: Hex;
  /** Seconds: the time of the request's block. */
  readonly requestedAt: bigint;
}

export interface Candidate {
  readonly keysetId: Hex;
  /** Address of the answer key. */
  readonly signer: Hex;
}

/** Four words: an address without a contract answers with none. */
const MemberResult = data.refine((bytes) => bytes.length === 2 + 4 * 64, {
  error: "expected the four words of memberOf()",
});

/**
 * Whether the registry would accept the candidate's answer to this request now: admitted, neither expired nor outdated by a
 * narrower policy, not admitted too late for the request or under rules that were widened since.
 *
 * @returns `undefined` when it would refuse
 * @throws {ChainError} CHAIN_RPC_UNAVAILABLE
 */
export async function readMembership(
  reads: Pick<BatchedReads, "call">,
  address: Hex,
  asked: AskedUnder,
  { keysetId, signer }: Candidate,
): Promise<Membership | undefined> {
  const call = {
    to: address,
    data: encodeCall(MEMBER_OF, [
      word(asked.policyId),
      uint(asked.requestedAt),
      word(keysetId),
      word(signer),
    ]),
  };
  try {
    const returned = await reads.call({ method: "eth_call", params: [call, "latest"] }, MemberResult);
    // payee, platformId, vendor, distinctVendors
    const words = new AbiWords(returned);
    return { platform: words.word(1), vendor: words.number(2), distinctVendors: words.bool(3) };
  } catch (error) {
    if (error instanceof ChainError && error.code === "CHAIN_REVERTED") return undefined;
    throw error;
  }
}
