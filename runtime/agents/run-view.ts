/** What a program is told of a view of a contract: run over what a server showed, and proven, or what is still to be shown. */

import type { Json } from "../../protocol/canonical-json.ts";
import { verifyBlock } from "../evm/block-header.ts";
import { ProofRefused } from "../evm/proof-refused.ts";
import type { CallOutcome, CallWorld, ShownAccount, StateCall } from "../evm/proven-call.ts";
import { encodeCall, parseView, returnedValues, type View } from "../evm/view.ts";
import type { ViewArgs } from "./call-args.ts";

export interface PlannedView {
  readonly view: View;
  readonly world: CallWorld;
  readonly call: StateCall;
  readonly shown: readonly ShownAccount[];
}

/** @throws {ProofRefused} for another block than the one of that hash; {InputError} INPUT_INVALID for arguments that do not fit */
export function planView({ block, hash, chainId, to, signature, args, shown }: ViewArgs): PlannedView {
  const header = verifyBlock(block);
  if (hash !== null && header.hash !== hash)
    throw new ProofRefused("header", `it is of block ${header.hash}, and ${hash} was asked for`);
  const view = parseView(signature);
  const world = { header, chainId: chainId === null ? null : BigInt(chainId) };
  return { view, world, call: { to, data: encodeCall(view, args) }, shown };
}

/** @throws {InputError} INPUT_INVALID for a view that returns something else */
export function toldOfView(
  { view, call }: PlannedView,
  outcome: Extract<CallOutcome, { readonly kind: "returned" | "missing" }>,
): Json {
  if (outcome.kind === "returned") return { data: call.data, values: returnedValues(view, outcome.data) };
  const { address, slot, isCode } = outcome;
  return { data: call.data, missing: { address, slot, isCode } };
}
