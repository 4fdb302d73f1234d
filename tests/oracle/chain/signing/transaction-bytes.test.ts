import { Wallet } from "ethers";
import { expect, test } from "vitest";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { isSignedBy, signRecoverably } from "../../../../oracle/chain/signing/secp256k1.ts";
import type { UnsignedTransaction } from "../../../../oracle/chain/signing/transaction-signer.ts";
import { signTransaction } from "../../../../oracle/chain/signing/transaction-bytes.ts";
import { addressOfPublicKey, recoverSigner, signDigest } from "../../../../protocol/answer.ts";
import { fromHex, type Hex, toHex, toUtf8 } from "../../../../protocol/bytes.ts";
import { keccak } from "../../../../protocol/struct-hash.ts";

const KEY = fromHex(keccak(toUtf8("a key of the tests")), 32);
const ADDRESS = addressOfPublicKey(secp256k1.getPublicKey(KEY, false));
const DIGEST = keccak(toUtf8("digest"));
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const TRANSACTION: UnsignedTransaction = {
  chainId: 31_337,
  nonce: 0,
  to: `0x${"c0".repeat(20)}`,
  data: "0x",
  gasLimit: 21_000,
  maxFeePerGas: 10n ** 9n,
  maxPriorityFeePerGas: 0n,
};

test.for([
  ["no data and zeros", {}],
  ["one byte of data below 0x80", { data: "0x7f" }],
  ["one byte of data from 0x80", { data: "0x80", nonce: 128 }],
  ["the longest short data", { data: `0x${"ab".repeat(55)}` }],
  ["the shortest long data", { data: `0x${"ab".repeat(56)}`, nonce: 127 }],
  ["data of three length bytes", { data: `0x${"00".repeat(70_000)}`, nonce: 256 }],
  [
    "large integers",
    { chainId: 2 ** 40, gasLimit: 16_000_000, maxFeePerGas: 2n ** 90n, maxPriorityFeePerGas: 255n },
  ],
] as const)("a transaction with %s has the bytes that ethers gives it", async ([, change]) => {
  const transaction: UnsignedTransaction = { ...TRANSACTION, ...change };
  const expected = await new Wallet(toHex(KEY)).signTransaction({ type: 2, value: 0n, ...transaction });
  const { raw, hash } = signTransaction(transaction, (digest) => signRecoverably(digest, KEY));
  expect(raw).toBe(expected);
  expect(hash).toBe(keccak(fromHex(raw)));
});

test("many signatures are those of the protocol's own signer, and are known by it", () => {
  for (let round = 0; round < 50; round += 1) {
    const digest = keccak(toUtf8(`round ${round}`));
    const signature = signDigest(digest, KEY);
    expect(isSignedBy(ADDRESS, digest, signature)).toBe(true);
    const { r, s, yParity } = signRecoverably(digest, KEY);
    const word = (value: bigint): string => value.toString(16).padStart(64, "0");
    expect(`0x${word(r)}${word(s)}${(27 + yParity).toString(16)}`).toBe(signature);
  }
});

const good = signDigest(DIGEST, KEY);
const word = (value: bigint): string => value.toString(16).padStart(64, "0");
const s = BigInt(`0x${good.slice(66, 130)}`);
const v = good.slice(130);
const otherV = v === "1b" ? "1c" : "1b";

test.for([
  ["another digest", keccak(toUtf8("other")), good],
  ["the malleable twin", DIGEST, `${good.slice(0, 66)}${word(ORDER - s)}${otherV}`],
  ["the other parity", DIGEST, `${good.slice(0, 130)}${otherV}`],
  ["v of no meaning", DIGEST, `${good.slice(0, 130)}00`],
  ["v as a parity", DIGEST, `${good.slice(0, 130)}01`],
  ["r of zero", DIGEST, `0x${word(0n)}${good.slice(66)}`],
  ["r of the order", DIGEST, `0x${word(ORDER)}${good.slice(66)}`],
  ["s of zero", DIGEST, `${good.slice(0, 66)}${word(0n)}${v}`],
  ["r of no point", DIGEST, `0x${word(5n)}${good.slice(66)}`],
] as const)("as the protocol does, refuses %s", ([, digest, signature]) => {
  const byProtocol = (): boolean => {
    try {
      return recoverSigner(digest, signature as Hex) === ADDRESS;
    } catch {
      return false;
    }
  };
  expect(byProtocol()).toBe(false);
  expect(isSignedBy(ADDRESS, digest, signature as Hex)).toBe(false);
});

test("every bit of a signature counts", () => {
  const bytes = fromHex(good, 65);
  for (let bit = 0; bit < 65 * 8; bit += 1) {
    const flipped = bytes.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    expect(isSignedBy(ADDRESS, DIGEST, toHex(flipped))).toBe(false);
  }
});
