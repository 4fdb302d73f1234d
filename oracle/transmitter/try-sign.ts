import { ChainError } from "../../protocol/errors.ts";
import type {
  SignedTransaction,
  TransactionSigner,
  UnsignedTransaction,
} from "../chain/signing/transaction-signer.ts";
import type { Logger } from "../log.ts";

/** @returns `undefined` when the key is behind a signer that is away: other keys go on */
export async function trySign(
  signer: TransactionSigner,
  transaction: UnsignedTransaction,
  log: Logger,
): Promise<SignedTransaction | undefined> {
  try {
    return await signer.sign(transaction);
  } catch (error) {
    if (!(error instanceof ChainError) || error.code !== "CHAIN_SIGNER_UNAVAILABLE") throw error;
    log.warn("signer.unavailable", { address: signer.address, error });
    return undefined;
  }
}
