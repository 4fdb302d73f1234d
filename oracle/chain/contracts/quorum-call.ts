/**
 * The calls that settle a request of several answers: the members' leaves are committed, and opened when the window is over
 * (docs/reference/protocol.md, Quorums).
 */

import { AnswerStatus } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { Aggregation, type Request } from "../../../protocol/request.ts";
import {
  type AbiPart,
  answerWords,
  bytes,
  dynamicArray,
  dynamicTuple,
  encodeCall,
  requestWords,
  uint,
  word,
} from "../abi/call-data.ts";
import { coordinatorInterface as coordinator } from "./contracts.ts";
import { carriesOutput, type SettlingAnswer, TRANSACTION_GAS } from "./settlement-call.ts";

type CallName = "commitQuorum" | "openQuorum" | "clearQuorum" | "fulfillQuorum";
const selectorOf = (name: CallName): string => coordinator.getFunction(name).selector;
const COMMIT = selectorOf("commitQuorum");
const OPEN = selectorOf("openQuorum");
const CLEAR = selectorOf("clearQuorum");
const FULFILL = selectorOf("fulfillQuorum");

/** `SignedLeaf`: a member's commitment. */
export interface SignedLeaf {
  readonly leaf: Hex;
  readonly keysetId: Hex;
  readonly signature: Hex;
}

export function encodeCommitQuorum(request: Request, leaves: readonly SignedLeaf[]): Hex {
  return encodeCall(COMMIT, [requestWords(request), dynamicArray(leaves.map(toLeafPart))]);
}

/** @param carrying those whose output goes along; where all are opened at once, it follows from them */
export function encodeOpenQuorum(
  request: Request,
  openings: readonly SettlingAnswer[],
  carrying: ReadonlySet<SettlingAnswer> = carriersAmong(request, openings),
): Hex {
  return encodeCall(OPEN, [requestWords(request), toOpeningParts(openings, carrying)]);
}

/** Commit and open in one: where the policy has no window. */
export function encodeFulfillQuorum(
  request: Request,
  leaves: readonly SignedLeaf[],
  openings: readonly SettlingAnswer[],
): Hex {
  return encodeCall(FULFILL, [
    requestWords(request),
    dynamicArray(leaves.map(toLeafPart)),
    toOpeningParts(openings, carriersAmong(request, openings)),
  ]);
}

export function encodeClearQuorum(request: Request): Hex {
  return encodeCall(CLEAR, [requestWords(request)]);
}

function toLeafPart({ leaf, keysetId, signature }: SignedLeaf): AbiPart {
  return dynamicTuple([word(leaf), word(keysetId), bytes(signature)]);
}

function toOpeningParts(openings: readonly SettlingAnswer[], carrying: ReadonlySet<SettlingAnswer>): AbiPart {
  return dynamicArray(
    openings.map((opening) => {
      const { answer, output, stateBlockNumber } = opening;
      const carried = carrying.has(opening) ? output : "0x";
      return dynamicTuple([answerWords(answer), uint(stateBlockNumber), bytes(carried)]);
    }),
  );
}

/** A median computes with every output; of what most members share, one is enough, and no other is taken. */
function carriersAmong(request: Request, openings: readonly SettlingAnswer[]): ReadonlySet<SettlingAnswer> {
  const { aggregation } = request;
  if (!carriesOutput(request)) return new Set();
  if (aggregation >= Aggregation.median)
    return new Set(openings.filter(({ answer }) => answer.status === AnswerStatus.ok));
  const alike = [...Map.groupBy(openings, ({ answer }) => `${answer.status} ${answer.outputHash}`).values()];
  const [most, next] = alike.sort((one, other) => other.length - one.length);
  const isTie = most?.length === next?.length;
  return new Set(most === undefined || isTie ? [] : most.slice(0, 1));
}

/** A leaf's signature, its admission, and the slots that keep it and its platform; and a margin. Unused gas is not paid. */
const GAS_PER_LEAF = 150_000;

export function commitGasLimit(leaves: number): number {
  return TRANSACTION_GAS + GAS_PER_LEAF * leaves;
}
