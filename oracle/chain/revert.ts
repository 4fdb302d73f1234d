import { z } from "zod";
import { isHex } from "../../protocol/bytes.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { ChainError } from "../../protocol/errors.ts";
import { decodeContractError } from "./contract-errors.ts";
import type { RpcFailure } from "./rpc-endpoint.ts";

/** Nodes nest the revert data differently: geth in `data`, some in `data.data`, anvil in `data`. */
const RevertData = z.union([z.string(), z.object({ data: z.string() }).transform(({ data }) => data)]);

/** JSON-RPC code 3 is geth's "execution reverted"; others say so in words. */
const EXECUTION_REVERTED = 3;
/** A call that the EVM ended is no more the server's failure than one that the contract did: another server would say the same. */
const ENDED =
  /revert|out ?of ?gas|gas required exceeds|invalid opcode|invalid jump|stack (?:under|over)flow/i;

export function revertData(failure: RpcFailure): Hex | undefined {
  const parsed = RevertData.safeParse(failure.data);
  const lower = parsed.success ? parsed.data.toLowerCase() : undefined;
  return isHex(lower) ? lower : undefined;
}

function isRevert(failure: RpcFailure): boolean {
  return (
    failure.code === EXECUTION_REVERTED || ENDED.test(failure.message) || revertData(failure) !== undefined
  );
}

/**
 * What a node's refusal of a call means. Nodes agree on no codes for these, so their words are read (geth, erigon,
 * nethermind, reth and anvil use the same ones).
 */
export function toChainError(method: string, failure: RpcFailure | undefined): ChainError {
  if (failure === undefined) {
    return new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: `no reply to ${method}`,
      details: { method },
    });
  }
  const details = { method, rpcCode: failure.code, reason: failure.message.slice(0, 200) };
  if (/insufficient funds/i.test(failure.message)) {
    return new ChainError({
      code: "CHAIN_FUNDS_LOW",
      message: "the transmitter's balance is too low",
      details,
    });
  }
  if (/underpriced|max fee per gas less than block base fee/i.test(failure.message)) {
    return new ChainError({ code: "CHAIN_UNDERPRICED", message: "the node wants a higher fee", details });
  }
  if (isRevert(failure)) {
    const data = revertData(failure);
    const known = data === undefined ? undefined : decodeContractError(data);
    return new ChainError({
      code: "CHAIN_REVERTED",
      message: `the contract refuses: ${known?.text ?? failure.message}`,
      details: { ...details, selector: data?.slice(0, 10) ?? null, error: known?.name ?? null },
    });
  }
  return new ChainError({
    code: "CHAIN_RPC_UNAVAILABLE",
    message: `${method} failed: ${failure.message}`,
    details,
  });
}
