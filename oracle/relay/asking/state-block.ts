import * as z from "zod";
import type { Hex } from "../../../protocol/bytes.ts";
import { StateBlock } from "../../../protocol/state-block.ts";
import type { OpenRequest } from "../../store/answers.ts";
import { readBlockHash } from "../../store/blocks.ts";
import type { Store } from "../../store/store.ts";

/**
 * The block that an answer to the request is bound to: the request's own, whose confirmations were awaited already. Every node
 * names the same, so that an enclave asked twice is never asked for two; and a reorg that replaces it drops the request too
 * (docs/adr/0035-answers-are-bound-to-their-request-s-block.md).
 */
export function stateBlockOf({
  blockNumber,
  blockHash,
}: Pick<OpenRequest, "blockNumber" | "blockHash">): StateBlock {
  return { number: BigInt(blockNumber), hash: blockHash };
}

/** In the JSON form of the enclave's API. */
export function toStateBlockJson(block: StateBlock): string {
  return JSON.stringify(z.encode(StateBlock, block));
}

/**
 * Whether the coordinator could take an answer to the request that is bound to `block`, as far as was read. An enclave keeps to
 * the first block that anybody named to it: one that a reorg replaced since, or that never was, stays in its answer for good.
 */
export async function canSettleWith(
  store: Store,
  open: OpenRequest,
  { number, hash }: StateBlock,
): Promise<boolean> {
  if (number < BigInt(open.blockNumber)) return false;
  if (number === BigInt(open.blockNumber)) return hash === open.blockHash;
  const known: Hex | undefined = await readBlockHash(store, open.chainId, Number(number));
  return known === undefined || known === hash;
}
