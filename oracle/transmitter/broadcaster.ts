import { fromHex, type Hex } from "../../protocol/bytes.ts";
import type { ChainError } from "../../protocol/errors.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { ChainContext } from "../chain-context.ts";
import { meaningOf } from "../chain/rpc/client-errors.ts";
import { toChainError } from "../chain/rpc/revert.ts";
import type { RpcReply } from "../chain/rpc/rpc-endpoint.ts";
import type { OpenTransaction } from "../store/transactions/transaction.ts";
import type { Shortfall } from "./shortfall.ts";

export interface BroadcasterOptions extends Pick<ChainContext, "rpc" | "log"> {
  readonly shortfall: Shortfall;
  /** "all" endpoints that serve, by default; "one" where a chain has no mempool that they share. */
  readonly broadcast?: "all" | "one";
}

/** Hands signed bytes to the network by every server that serves, and notes what none of them took. */
export class Broadcaster {
  readonly #options: BroadcasterOptions;
  /** Transactions whose newest bytes no server took. */
  readonly #unsent = new Set<number>();

  constructor(options: BroadcasterOptions) {
    this.#options = options;
  }

  /** Whether no server took it: nobody has refused its fee, and a higher one would change nothing. */
  isUnsent(id: number): boolean {
    return this.#unsent.has(id);
  }

  /**
   * @param transactions those that the bytes are of
   * @throws {ChainError} CHAIN_RPC_UNAVAILABLE when no server could be reached
   */
  async broadcast(signed: readonly Hex[], transactions: readonly OpenTransaction[]): Promise<void> {
    const { rpc, shortfall, broadcast, log } = this.#options;
    if (signed.length === 0) return;
    for (const { id } of transactions) this.#unsent.add(id);
    const replies = await rpc.broadcast(
      signed.map((raw) => ({ method: "eth_sendRawTransaction", params: [raw] })),
      broadcast,
    );
    const byHash = new Map(transactions.flatMap((one) => one.attempts.map(({ hash }) => [hash, one.id])));
    signed.forEach((raw, index) => {
      const error = refusalOf(replies[index] ?? []);
      const hash = keccak(fromHex(raw));
      const id = byHash.get(hash);
      if (id !== undefined) {
        if (error === undefined || isOfFee(error)) this.#unsent.delete(id);
        shortfall.note(id, error);
      }
      if (error !== undefined) log.warn("transaction.refused", { hash, error });
    });
  }
}

/** `undefined` when one of them has it; else what the most telling of them said. */
function refusalOf(replies: readonly RpcReply[]): ChainError | undefined {
  const isThere = (reply: RpcReply): boolean => reply.ok || meaningOf(reply.failure) === "known";
  if (replies.some(isThere)) return undefined;
  const errors = replies.map((reply) =>
    toChainError("eth_sendRawTransaction", reply.ok ? undefined : reply.failure),
  );
  return (
    errors.find(({ code }) => TELLING.has(code)) ??
    errors[0] ??
    toChainError("eth_sendRawTransaction", undefined)
  );
}

const TELLING: ReadonlySet<string> = new Set(["CHAIN_FUNDS_LOW", "CHAIN_UNDERPRICED", "CHAIN_REVERTED"]);

/** A server that refuses the fee has seen it: a higher one is the answer. */
function isOfFee({ code }: ChainError): boolean {
  return code === "CHAIN_UNDERPRICED";
}
