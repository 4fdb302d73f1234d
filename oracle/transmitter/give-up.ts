import type { DataPrice } from "../chain/data-price.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { TransactionCall } from "../store/transactions/transaction.ts";

/** Of a transfer to an account without code. */
const TRANSFER_GAS = 21_000;

/** A transfer of nothing to oneself: uses a nonce up, and does nothing else. */
export function giveUp(to: Hex, price: DataPrice): TransactionCall {
  return { to, data: "0x", gasLimit: TRANSFER_GAS + price.gas(0) };
}
