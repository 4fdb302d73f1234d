/**
 * libsecp256k1 compiled to WebAssembly: six times the speed of the enclave's and the verifiers' pure JavaScript, for the two
 * things that the oracle does with each answer. It accepts what `recoverSigner` of the protocol accepts; its tests
 * compare the two.
 */

import { recover, signRecoverable } from "tiny-secp256k1";
import { addressOfPublicKey } from "../../../protocol/answer.ts";
import { fromHex, type Hex } from "../../../protocol/bytes.ts";

/** Half the order of the curve, rounded down: a larger `s` is the malleable twin of a signature (EIP-2). */
const MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/**
 * Whether `signature` (`r ‖ s ‖ v`, low s, v 27 or 28) over `digest` is by the key of `address`.
 *
 * @throws {InputError} INPUT_INVALID for values that are not hex of 32 and 65 bytes
 */
export function isSignedBy(address: Hex, digest: Hex, signature: Hex): boolean {
  const message = fromHex(digest, 32);
  const bytes = fromHex(signature, 65);
  const recoveryId = (bytes[64] ?? 0) - 27;
  if ((recoveryId !== 0 && recoveryId !== 1) || BigInt(`0x${signature.slice(66, 130)}`) > MAX_S) return false;
  try {
    const key = recover(message, bytes.subarray(0, 64), recoveryId, false);
    return key !== null && addressOfPublicKey(key) === address;
  } catch {
    // r or s is out of range.
    return false;
  }
}

export interface RecoverableSignature {
  readonly r: bigint;
  readonly s: bigint;
  readonly yParity: 0 | 1;
}

/** Deterministic (RFC 6979), low s. */
export function signRecoverably(digest: Hex, privateKey: Uint8Array): RecoverableSignature {
  const { signature, recoveryId } = signRecoverable(fromHex(digest, 32), privateKey);
  if (recoveryId !== 0 && recoveryId !== 1) {
    // r beyond the order: one in 2^127 signatures, which Ethereum's transactions cannot carry.
    throw new RangeError("the signature has no parity that a transaction can carry");
  }
  const half = (from: number): bigint =>
    BigInt(`0x${Buffer.from(signature.subarray(from, from + 32)).toString("hex")}`);
  return { r: half(0), s: half(32), yParity: recoveryId };
}
