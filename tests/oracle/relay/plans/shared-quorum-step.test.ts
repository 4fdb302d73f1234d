import { describe, expect, test } from "vitest";
import type { Assignment } from "../../../../oracle/relay/asking/assignment.ts";
import {
  nextSharedStep,
  type HeldLeaf,
  type SharedStep,
  type SharedTerms,
} from "../../../../oracle/relay/plans/shared-quorum-step.ts";
import { OPENING_SECONDS, readQuorumSet } from "../../../../oracle/relay/quorum-set.ts";
import type { QuorumStep } from "../../../../oracle/store/quorums.ts";
import { AnswerStatus } from "../../../../protocol/answer.ts";
import type { Hex } from "../../../../protocol/bytes.ts";
import { aRequest, REQUESTED_AT, word } from "../../support/requests.ts";

/** Seconds. */
const TURN = 20;
const WINDOW = 30;
const RELEASED = REQUESTED_AT + 10;
const ENDS = RELEASED + 100;

/** Platforms, keysets and leaves go by the number of their operator: 1 is first in the order. */
const platformOf = (id: number): Hex => `0x${id.toString(16).padStart(2, "0")}${"00".repeat(31)}`;
const keysetOf = (id: number): Hex => word(0x100 + id);
const leafOf = (id: number): Hex => word(0x200 + id);
const ASSIGNMENT: Assignment = {
  order: [1, 2, 3, 4].map(platformOf),
  platformOf: new Map([1, 2, 3, 4].map((id) => [keysetOf(id), platformOf(id)])),
};

const committed = (ids: readonly number[], windowEndsAt = 0): QuorumStep => ({
  event: "committed",
  leaves: ids.map(leafOf),
  platforms: ids.map(platformOf),
  windowEndsAt,
});
const opened = (ids: readonly number[]): QuorumStep => ({
  ...{ event: "opened", leaves: ids.map(leafOf), platforms: [], windowEndsAt: 0 },
});
const CLEARED: QuorumStep = { event: "cleared", leaves: [], platforms: [], windowEndsAt: 0 };

interface Case {
  /** Which operator this node is. */
  readonly me?: number;
  /** Whose leaves are held. */
  readonly held?: readonly number[];
  /** Whose answers are, too. */
  readonly shown?: readonly number[];
  /** Who answered something else. */
  readonly odd?: readonly number[];
  readonly steps?: readonly QuorumStep[];
  /** Seconds after the release. */
  readonly after?: number;
}

function step({ me = 1, held = [1, 2, 3], shown = [], odd = [], steps = [], after = 0 }: Case): SharedStep {
  const time = RELEASED + after;
  const request = aRequest({ threshold: 2, aggregation: 1, deadline: BigInt(REQUESTED_AT + 3_600) });
  const leaves = held.map((id): HeldLeaf => {
    const answer = {
      ...{ requestId: word(1), status: AnswerStatus.ok, outputHash: word(odd.includes(id) ? 8 : 7) },
      ...{ transcriptRoot: word(8), stateBlockHash: word(3), keysetId: keysetOf(id), answeredAt: 1n },
    };
    const opening =
      shown.includes(id) || id === me ? { answer, output: "0x07", stateBlockNumber: 10n } : null;
    return {
      ...{ leaf: leafOf(id), keysetId: keysetOf(id), signature: "0x11", notBefore: 0, isOwn: id === me },
      ...{ heldAt: RELEASED * 1_000, opening: opening as HeldLeaf["opening"] },
    };
  });
  const terms: SharedTerms = {
    ...{ request, assignment: ASSIGNMENT, ownKeysets: new Set([keysetOf(me)]), spares: 1 },
    ...{ turnSeconds: TURN, windowSeconds: WINDOW, settleSeconds: 30 },
    ...{ releasedAt: RELEASED * 1_000, time, now: time * 1_000 },
  };
  return nextSharedStep(leaves, readQuorumSet(steps), terms);
}

/** `open 1*,2`: who is opened; a star where the output goes along. */
function show(given: Case): string {
  const found = step(given);
  const idOf = (keysetId: Hex): number => Number(BigInt(keysetId) - 0x100n);
  if (found.kind === "commit") return `commit ${found.leaves.map(({ keysetId }) => idOf(keysetId)).join()}`;
  if (found.kind !== "open") return found.kind;
  const names = found.openings.map((opening) => {
    const id = idOf(opening.answer.keysetId);
    return `${id}${found.carrying.has(opening) ? "*" : ""}`;
  });
  return `open ${names.join()}`;
}

const AFTER_WINDOW = ENDS - RELEASED + 1;
const AFTER_OPENINGS = AFTER_WINDOW + OPENING_SECONDS;

describe("of a quorum of two and a spare, a node", () => {
  test.for<[string, string, Case]>([
    ["that is first commits all at once", "commit 1,2,3", {}],
    ["commits no more than are wanted", "commit 1,2,3", { held: [4, 3, 2, 1] }],
    ["waits a moment for the spare", "wait", { held: [1, 2], after: 1 }],
    ["and then commits those that are enough", "commit 1,2", { held: [1, 2], after: 2 }],
    ["that is second leaves it to the first", "wait", { me: 2, after: TURN - 1 }],
    ["and overtakes it when its turn is over", "commit 2,3", { me: 2, held: [2, 3], after: TURN }],
    ["that is third waits for two", "wait", { me: 3, held: [2, 3], after: 2 * TURN - 1 }],
    ["does not commit by itself while others may be heard", "wait", { held: [1], after: 4 * TURN - 1 }],
    ["does when nobody is", "commit 1", { held: [1], after: 4 * TURN }],
    ["joins what another has begun", "commit 2", { me: 2, held: [2], steps: [committed([3])], after: TURN }],
    [
      "that was left out adds its leaf while the window is open, whoever's turn it is",
      "commit 3",
      { me: 3, steps: [committed([1, 2], ENDS)], after: 1 },
    ],
    ["adds no other's", "wait", { me: 1, steps: [committed([1, 2], ENDS)], after: 1 }],
    ["adds none to a full set", "wait", { me: 4, held: [4], steps: [committed([1, 2, 3], ENDS)], after: 1 }],
    [
      "opens nothing before the window's end",
      "wait",
      { steps: [committed([1, 2], ENDS)], shown: [2], after: AFTER_WINDOW - 1 },
    ],
    [
      "opens all with the output that wins, once",
      "open 1*,2,3",
      { steps: [committed([1, 2, 3], ENDS)], shown: [2, 3], after: AFTER_WINDOW },
    ],
    [
      "with the one that wins, and not its own",
      "open 1,2*,3",
      { odd: [1], steps: [committed([1, 2, 3], ENDS)], shown: [2, 3], after: AFTER_WINDOW },
    ],
    [
      "waits for answers that are on their way",
      "wait",
      { steps: [committed([1, 2, 3], ENDS)], shown: [2], after: AFTER_WINDOW + 2 },
    ],
    [
      "and opens what it has, with an output for whoever settles",
      "open 1*,2",
      { steps: [committed([1, 2, 3], ENDS)], shown: [2], after: AFTER_WINDOW + 3 },
    ],
    [
      "leaves openings to the first member too",
      "wait",
      { me: 2, steps: [committed([1, 2, 3], ENDS)], shown: [3], after: AFTER_WINDOW + 14 },
    ],
    [
      "and opens when that withholds",
      "open 2*,3",
      { me: 2, steps: [committed([1, 2, 3], ENDS)], shown: [3], after: AFTER_WINDOW + 18 },
    ],
    [
      "that opens last carries the output of others that wins",
      "open 3,1*",
      {
        ...{ me: 3, odd: [3], shown: [1, 2], after: AFTER_WINDOW + 40 },
        steps: [committed([1, 2, 3], ENDS), opened([1, 2])],
      },
    ],
    [
      "settles when openings have ended, with an output that was opened before",
      "open 1*",
      { steps: [committed([1, 2, 3], ENDS), opened([1, 2])], shown: [2], after: AFTER_OPENINGS },
    ],
    [
      "leaves settling to the first member for a while",
      "wait",
      { me: 2, steps: [committed([1, 2, 3], ENDS), opened([2, 3])], shown: [3], after: AFTER_OPENINGS + 9 },
    ],
    [
      "clears what too few opened",
      "clear",
      { steps: [committed([1, 2, 3], ENDS), opened([1])], after: AFTER_OPENINGS },
    ],
    [
      "goes on with others after that, and not with those that did not open",
      "commit 4",
      {
        ...{ me: 4, held: [2, 3, 4], after: AFTER_OPENINGS + 4 * TURN },
        steps: [committed([1, 2, 3], ENDS), opened([1]), CLEARED],
      },
    ],
  ])("%s", ([, expected, given]) => {
    expect(show(given)).toBe(expected);
  });

  test("says nothing where members disagree, and carries no output then", () => {
    const steps = [committed([1, 2], ENDS)];
    expect(show({ held: [1, 2], odd: [2], steps, shown: [2], after: AFTER_WINDOW })).toBe("open 1,2");
  });
});
