import { describe, expect, test } from "vitest";
import {
  createGrumpkinKey,
  GROUP_ORDER,
  isGrumpkinPoint,
  isGrumpkinSignature,
  signGrumpkin,
} from "../../../coprocessor/epochs/grumpkin.ts";
import { FIELD_ORDER } from "../../../coprocessor/ledger/poseidon-tree-hash.ts";

const KEY = createGrumpkinKey(new Uint8Array(48).fill(7));
const OTHER = createGrumpkinKey(new Uint8Array(48).fill(8));
const SIGNATURE = signGrumpkin(KEY, 5n);

describe("a Grumpkin signature", () => {
  test("is accepted of its key and message, and is the same each time", () => {
    expect(isGrumpkinSignature(KEY.publicKey, SIGNATURE, 5n)).toBe(true);
    expect(signGrumpkin(KEY, 5n)).toEqual(SIGNATURE);
  });

  test.for([
    ["another message", KEY.publicKey, SIGNATURE, 6n],
    ["another key", OTHER.publicKey, SIGNATURE, 5n],
    ["another s", KEY.publicKey, { ...SIGNATURE, s: SIGNATURE.s + 1n }, 5n],
    ["an s beyond the group", KEY.publicKey, { ...SIGNATURE, s: SIGNATURE.s + GROUP_ORDER }, 5n],
    ["an e beyond the field", KEY.publicKey, { ...SIGNATURE, e: SIGNATURE.e + FIELD_ORDER }, 5n],
    ["the point at infinity", { x: 0n, y: 0n }, SIGNATURE, 5n],
    ["a point that is none", { ...KEY.publicKey, y: 3n }, SIGNATURE, 5n],
  ] as const)("is refused with %s", ([, key, signature, message]) => {
    expect(isGrumpkinSignature(key, signature, message)).toBe(false);
  });

  test("never uses a nonce for two messages", () => {
    const [first, second] = [signGrumpkin(KEY, 1n), signGrumpkin(KEY, 2n)];
    const nonceOf = ({ s, e }: typeof first): bigint => (s + e * KEY.secret) % GROUP_ORDER;
    expect(nonceOf(first)).not.toBe(nonceOf(second));
  });
});

describe("a Grumpkin key", () => {
  test("is made of 48 random bytes, and is a point", () => {
    expect(isGrumpkinPoint(KEY.publicKey)).toBe(true);
    expect(isGrumpkinPoint({ x: KEY.publicKey.x + FIELD_ORDER, y: KEY.publicKey.y })).toBe(false);
    expect(() => createGrumpkinKey(new Uint8Array(47))).toThrow(
      expect.objectContaining({ code: "INPUT_INVALID" }) as Error,
    );
  });
});
