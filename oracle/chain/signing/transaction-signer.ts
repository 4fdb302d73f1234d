import type { Hex } from "../../../protocol/bytes.ts";

/** An EIP-1559 transaction, complete but for its signature. */
export interface UnsignedTransaction {
  readonly chainId: number;
  readonly nonce: number;
  readonly to: Hex;
  readonly data: Hex;
  readonly gasLimit: number;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

export interface SignedTransaction {
  readonly hash: Hex;
  readonly raw: Hex;
}

/** Whoever holds a transmitter key: a keystore file here, or a remote signer. */
export interface TransactionSigner {
  readonly address: Hex;
  sign(transaction: UnsignedTransaction): Promise<SignedTransaction>;
  /** Whether it could sign now. @throws {ChainError} CHAIN_SIGNER_UNAVAILABLE */
  check(): Promise<void>;
}
