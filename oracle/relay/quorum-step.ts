/** What the request of a quorum needs next: from what the chain says of its leaves, and what this node has. */

import { Answer, answerStructHash } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { SignedLeaf } from "../chain/quorum-call.ts";
import type { SettlingAnswer } from "../chain/settlement-call.ts";
import type { DueQuorum, QuorumMember, QuorumStep } from "../store/quorums.ts";

/** Seconds after the window in which leaves are opened (docs/reference/protocol.md, Quorums). */
export const OPENING_SECONDS = 60;

/** A leaf, and the answer behind it. */
export type Member = SignedLeaf & SettlingAnswer & { readonly notBefore: number };

export type NextStep =
  | { readonly kind: "commit" | "open"; readonly members: readonly Member[] }
  /** Commit and open in one: the policy has no window. */
  | { readonly kind: "fulfill"; readonly members: readonly Member[] }
  /** Openings have ended, with enough of them or with too few. */
  | { readonly kind: "settle" | "clear" }
  | { readonly kind: "wait" };

export interface StepTerms {
  readonly threshold: number;
  /** Seconds that the policy leaves for further leaves. */
  readonly windowSeconds: number;
  /** Seconds: the time that the next block will have. */
  readonly time: number;
}

interface CommittedSet {
  readonly leaves: ReadonlySet<Hex>;
  readonly opened: ReadonlySet<Hex>;
  /** Seconds; 0 while there are too few leaves. */
  readonly windowEndsAt: number;
}

export function nextStep(quorum: DueQuorum, terms: StepTerms): NextStep {
  const members = quorum.members.map(toMember);
  const committed = readCommitted(quorum.steps);
  return committed.windowEndsAt === 0
    ? commitStep(members, committed, terms)
    : openStep(members, committed, terms);
}

/** No more leaves than are missing: each further one is a share of the same fee. */
function commitStep(
  members: readonly Member[],
  { leaves }: CommittedSet,
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
  { leaves, opened, windowEndsAt }: CommittedSet,
  { threshold, time }: StepTerms,
): NextStep {
  if (time <= windowEndsAt) return { kind: "wait" };
  if (time > windowEndsAt + OPENING_SECONDS) return { kind: opened.size >= threshold ? "settle" : "clear" };
  // One whose time has not come would keep the others from being opened.
  const closed = members.filter(
    ({ leaf, notBefore }) => leaves.has(leaf) && !opened.has(leaf) && notBefore <= time,
  );
  return closed.length === 0 ? { kind: "wait" } : { kind: "open", members: closed };
}

/** What was cleared keeps its opened leaves, and waits for others. */
function readCommitted(steps: readonly QuorumStep[]): CommittedSet {
  let leaves = new Set<Hex>();
  const opened = new Set<Hex>();
  let windowEndsAt = 0;
  for (const step of steps) {
    if (step.event === "cleared") {
      leaves = new Set(opened);
      windowEndsAt = 0;
    } else if (step.event === "opened") {
      for (const leaf of step.leaves) opened.add(leaf);
    } else {
      for (const leaf of step.leaves) leaves.add(leaf);
      windowEndsAt = Math.max(windowEndsAt, step.windowEndsAt);
    }
  }
  return { leaves, opened, windowEndsAt };
}

function toMember({
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
