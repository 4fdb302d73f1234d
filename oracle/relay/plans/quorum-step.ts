/** The next step of a quorum's request: from the chain's record of its leaves, and the answers that this node has. */

import { Answer, answerStructHash } from "../../../protocol/answer.ts";
import type { SignedLeaf } from "../../chain/contracts/quorum-call.ts";
import type { SettlingAnswer } from "../../chain/contracts/settlement-call.ts";
import type { DueQuorum, QuorumMember } from "../../store/quorums.ts";
import { type QuorumSet, OPENING_SECONDS, readQuorumSet } from "../quorum-set.ts";

/** A leaf, and the answer behind it. */
export type Member = SignedLeaf & SettlingAnswer & { readonly notBefore: number };

export type NextStep =
  | { readonly kind: "commit" | "open"; readonly members: readonly Member[] }
  /** Commit and open in one: the policy has no window. */
  | { readonly kind: "fulfill"; readonly members: readonly Member[] }
  /** Openings have ended with enough of them; these are its own: one of them may have to carry the output. */
  | { readonly kind: "settle"; readonly members: readonly Member[] }
  /** They have ended with too few. */
  | { readonly kind: "clear" }
  | { readonly kind: "wait" };

export interface StepTerms {
  readonly threshold: number;
  /** Seconds that the policy leaves for further leaves. */
  readonly windowSeconds: number;
  /** Seconds: the time that the next block will have. */
  readonly time: number;
}

export function nextStep(quorum: Pick<DueQuorum, "members" | "steps">, terms: StepTerms): NextStep {
  const members = quorum.members.map(toMember);
  const committed = readQuorumSet(quorum.steps);
  return committed.windowEndsAt === 0
    ? commitStep(members, committed, terms)
    : openStep(members, committed, terms);
}

/** No more leaves than are missing: each further one is a share of the same fee. */
function commitStep(
  members: readonly Member[],
  { leaves }: QuorumSet,
  { threshold, windowSeconds, time }: StepTerms,
): NextStep {
  const missing = members.filter(({ leaf }) => !leaves.has(leaf)).slice(0, threshold - leaves.size);
  // Openings follow the window: so that what settles late is not opened before its time.
  const earliest = Math.max(...missing.map(({ notBefore }) => notBefore)) - windowSeconds;
  if (missing.length === 0 || time < earliest) return { kind: "wait" };
  const isWhole = windowSeconds === 0 && missing.length === threshold;
  return { kind: isWhole ? "fulfill" : "commit", members: missing };
}

function openStep(
  members: readonly Member[],
  { leaves, opened, windowEndsAt }: QuorumSet,
  { threshold, time }: StepTerms,
): NextStep {
  if (time <= windowEndsAt) return { kind: "wait" };
  if (time > windowEndsAt + OPENING_SECONDS) {
    return opened.size < threshold
      ? { kind: "clear" }
      : { kind: "settle", members: members.filter(({ leaf }) => opened.has(leaf)) };
  }
  // One whose time has not come would keep the others from being opened.
  const closed = members.filter(
    ({ leaf, notBefore }) => leaves.has(leaf) && !opened.has(leaf) && notBefore <= time,
  );
  return closed.length === 0 ? { kind: "wait" } : { kind: "open", members: closed };
}

export function toMember({
  keysetId,
  answer: text,
  leafSignature,
  output,
  stateBlockNumber,
  notBefore,
}: QuorumMember): Member {
  const answer = Answer.parse(JSON.parse(text));
  return {
    leaf: answerStructHash(answer),
    keysetId,
    signature: leafSignature,
    answer,
    output,
    stateBlockNumber: BigInt(stateBlockNumber),
    notBefore,
  };
}
