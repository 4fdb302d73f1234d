/** Whether the number that a feed follows has moved away from the feed's newest answer. */

import type { Hex } from "../../../protocol/bytes.ts";
import type { FeedValues } from "../../chain/contracts/push-feed.ts";

export interface Deviation {
  /** Of the newest answer. */
  readonly percent: number;
  /** A view whose first word is the number, in the unit of the answers. */
  readonly to: Hex;
  readonly data: Hex;
}

/** Parts of a percent that are told apart. */
const PARTS = 1_000_000;

/** A feed without an answer deviates from every number. */
export function deviates({ source, newest }: FeedValues, { percent }: Pick<Deviation, "percent">): boolean {
  if (newest === undefined) return true;
  const { value } = newest;
  if (value === undefined) return false;
  const moved = magnitude(source - value);
  if (value === 0n) return moved > 0n;
  return moved * 100n * BigInt(PARTS) >= magnitude(value) * BigInt(Math.round(percent * PARTS));
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
