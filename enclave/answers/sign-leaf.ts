import type { Answer } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { OnChainDomain } from "../../protocol/domain.ts";
import { quorumLeafDigest, quorumLeafOf } from "../../protocol/quorum-leaf.ts";
import { signDigest } from "../identity/sign-digest.ts";
import type { Signatory } from "./sign-answer.ts";

/**
 * The leaf of an answer that a quorum settles: what its members show each other first. It is made of the one answer that this
 * enclave gives to the request, so that there is one leaf for each.
 */
export function signLeaf(
  { identity, log }: Pick<Signatory, "identity" | "log">,
  domain: OnChainDomain,
  answer: Answer,
): { readonly leaf: Hex; readonly signature: Hex } {
  const leaf = quorumLeafOf(answer);
  const digest = quorumLeafDigest(domain, leaf);
  log.append(leaf.leaf, digest);
  return { leaf: leaf.leaf, signature: signDigest(digest, identity.keys.answer.privateKey) };
}
