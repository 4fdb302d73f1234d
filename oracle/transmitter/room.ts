import type { OpenTransaction } from "../store/transactions/transaction.ts";

/** How much a chain's keys may send now. */
export interface Room {
  /** Transactions that may be sent besides those in flight. */
  readonly free: number;
  /** Transactions that the keys which can send may have in flight together. */
  readonly all: number;
  readonly pending: readonly OpenTransaction[];
}
