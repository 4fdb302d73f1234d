import { TypedDataEncoder } from "ethers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { paymentHash } from "../../protocol/payment.ts";
import type { Hex } from "../../protocol/bytes.ts";

const hex = (bytes: number): fc.Arbitrary<Hex> =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((array): Hex => `0x${Buffer.from(array).toString("hex")}`);
const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
const token = fc.record({
  chainId: uint256,
  address: hex(20),
  name: fc.string({ unit: "grapheme" }),
  version: fc.string(),
});
const authorization = fc.record({
  ...{ from: hex(20), to: hex(20), value: uint256 },
  ...{ validAfter: uint256, validBefore: uint256, nonce: hex(32) },
});
/** ERC-3009, in its order. */
const TYPES = {
  TransferWithAuthorization: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "validAfter", type: "uint256" },
    { name: "validBefore", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
};

test("a payment's hash is the EIP-712 digest of ERC-3009's authorization, as another library reckons it", () => {
  fc.assert(
    fc.property(token, authorization, ({ address: verifyingContract, ...named }, given) => {
      const digest = TypedDataEncoder.hash({ ...named, verifyingContract }, TYPES, given);
      expect(paymentHash({ ...named, address: verifyingContract }, given)).toBe(digest);
    }),
  );
});
