import * as z from "zod";
import { ChainError } from "../../protocol/errors.ts";

/** A hundred ether, in wei: the network's chain gives money to whoever asks. */
const FUNDS = "0x56bc75e2d63100000";

const Reply = z.object({ error: z.object({ message: z.string() }).optional() });

/**
 * Gives an account of a local chain a hundred ether.
 *
 * @throws {ChainError} CHAIN_RPC_UNAVAILABLE when the chain cannot be reached, or gives no money
 */
export async function fundAccount(rpcUrl: string, address: string): Promise<void> {
  const call = { jsonrpc: "2.0", id: 1, method: "anvil_setBalance", params: [address, FUNDS] };
  const unavailable = (why: string, cause?: unknown): ChainError =>
    new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: `the chain at ${rpcUrl} gives no money to ${address} (${why}): only the local one of adyton up does`,
      cause,
    });
  let reply: z.output<typeof Reply>;
  try {
    const response = await fetch(rpcUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(call),
    });
    reply = Reply.parse(await response.json());
  } catch (cause) {
    throw unavailable("it does not answer", cause);
  }
  if (reply.error !== undefined) throw unavailable(reply.error.message);
}
