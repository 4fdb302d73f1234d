/** One signature over answers that were signed one by one already. */

import { batchDigest, createBatchTree } from "../../protocol/batch.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { OnChainDomain } from "../../protocol/domain.ts";
import type { BatchReply } from "../../protocol/enclave-api.ts";
import { InputError } from "../../protocol/errors.ts";
import { signDigest } from "../identity/sign-digest.ts";
import type { AnswerLedger, BatchMember } from "./answer-ledger.ts";
import type { Signatory } from "./sign-answer.ts";

/**
 * Signs the tree over the answers that this enclave has given to `requestIds`. A caller names requests and supplies no hash:
 * the leaves are the ledger's, so that a batch never says more than its answers said.
 *
 * @throws {InputError} INPUT_NOT_FOUND for a request without an answer for a chain; INPUT_INVALID for answers of different
 * chains or coordinators, none, too many, or one named twice
 */
export function signBatch(
  { identity, log }: Pick<Signatory, "identity" | "log">,
  ledger: AnswerLedger,
  requestIds: readonly Hex[],
): BatchReply {
  const members = requestIds.map((requestId) => findMember(ledger, requestId));
  const tree = createBatchTree(members.map(({ leaf }) => leaf));
  const digest = batchDigest(commonDomain(members), tree.root, tree.count);
  log.append(tree.root, digest);
  return {
    root: tree.root,
    count: tree.count,
    signature: signDigest(digest, identity.keys.answer.privateKey),
  };
}

function findMember(ledger: AnswerLedger, requestId: Hex): BatchMember {
  const member = ledger.batchMember(requestId);
  if (member !== undefined) return member;
  throw new InputError({
    code: "INPUT_NOT_FOUND",
    message:
      "a batch is made of answers that this enclave has given to contracts: it has none to this request",
    details: { requestId },
  });
}

function commonDomain([first, ...others]: readonly BatchMember[]): OnChainDomain {
  const same = (member: BatchMember): boolean =>
    member.domain.chainId === first?.domain.chainId &&
    member.domain.verifyingContract === first.domain.verifyingContract;
  if (first !== undefined && others.every(same)) return first.domain;
  throw new InputError({
    code: "INPUT_INVALID",
    message: "the answers of a batch are for one coordinator on one chain",
  });
}
