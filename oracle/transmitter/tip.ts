/**
 * The priority fee of now. A server can name any, and is paid for nothing when it names too much: so several are asked, and
 * none is believed beyond what recent blocks paid.
 */

import * as z from "zod";
import { ChainError } from "../../protocol/errors.ts";
import type { ChainContext } from "../chain-context.ts";
import { bigQuantity } from "../chain/rpc/block.ts";
import type { RpcCall, RpcEndpoint, RpcReply } from "../chain/rpc/rpc-endpoint.ts";
import type { RpcPool } from "../chain/rpc/rpc-pool.ts";
import { least } from "./fees.ts";

const GWEI = 1_000_000_000n;
/** Where no server suggests any, nor has seen any paid; and never bounded below it by blocks that were empty. */
const DEFAULT_TIP = GWEI;
const MAX_TIP = 50n * GWEI;
/** Of what recent blocks paid: an offer that is too low is raised when nobody mines it. */
const HEADROOM = 3n;
/** How long a priority fee is offered that was read. */
const TIP_MS = 3_000;
/** More would add nothing: two that agree outvote a third. */
const MOST_ASKED = 3;
/** Blocks, and the share of each block's gas that paid less, in percent. */
const HISTORY: RpcCall = { method: "eth_feeHistory", params: ["0x14", "latest", [60]] };
const SUGGESTION: RpcCall = { method: "eth_maxPriorityFeePerGas", params: [] };

const FeeHistory = z.object({
  reward: z.array(z.array(bigQuantity).min(1)),
  gasUsedRatio: z.array(z.number()).default([]),
});

export interface TipOptions extends Pick<ChainContext, "rpc" | "now"> {
  /** Wei per gas. */
  readonly maxTip?: bigint;
}

export class Tip {
  readonly #options: TipOptions;
  #last: { readonly value: bigint; readonly readAt: number } | undefined;

  constructor(options: TipOptions) {
    this.#options = options;
  }

  async read(): Promise<bigint> {
    const { rpc, now, maxTip } = this.#options;
    if (this.#last === undefined || now() - this.#last.readAt > TIP_MS)
      this.#last = { value: await readTip(rpc, maxTip), readAt: now() };
    return this.#last.value;
  }
}

/** The lower middle of what the servers suggest, bounded by the lower middle of what they saw paid, and by `maxTip`. */
export async function readTip(rpc: Pick<RpcPool, "serving">, maxTip: bigint = MAX_TIP): Promise<bigint> {
  const opinions = await Promise.all(rpc.serving().slice(0, MOST_ASKED).map(readOpinion));
  const suggested =
    middle(opinions.flatMap(({ suggestion }) => suggestion ?? [])) ??
    middle(opinions.flatMap(({ paidWhereUsed }) => paidWhereUsed ?? [])) ??
    DEFAULT_TIP;
  const paid = middle(opinions.flatMap(({ paid: seen }) => seen ?? []));
  const bounded = paid === undefined ? suggested : least(suggested, largest(HEADROOM * paid, DEFAULT_TIP));
  return least(bounded, maxTip);
}

interface Opinion {
  readonly suggestion: bigint | undefined;
  /** The priority fee of the middle one of the recent blocks. */
  readonly paid: bigint | undefined;
  /** The same of those that held transactions: what stands for a suggestion where none is served. On a rollup that is far below a gwei. */
  readonly paidWhereUsed: bigint | undefined;
}

const NO_OPINION: Opinion = { suggestion: undefined, paid: undefined, paidWhereUsed: undefined };

async function readOpinion(endpoint: RpcEndpoint): Promise<Opinion> {
  try {
    const [suggestion, history] = await endpoint.send([SUGGESTION, HISTORY]);
    const { reward = [], gasUsedRatio = [] } = parsed(FeeHistory, history) ?? {};
    const rewards = reward.map(([paid = 0n]) => paid);
    return {
      suggestion: parsed(bigQuantity, suggestion),
      paid: middle(rewards),
      paidWhereUsed: middle(rewards.filter((_, index) => (gasUsedRatio[index] ?? 0) > 0)),
    };
  } catch (error) {
    // A server that cannot be asked has no opinion.
    if (error instanceof ChainError) return NO_OPINION;
    throw error;
  }
}

function parsed<Schema extends z.ZodType>(
  schema: Schema,
  reply: RpcReply | undefined,
): z.output<Schema> | undefined {
  return reply?.ok === true ? schema.safeParse(reply.result).data : undefined;
}

function middle(values: readonly bigint[]): bigint | undefined {
  const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

function largest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
