import { describe, expect, test } from "vitest";
import * as z from "zod";
import { nextStep, type NextStep } from "../../../../oracle/relay/plans/quorum-step.ts";
import { OPENING_SECONDS } from "../../../../oracle/relay/quorum-set.ts";
import type { QuorumMember, QuorumStep } from "../../../../oracle/store/quorums.ts";
import { Answer, answerStructHash, AnswerStatus } from "../../../../protocol/answer.ts";
import type { Hex } from "../../../../protocol/bytes.ts";
import { REQUESTED_AT, word } from "../../support/requests.ts";

const TIME = REQUESTED_AT + 60;
const WINDOW = 30;
const ENDS = TIME + WINDOW;

const answerOf = (id: number): Answer => ({
  requestId: word(1),
  status: AnswerStatus.ok,
  outputHash: word(7),
  transcriptRoot: word(8),
  stateBlockHash: word(3),
  keysetId: word(id),
  answeredAt: BigInt(REQUESTED_AT),
});
const leafOf = (id: number): Hex => answerStructHash(answerOf(id));
const memberOf = (id: number, notBefore = 0): QuorumMember => ({
  keysetId: word(id),
  answer: JSON.stringify(z.encode(Answer, answerOf(id))),
  leafSignature: "0x11",
  output: "0x",
  stateBlockNumber: 10,
  notBefore,
  heldAt: 0,
});
const committed = (ids: readonly number[], windowEndsAt = 0): QuorumStep => ({
  event: "committed",
  leaves: ids.map(leafOf),
  platforms: [],
  windowEndsAt,
});
const opened = (ids: readonly number[]): QuorumStep => ({
  event: "opened",
  leaves: ids.map(leafOf),
  platforms: [],
  windowEndsAt: 0,
});
const cleared: QuorumStep = { event: "cleared", leaves: [], platforms: [], windowEndsAt: 0 };

interface Case {
  readonly steps?: readonly QuorumStep[];
  readonly members?: readonly QuorumMember[];
  readonly time?: number;
  readonly windowSeconds?: number;
}

/** Of a request for two answers: what is done next, and with whose leaves. */
function next({ steps = [], members = [memberOf(1), memberOf(2)], time = TIME, ...rest }: Case): string {
  const step = nextStep(
    { members, steps },
    { threshold: 2, windowSeconds: rest.windowSeconds ?? WINDOW, time },
  );
  return `${step.kind} ${namesOf(step)}`.trimEnd();
}

const namesOf = (step: NextStep): string =>
  "members" in step ? step.members.map(({ keysetId }) => Number(keysetId)).join() : "";

describe("a quorum of two", () => {
  test.for<[string, string, Case]>([
    [
      "commits the leaves that are wanted, and no more",
      "commit 1,2",
      { members: [1, 2, 3].map((id) => memberOf(id)) },
    ],
    ["adds what others left over", "commit 1", { steps: [committed([9])] }],
    ["does not commit the same leaf twice", "commit 2", { steps: [committed([1])] }],
    ["commits and opens in one where there is no window", "fulfill 1,2", { windowSeconds: 0 }],
    ["commits by itself where others did too", "commit 1", { windowSeconds: 0, steps: [committed([9])] }],
    ["waits while the window is open", "wait", { steps: [committed([1, 2], ENDS)], time: ENDS }],
    ["opens when it is over", "open 1,2", { steps: [committed([1, 2], ENDS)], time: ENDS + 1 }],
    ["opens its own, and no other's", "open 1", { steps: [committed([1, 9], ENDS)], time: ENDS + 1 }],
    [
      "waits for the others once its own are open",
      "wait",
      { steps: [committed([1, 9], ENDS), opened([1])], time: ENDS + 2 },
    ],
    [
      "opens until the end of openings",
      "open 2",
      { steps: [committed([1, 2], ENDS), opened([1])], time: ENDS + OPENING_SECONDS },
    ],
    [
      "settles with those that opened when openings have ended, and has their outputs at hand",
      "settle 1,2",
      { steps: [committed([1, 2, 9], ENDS), opened([1, 2])], time: ENDS + OPENING_SECONDS + 1 },
    ],
    [
      "is cleared when too few opened",
      "clear",
      { steps: [committed([1, 9], ENDS), opened([1])], time: ENDS + OPENING_SECONDS + 1 },
    ],
    [
      "goes on with those that opened after it was cleared",
      "commit 2",
      { steps: [committed([1, 9], ENDS), opened([1]), cleared] },
    ],
    [
      "that others committed without it is theirs",
      "wait",
      { steps: [committed([8, 9], ENDS)], time: ENDS + 1 },
    ],
  ])("%s", ([, expected, given]) => {
    expect(next(given)).toBe(expected);
  });

  test("commits what settles late so that its openings begin in time, and opens it then", () => {
    const members = [memberOf(1), memberOf(2, ENDS)];
    expect(next({ members, time: ENDS - WINDOW - 1 })).toBe("wait");
    expect(next({ members, time: ENDS - WINDOW })).toBe("commit 1,2");
    const steps = [committed([1, 2], ENDS - 5)];
    expect(next({ members, steps, time: ENDS - 1 })).toBe("open 1");
    expect(next({ members, steps, time: ENDS })).toBe("open 1,2");
  });
});
