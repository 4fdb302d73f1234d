/** EIP-1559 transactions as bytes: `0x02 ‖ rlp([…])`. RLP: Ethereum Yellow Paper, appendix B. */

import { concatBytes, fromHex, type Hex, toHex } from "../../../protocol/bytes.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import type { RecoverableSignature } from "./secp256k1.ts";
import type { SignedTransaction, UnsignedTransaction } from "./transaction-signer.ts";

const EIP1559_TYPE = new Uint8Array([0x02]);
const STRING = 0x80;
const LIST = 0xc0;
/** The longest content whose length fits the first byte. */
const SHORT = 55;

/** The transaction that `sign` signs: it is given the digest. */
export function signTransaction(
  transaction: UnsignedTransaction,
  sign: (digest: Hex) => RecoverableSignature,
): SignedTransaction {
  const fields = encodeFields(transaction);
  const { r, s, yParity } = sign(keccak(typed(fields)));
  const raw = typed(concatBytes(fields, ...[yParity, r, s].map((value) => encodeString(integer(value)))));
  return { raw: toHex(raw), hash: keccak(raw) };
}

function encodeFields(transaction: UnsignedTransaction): Uint8Array {
  const { chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gasLimit, to, data } = transaction;
  const value = 0;
  return concatBytes(
    ...[chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gasLimit].map((field) =>
      encodeString(integer(field)),
    ),
    encodeString(fromHex(to, 20)),
    encodeString(integer(value)),
    encodeString(fromHex(data)),
    // No access list.
    header(LIST, 0),
  );
}

function typed(fields: Uint8Array): Uint8Array {
  return concatBytes(EIP1559_TYPE, header(LIST, fields.length), fields);
}

function encodeString(bytes: Uint8Array): Uint8Array {
  const [only] = bytes;
  return bytes.length === 1 && only !== undefined && only < STRING
    ? bytes
    : concatBytes(header(STRING, bytes.length), bytes);
}

function header(kind: number, length: number): Uint8Array {
  if (length <= SHORT) return new Uint8Array([kind + length]);
  const size = integer(length);
  return concatBytes(new Uint8Array([kind + SHORT + size.length]), size);
}

/** Big-endian, without leading zeros; zero is empty. */
function integer(value: number | bigint): Uint8Array {
  const digits = value.toString(16);
  return value === 0 || value === 0n
    ? new Uint8Array()
    : fromHex(`0x${digits.length % 2 === 1 ? "0" : ""}${digits}`);
}
