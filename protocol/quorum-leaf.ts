/**
 * The leaves that members of a quorum show each other before any of them shows an answer: the hash of its Answer, which the salts of its
 * transcript hide. docs/reference/protocol.md, Quorum leaf.
 */

import { answerStructHash, type Answer } from "./answer.ts";
import type { Hex } from "./bytes.ts";
import { typedDataDigest, type OnChainDomain } from "./domain.ts";
import { bytes32Word, hashWords, keccakText } from "./struct-hash.ts";

export const QUORUM_LEAF_TYPE = "QuorumLeaf(bytes32 requestId,bytes32 leaf,bytes32 keysetId)";
export const QUORUM_LEAF_TYPEHASH = keccakText(QUORUM_LEAF_TYPE);

/** `leaf`: an answer's struct hash. */
export interface QuorumLeaf {
  readonly requestId: Hex;
  readonly leaf: Hex;
  readonly keysetId: Hex;
}

export function quorumLeafOf(answer: Answer): QuorumLeaf {
  return { requestId: answer.requestId, leaf: answerStructHash(answer), keysetId: answer.keysetId };
}

export function quorumLeafDigest(domain: OnChainDomain, { requestId, leaf, keysetId }: QuorumLeaf): Hex {
  const words = [bytes32Word(requestId), bytes32Word(leaf), bytes32Word(keysetId)];
  return typedDataDigest(domain, hashWords(QUORUM_LEAF_TYPEHASH, words));
}
