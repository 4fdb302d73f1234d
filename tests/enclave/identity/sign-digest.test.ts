import { secp256k1 } from "@noble/curves/secp256k1.js";
import { expect, test } from "vitest";
import { signDigest } from "../../../enclave/identity/sign-digest.ts";
import { recoverSigner, signDigest as signByProtocol, addressOfPublicKey } from "../../../protocol/answer.ts";
import { fromHex, toUtf8 } from "../../../protocol/bytes.ts";
import { keccak } from "../../../protocol/struct-hash.ts";

test("signs what the protocol's own signer signs, byte for byte", () => {
  for (let round = 0; round < 100; round += 1) {
    const key = secp256k1.utils.randomSecretKey();
    const digest = keccak(toUtf8(`round ${round}`));
    const signature = signDigest(digest, key);
    expect(signature).toBe(signByProtocol(digest, key));
    expect(recoverSigner(digest, signature)).toBe(addressOfPublicKey(secp256k1.getPublicKey(key, false)));
  }
});

test.for([
  ["zero", new Uint8Array(32)],
  ["the order", fromHex(`0x${secp256k1.Point.Fn.ORDER.toString(16)}`)],
  ["31 bytes", new Uint8Array(31).fill(1)],
] as const)("signs with no key that is none: %s", ([, key]) => {
  expect(() => signDigest(keccak(toUtf8("x")), key)).toThrow(/Expected Private/);
});
