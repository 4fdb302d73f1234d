/**
 * A payment for one call by x402's scheme `exact`: an ERC-3009 authorization, which its payer signs and which a token takes once.
 * Its hash is what the payer signed, so that an answer whose context is that hash is the answer that was paid for.
 */

import { concatBytes, fromHex, type Hex } from "./bytes.ts";
import { addressWord, bytes32Word, hashWords, keccak, keccakText, uintWord } from "./struct-hash.ts";

const DOMAIN_TYPEHASH = keccakText(
  "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
);
const AUTHORIZATION_TYPEHASH = keccakText(
  "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)",
);
const EIP191_STRUCTURED = new Uint8Array([0x19, 0x01]);

/** The token that a payment is made in, as its EIP-712 domain names it. */
export interface PaymentToken {
  readonly chainId: bigint;
  readonly address: Hex;
  readonly name: string;
  readonly version: string;
}

export interface PaymentAuthorization {
  readonly from: Hex;
  readonly to: Hex;
  readonly value: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly nonce: Hex;
}

/** The EIP-712 digest that the payer signs: the same however the payment is written down, and another for every other payment. */
export function paymentHash(token: PaymentToken, authorization: PaymentAuthorization): Hex {
  const domain = hashWords(DOMAIN_TYPEHASH, [
    bytes32Word(keccakText(token.name)),
    bytes32Word(keccakText(token.version)),
    uintWord(token.chainId),
    addressWord(token.address),
  ]);
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const struct = hashWords(AUTHORIZATION_TYPEHASH, [
    addressWord(from),
    addressWord(to),
    uintWord(value),
    uintWord(validAfter),
    uintWord(validBefore),
    bytes32Word(nonce),
  ]);
  return keccak(concatBytes(EIP191_STRUCTURED, fromHex(domain, 32), fromHex(struct, 32)));
}
