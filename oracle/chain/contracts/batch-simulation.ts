import * as z from "zod";
import type { Hex } from "../../../protocol/bytes.ts";
import { data, quantity, toQuantity } from "../rpc/block.ts";
import { coordinatorInterface } from "./contracts.ts";
import { toChainError } from "../rpc/revert.ts";
import type { RpcPool } from "../rpc/rpc-pool.ts";

/** `eth_simulateV1` (execution-apis): one simulated block, one call in it, with its logs. */
const Simulated = z
  .array(
    z.object({
      calls: z
        .array(
          z.object({
            status: quantity,
            logs: z.array(z.object({ address: data, topics: z.array(data) })).default([]),
          }),
        )
        .length(1),
    }),
  )
  .length(1);

/** JSON-RPC: no such method; and what some nodes say instead. */
const METHOD_NOT_FOUND = -32601;
const UNSUPPORTED = /not (?:found|supported|available)|unsupported|does not exist/i;

const REFUSED_TOPIC = coordinatorInterface.getEvent("BatchItemRefused").topicHash;

export interface BatchCall {
  readonly from: Hex;
  readonly to: Hex;
  readonly data: Hex;
  readonly gasLimit: number;
  /** Seconds: the time of the block that it would be in. */
  readonly time: number;
}

/**
 * The outcome that a batch would have: the requests that the contract would leave out, or that all of it would revert; and
 * `unknown` where the node does not simulate. An `eth_call` would not tell: the contract goes on without what it refuses,
 * and says so only in its log.
 *
 * @throws {ChainError} CHAIN_RPC_UNAVAILABLE
 */
export async function simulateBatch(
  rpc: RpcPool,
  call: BatchCall,
): Promise<
  { readonly kind: "settles"; readonly refused: ReadonlySet<Hex> } | { readonly kind: "reverts" | "unknown" }
> {
  const { from, to, data: input, gasLimit, time } = call;
  const block = {
    blockOverrides: { time: toQuantity(time) },
    calls: [{ from, to, input, gas: toQuantity(gasLimit) }],
  };
  const [reply] = await rpc.send([
    { method: "eth_simulateV1", params: [{ blockStateCalls: [block] }, "latest"] },
  ]);
  if (reply?.ok !== true) {
    if (reply?.failure.code === METHOD_NOT_FOUND || UNSUPPORTED.test(reply?.failure.message ?? ""))
      return { kind: "unknown" };
    throw toChainError("eth_simulateV1", reply?.failure);
  }
  const parsed = Simulated.safeParse(reply.result);
  const result = parsed.success ? parsed.data[0]?.calls[0] : undefined;
  if (result === undefined) return { kind: "unknown" };
  if (result.status !== 1) return { kind: "reverts" };
  const refused = result.logs.filter(({ address, topics }) => address === to && topics[0] === REFUSED_TOPIC);
  return { kind: "settles", refused: new Set(refused.flatMap(({ topics }) => topics[1] ?? [])) };
}
