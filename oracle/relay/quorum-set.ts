/** The members of a quorum that the chain holds, as its events tell. */

import type { Hex } from "../../protocol/bytes.ts";
import type { QuorumStep } from "../store/quorums.ts";

/** Seconds after the window in which leaves are opened (docs/reference/protocol.md, Quorums). */
export const OPENING_SECONDS = 60;
/** Leaves that one set holds at most. */
export const MAX_MEMBERS = 8;

export interface QuorumSet {
  readonly leaves: ReadonlySet<Hex>;
  readonly opened: ReadonlySet<Hex>;
  /** Tags of the members' platforms. */
  readonly platforms: ReadonlySet<string>;
  /** Tags of platforms that did not open in a set that was cleared: the contract takes no leaf of theirs any more. */
  readonly barred: ReadonlySet<string>;
  /** Seconds; 0 while there are too few leaves. */
  readonly windowEndsAt: number;
  /** Seconds: the end of the openings of the last set that was cleared; 0 before. */
  readonly clearedAt: number;
}

/** `0x` and the 11 bytes of a platform's id that the coordinator keeps. */
const PLATFORM_TAG_CHARS = 24;

/** What a quorum tells platforms apart by. */
export function platformTag(platform: Hex): string {
  return platform.slice(0, PLATFORM_TAG_CHARS);
}

/** What was cleared keeps its opened leaves, and waits for others. */
export function readQuorumSet(steps: readonly QuorumStep[]): QuorumSet {
  let members = new Map<Hex, string | undefined>();
  const opened = new Set<Hex>();
  const barred = new Set<string>();
  let windowEndsAt = 0;
  let clearedAt = 0;
  for (const step of steps) {
    if (step.event === "cleared") {
      for (const [leaf, tag] of members) if (tag !== undefined && !opened.has(leaf)) barred.add(tag);

      members = new Map([...members].filter(([leaf]) => opened.has(leaf)));
      clearedAt = windowEndsAt + OPENING_SECONDS;
      windowEndsAt = 0;
    } else if (step.event === "opened") {
      for (const leaf of step.leaves) opened.add(leaf);
    } else {
      for (const [index, leaf] of step.leaves.entries()) {
        const platform = step.platforms[index];
        members.set(leaf, platform === undefined ? undefined : platformTag(platform));
      }
      windowEndsAt = Math.max(windowEndsAt, step.windowEndsAt);
    }
  }
  return {
    leaves: new Set(members.keys()),
    opened,
    platforms: new Set([...members.values()].filter((tag) => tag !== undefined)),
    barred,
    windowEndsAt,
    clearedAt,
  };
}
