/** The store's record of a transaction, from the signing on. */

import type { Hex } from "../../../protocol/bytes.ts";
import type { StoreSchema } from "../schema.ts";

export type TransactionKind = StoreSchema["transactions"]["kind"];

/** A signed attempt: bytes ready to broadcast. */
export interface SignedAttempt {
  readonly hash: Hex;
  readonly raw: Hex;
  readonly maxFee: bigint;
  readonly priorityFee: bigint;
}

export interface NewTransaction extends SignedAttempt {
  readonly chainId: number;
  readonly signer: Hex;
  readonly nonce: number;
  readonly kind: TransactionKind;
  readonly to: Hex;
  readonly data: Hex;
  readonly gasLimit: number;
  /** Wei per gas. */
  readonly feeCap: bigint;
  readonly requestIds: readonly Hex[];
}

/** The offer under one hash; the bytes stay in the store. */
export type OpenAttempt = Omit<SignedAttempt, "raw">;

export interface OpenTransaction {
  readonly id: number;
  readonly signer: Hex;
  readonly nonce: number;
  readonly kind: TransactionKind;
  readonly gasLimit: number;
  /** Wei per gas that what it does is worth; `undefined` where that is not known. */
  readonly feeCap: bigint | undefined;
  /** Milliseconds. */
  readonly sentAt: number;
  /** Oldest first; at least one. */
  readonly attempts: readonly OpenAttempt[];
}

/** The work that a replacement must do as well. */
export interface TransactionCall {
  readonly to: Hex;
  readonly data: Hex;
  readonly gasLimit: number;
}
