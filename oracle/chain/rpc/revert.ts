import * as z from "zod";
import { type Hex, isHex } from "../../../protocol/bytes.ts";
import { ChainError } from "../../../protocol/errors.ts";
import { decodeContractError } from "../abi/contract-errors.ts";
import { meaningOf } from "./client-errors.ts";
import type { RpcFailure } from "./rpc-endpoint.ts";

/** Nodes nest the revert data differently: geth in `data`, some in `data.data`, anvil in `data`. */
const RevertData = z.union([z.string(), z.object({ data: z.string() }).transform(({ data }) => data)]);

/** JSON-RPC code 3 is geth's "execution reverted"; others say so in words. */
const EXECUTION_REVERTED = 3;

export function revertData(failure: RpcFailure): Hex | undefined {
  const parsed = RevertData.safeParse(failure.data);
  const lower = parsed.success ? parsed.data.toLowerCase() : undefined;
  return isHex(lower) ? lower : undefined;
}

function isRevert(failure: RpcFailure): boolean {
  return (
    failure.code === EXECUTION_REVERTED || meaningOf(failure) === "ended" || revertData(failure) !== undefined
  );
}

/**
 * The meaning of a node's refusal of a call, by its words (`client-errors.ts`). Words that nobody has explained are
 * CHAIN_RPC_REFUSED: the server is there, and another one may know better.
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
  const meaning = meaningOf(failure, method);
  if (meaning === "funds-low") {
    return new ChainError({
      code: "CHAIN_FUNDS_LOW",
      message: "the transmitter's balance is too low",
      details,
    });
  }
  if (meaning === "underpriced")
    return new ChainError({ code: "CHAIN_UNDERPRICED", message: "the node wants a higher fee", details });
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
    code: meaning === "limited" || meaning === "away" ? "CHAIN_RPC_UNAVAILABLE" : "CHAIN_RPC_REFUSED",
    message: `${method} failed: ${failure.message}`,
    details,
  });
}
