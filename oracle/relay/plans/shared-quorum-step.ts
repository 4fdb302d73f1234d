/**
 * What a quorum whose members are of several operators needs next, and whether this node is to do it now
 * (docs/adr/0071-operators-share-a-quorum.md). Every step is one that anybody may take on chain. Turns only keep nodes from taking the
 * same one at once: who withholds is overtaken by the next place.
 */

import type { Hex } from "../../../protocol/bytes.ts";
import { Aggregation, type Request } from "../../../protocol/request.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import type { SignedLeaf } from "../../chain/contracts/quorum-call.ts";
import type { SettlingAnswer } from "../../chain/contracts/settlement-call.ts";
import { type Assignment, placeOf, turnAt } from "../asking/assignment.ts";
import { type QuorumSet, MAX_MEMBERS, OPENING_SECONDS, platformTag } from "../quorum-set.ts";
import { carriersAmong, winnerAmong } from "./quorum-outputs.ts";

/** A member's leaf, this node's or another operator's; its answer too, as far as it was shown. */
export interface HeldLeaf extends SignedLeaf {
  readonly isOwn: boolean;
  readonly opening: SettlingAnswer | null;
  /** Seconds: the block time from which the contract takes the answer. */
  readonly notBefore: number;
  /** Milliseconds. */
  readonly heldAt: number;
}

export interface SharedTerms {
  readonly request: Request;
  readonly assignment: Assignment;
  readonly ownKeysets: ReadonlySet<Hex>;
  /** Members beyond the threshold, so that as many that lie or withhold change nothing. */
  readonly spares: number;
  readonly turnSeconds: number;
  /** Seconds that the policy leaves for further leaves. */
  readonly windowSeconds: number;
  /** Seconds before the deadline at which it is too late to begin. */
  readonly settleSeconds: number;
  /** Milliseconds: when the request had its confirmations. */
  readonly releasedAt: number;
  /** Seconds: the time that the next block will have. */
  readonly time: number;
  /** Milliseconds. */
  readonly now: number;
}

export type SharedStep =
  | { readonly kind: "commit"; readonly leaves: readonly HeldLeaf[] }
  /** None are opened where openings have ended and those that there are settle. */
  | {
      readonly kind: "open";
      readonly openings: readonly SettlingAnswer[];
      readonly carrying: ReadonlySet<SettlingAnswer>;
    }
  | { readonly kind: "clear" }
  | { readonly kind: "wait" };

const WAIT: SharedStep = { kind: "wait" };
/** How long whoever has enough leaves waits for those beyond: each transaction is paid by the requester. */
const GATHER_MS = 2_000;
/** Seconds that whoever opens waits for answers of others, who see the window's end when they have read its block. */
const SHOWING_SECONDS = 3;
/** Longest time that one place has before the next one settles or clears: all of it is in one transaction of anybody's. */
const CLOSING_SECONDS = 10;

export function nextSharedStep(held: readonly HeldLeaf[], set: QuorumSet, terms: SharedTerms): SharedStep {
  const { time } = terms;
  if (set.windowEndsAt === 0) return commitStep(held, set, terms);
  if (time < set.windowEndsAt) return additionStep(held, set, terms);
  if (time === set.windowEndsAt) return WAIT;
  return time <= set.windowEndsAt + OPENING_SECONDS
    ? openStep(held, set, terms)
    : closeStep(held, set, terms);
}

function commitStep(held: readonly HeldLeaf[], set: QuorumSet, terms: SharedTerms): SharedStep {
  const { request, now } = terms;
  const room = roomIn(set, terms);
  const leaves = candidates(held, set, terms).slice(0, room);
  const { ownTurn, afterAll } = commitTurns(set, terms);
  if (leaves.length === 0 || now < ownTurn) return WAIT;
  const missing = request.threshold - set.leaves.size;
  if (leaves.length === room) return { kind: "commit", leaves };
  if (leaves.length >= missing) {
    const enoughAt =
      leaves.map(({ heldAt }) => heldAt).sort((a, b) => a - b)[Math.max(0, missing - 1)] ?? now;
    return now >= enoughAt + GATHER_MS ? { kind: "commit", leaves } : WAIT;
  }
  // Somebody has begun; or nobody who could is heard from here, and each commits what it has.
  return set.leaves.size > 0 || now >= afterAll ? { kind: "commit", leaves } : WAIT;
}

/** Whoever committed left this node's leaf out: it has until the window's end to add it. */
function additionStep(held: readonly HeldLeaf[], set: QuorumSet, terms: SharedTerms): SharedStep {
  const own = candidates(held, set, terms).filter(({ isOwn }) => isOwn);
  const leaves = own.slice(0, roomIn(set, terms));
  return leaves.length === 0 ? WAIT : { kind: "commit", leaves };
}

function openStep(held: readonly HeldLeaf[], set: QuorumSet, terms: SharedTerms): SharedStep {
  const { request, time } = terms;
  const closed = held.filter(({ leaf }) => set.leaves.has(leaf) && !set.opened.has(leaf));
  const openings = closed.flatMap(({ opening, notBefore }) =>
    opening !== null && notBefore <= time ? [opening] : [],
  );
  const places = set.leaves.size + 1;
  const ownTurn =
    set.windowEndsAt + placeIn(set, terms) * Math.min(terms.turnSeconds, OPENING_SECONDS / places);
  if (openings.length === 0 || time <= ownTurn) return WAIT;
  const isWhole = openings.length === set.leaves.size - set.opened.size;
  if (!isWhole) {
    return time <= ownTurn + SHOWING_SECONDS
      ? WAIT
      : { kind: "open", openings, carrying: carriersAmong(request, openings) };
  }
  return settling(openings, shown(held, set.leaves), request);
}

function closeStep(held: readonly HeldLeaf[], set: QuorumSet, terms: SharedTerms): SharedStep {
  const { request, time, turnSeconds } = terms;
  const ended = set.windowEndsAt + OPENING_SECONDS;
  if (time <= ended + placeIn(set, terms) * Math.min(turnSeconds, CLOSING_SECONDS)) return WAIT;
  return set.opened.size < request.threshold
    ? { kind: "clear" }
    : settling([], shown(held, set.opened), request);
}

/** The transaction that settles carries the output that wins, whoever opened it, and when. */
function settling(
  openings: readonly SettlingAnswer[],
  all: readonly SettlingAnswer[],
  request: Request,
): SharedStep {
  const winner = winnerAmong(request, all);
  const carrying = new Set(request.aggregation >= Aggregation.median ? numbersOf(openings) : []);
  if (winner === undefined) return { kind: "open", openings, carrying };
  carrying.add(winner);
  const opened = openings.includes(winner) ? openings : [...openings, winner];
  return { kind: "open", openings: opened, carrying };
}

function numbersOf(openings: readonly SettlingAnswer[]): readonly SettlingAnswer[] {
  return openings.filter(({ answer }) => answer.status === AnswerStatus.ok);
}

/** Answers to `leaves`, as far as they are known here. */
function shown(held: readonly HeldLeaf[], leaves: ReadonlySet<Hex>): SettlingAnswer[] {
  return held.flatMap(({ leaf, opening }) => (opening !== null && leaves.has(leaf) ? [opening] : []));
}

/** Leaves that the contract would add now, one of each platform, in the request's order. */
function candidates(
  held: readonly HeldLeaf[],
  set: QuorumSet,
  { assignment, time, windowSeconds }: SharedTerms,
): HeldLeaf[] {
  const { order, platformOf } = assignment;
  const seen = new Set([...set.platforms, ...set.barred]);
  return held
    .flatMap((leaf) => {
      const platform = platformOf.get(leaf.keysetId);
      return platform === undefined
        ? []
        : [{ leaf, rank: order.indexOf(platform), tag: platformTag(platform) }];
    })
    .sort((a, b) => a.rank - b.rank)
    .flatMap(({ leaf, tag }) => {
      // Openings follow the window: so that what settles late is not opened before its time.
      if (set.leaves.has(leaf.leaf) || seen.has(tag) || time < leaf.notBefore - windowSeconds) return [];
      seen.add(tag);
      return [leaf];
    });
}

function roomIn({ leaves }: QuorumSet, { request, spares }: SharedTerms): number {
  return Math.min(MAX_MEMBERS, request.threshold + spares) - leaves.size;
}

/** Milliseconds: when this node may commit what it has, and when everybody's turn is over. */
function commitTurns(
  { clearedAt }: QuorumSet,
  { assignment, ownKeysets, request, releasedAt, turnSeconds, windowSeconds, settleSeconds }: SharedTerms,
): { readonly ownTurn: number; readonly afterAll: number } {
  const place = placeOf(assignment, ownKeysets);
  const last = Number(request.deadline) - windowSeconds - OPENING_SECONDS - settleSeconds;
  const turn = {
    from: Math.max(releasedAt, clearedAt * 1_000),
    until: last * 1_000,
    window: turnSeconds * 1_000,
  };
  return {
    ownTurn: turnAt(assignment, place, turn),
    afterAll: turnAt(assignment, assignment.order.length, turn),
  };
}

/** This node's place among the operators of the set's members: who has none comes after them. */
function placeIn({ platforms }: QuorumSet, { assignment, ownKeysets }: SharedTerms): number {
  const { order, platformOf } = assignment;
  const own = new Set(Array.from(ownKeysets, (keysetId) => platformOf.get(keysetId)));
  const members = order.filter((platform) => platforms.has(platformTag(platform)));
  const place = members.findIndex((platform) => own.has(platform));
  return place === -1 ? members.length : place;
}
