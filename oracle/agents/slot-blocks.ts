/** The block that a slot's run names: the first at or after the slot's start, with its parent. Whoever searches it finds the same. */

import type { ChainCall } from "../chain/contracts/agent-account.ts";
import { toQuantity } from "../chain/rpc/block.ts";
import { BlockDescription } from "../../runtime/evm/block-header.ts";

export interface SlotBlocks {
  readonly block: BlockDescription;
  readonly parent: BlockDescription;
}

const timeOf = ({ timestamp }: BlockDescription): bigint => BigInt(timestamp);
const numberOf = ({ number }: BlockDescription): number => Number(number);

export function readBlock(call: ChainCall, number: number | "latest"): Promise<BlockDescription> {
  const name = number === "latest" ? number : toQuantity(number);
  return call("eth_getBlockByNumber", [name, false], BlockDescription);
}

/**
 * Steps back from the head, each time twice as far, and halves what is left.
 *
 * @param start seconds
 * @param confirmations blocks on top of it: a reorg of it makes the run worthless
 * @returns null while there is none, or none that is deep enough
 */
export async function findSlotBlocks(
  call: ChainCall,
  start: bigint,
  confirmations: number,
): Promise<SlotBlocks | null> {
  const latest = await readBlock(call, "latest");
  if (timeOf(latest) < start) return null;
  let after = latest;
  let before: BlockDescription | undefined;
  for (let step = 1; before === undefined; step *= 2) {
    if (numberOf(after) === 0) return null;
    const earlier = await readBlock(call, Math.max(0, numberOf(after) - step));
    if (timeOf(earlier) < start) before = earlier;
    else after = earlier;
  }
  while (numberOf(after) - numberOf(before) > 1) {
    const middle = await readBlock(call, Math.floor((numberOf(after) + numberOf(before)) / 2));
    if (timeOf(middle) < start) before = middle;
    else after = middle;
  }
  if (numberOf(latest) - numberOf(after) < confirmations) return null;
  return { block: after, parent: before };
}
