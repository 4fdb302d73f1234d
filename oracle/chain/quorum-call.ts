/**
 * What settles a request of several answers: the members' leaves are committed, and opened when the window is over
 * (docs/reference/protocol.md, Quorums).
 */

import type { Hex } from "../../protocol/bytes.ts";
import type { Request } from "../../protocol/request.ts";
import { Aggregation } from "../../protocol/request.ts";
import type { AbiPart } from "./call-data.ts";
import {
  answerWords,
  bytes,
  dynamicArray,
  dynamicTuple,
  encodeCall,
  requestWords,
  uint,
  word,
} from "./call-data.ts";
import { coordinatorInterface as coordinator } from "./contracts.ts";
import type { SettlingAnswer } from "./settlement-call.ts";
import { carriesOutput, TRANSACTION_GAS } from "./settlement-call.ts";

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

export function encodeOpenQuorum(request: Request, openings: readonly SettlingAnswer[]): Hex {
  return encodeCall(OPEN, [requestWords(request), toOpeningParts(request, openings)]);
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
    toOpeningParts(request, openings),
  ]);
}

export function encodeClearQuorum(request: Request): Hex {
  return encodeCall(CLEAR, [requestWords(request)]);
}

function toLeafPart({ leaf, keysetId, signature }: SignedLeaf): AbiPart {
  return dynamicTuple([word(leaf), word(keysetId), bytes(signature)]);
}

/** A median computes with every output; of those that agree, one is enough for the calldata. */
function toOpeningParts(request: Request, openings: readonly SettlingAnswer[]): AbiPart {
  const carried = new Set<Hex>();
  return dynamicArray(
    openings.map(({ answer, output, stateBlockNumber }) => {
      const isCarried =
        carriesOutput(request) &&
        (request.aggregation >= Aggregation.median || !carried.has(answer.outputHash));
      carried.add(answer.outputHash);
      return dynamicTuple([answerWords(answer), uint(stateBlockNumber), bytes(isCarried ? output : "0x")]);
    }),
  );
}

/** A leaf's signature, its admission, and the slots that keep it and its platform; and a margin. Unused gas is not paid. */
const GAS_PER_LEAF = 150_000;

export function commitGasLimit(leaves: number): number {
  return TRANSACTION_GAS + GAS_PER_LEAF * leaves;
}
