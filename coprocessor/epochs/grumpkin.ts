/**
 * Schnorr signatures over Grumpkin, whose base field is the field of proofs: what an enclave signs a write with, because a circuit
 * checks it for a thirtieth of what secp256k1 costs. The circuit's side: coprocessor/circuits/ledger/src/transition.nr.
 */

import { weierstrass } from "@noble/curves/abstract/weierstrass.js";
import { bytesToNumberBE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { poseidon2Hash } from "@zkpassport/poseidon2";
import { concatBytes, toUtf8 } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { uintWord } from "../../protocol/struct-hash.ts";
import { FIELD_ORDER, fieldTag } from "../ledger/poseidon-tree-hash.ts";

/** Order of the group, which is the base field of BN254. */
export const GROUP_ORDER = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

const Point = weierstrass<bigint>({
  p: FIELD_ORDER,
  n: GROUP_ORDER,
  h: 1n,
  a: 0n,
  b: FIELD_ORDER - 17n,
  Gx: 1n,
  Gy: 17631683881184975370165255887551781615748388533673675138860n,
});

const TAG_CHALLENGE = fieldTag("Adyton.challenge");
const NONCE_LABEL = toUtf8("Adyton transition nonce");

export interface GrumpkinPoint {
  readonly x: bigint;
  readonly y: bigint;
}

export interface GrumpkinSignature {
  readonly s: bigint;
  readonly e: bigint;
}

export interface GrumpkinKey {
  readonly secret: bigint;
  readonly publicKey: GrumpkinPoint;
}

/**
 * @param seed at least 48 random bytes, so that the remainder is as good as uniform
 * @throws {InputError} INPUT_INVALID for fewer
 */
export function createGrumpkinKey(seed: Uint8Array): GrumpkinKey {
  if (seed.length < 48)
    throw new InputError({ code: "INPUT_INVALID", message: "a transition key is made of 48 random bytes" });

  const secret = (bytesToNumberBE(seed) % (GROUP_ORDER - 1n)) + 1n;
  return { secret, publicKey: Point.BASE.multiply(secret).toAffine() };
}

/** @param message an element of the field */
export function signGrumpkin({ secret, publicKey }: GrumpkinKey, message: bigint): GrumpkinSignature {
  // Of secret and message, as in EdDSA: a nonce used for two messages would reveal the key.
  const seed = sha512(concatBytes(NONCE_LABEL, uintWord(secret), uintWord(message)));
  const nonce = (bytesToNumberBE(seed) % (GROUP_ORDER - 1n)) + 1n;
  const e = challenge(Point.BASE.multiply(nonce).toAffine(), publicKey, message);
  const product = (e * secret) % GROUP_ORDER;
  return { s: (nonce + GROUP_ORDER - product) % GROUP_ORDER, e };
}

export function isGrumpkinSignature(
  publicKey: GrumpkinPoint,
  { s, e }: GrumpkinSignature,
  message: bigint,
): boolean {
  if (!isGrumpkinPoint(publicKey) || s < 0n || s >= GROUP_ORDER || e < 0n || e >= FIELD_ORDER) return false;
  const key = Point.fromAffine({ ...publicKey });
  const point = Point.BASE.multiplyUnsafe(s).add(key.multiplyUnsafe(e));
  return !point.is0() && challenge(point.toAffine(), publicKey, message) === e;
}

/** Whether it is on the curve, and not the point at infinity, for which anyone can sign. */
export function isGrumpkinPoint({ x, y }: GrumpkinPoint): boolean {
  if (x < 0n || y < 0n || x >= FIELD_ORDER || y >= FIELD_ORDER) return false;
  return (y * y) % FIELD_ORDER === (((x * x) % FIELD_ORDER) * x + FIELD_ORDER - 17n) % FIELD_ORDER;
}

function challenge(r: GrumpkinPoint, key: GrumpkinPoint, message: bigint): bigint {
  return poseidon2Hash([TAG_CHALLENGE, r.x, r.y, key.x, key.y, message]);
}
