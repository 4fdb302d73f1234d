/** The signed statement: this request, this status, this output, on the word of this keyset. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import * as z from "zod";
import { concatBytes, fromHex, toHex, type Hex } from "./bytes.ts";
import { typedDataDigest, type Domain } from "./domain.ts";
import { EvidenceError } from "./errors.ts";
import { bytes32, uint40, uint8 } from "./fields.ts";
import { bytes32Word, hashWords, keccak, keccakText, uintWord } from "./struct-hash.ts";

export const AnswerStatus = {
  unset: 0,
  ok: 1,
  refused: 2,
  upstreamFailed: 3,
  invalidOutput: 4,
  outOfBudget: 5,
  invalidRequest: 6,
  clockUnknown: 7,
  /** Of a quorum, by the coordinator: no enclave signs it. */
  disagreed: 8,
  programFailed: 9,
} as const;
export type AnswerStatusName = keyof typeof AnswerStatus;
export type AnswerStatus = (typeof AnswerStatus)[AnswerStatusName];

const STATUS_NAMES = Object.keys(AnswerStatus) as readonly AnswerStatusName[];

/** The name of a status number; `undefined` for a number that names none. */
export function answerStatusName(status: number): AnswerStatusName | undefined {
  return STATUS_NAMES.find((name) => AnswerStatus[name] === status);
}

const LATE_STATUSES: ReadonlySet<number> = new Set([
  AnswerStatus.upstreamFailed,
  AnswerStatus.invalidRequest,
  AnswerStatus.clockUnknown,
]);

/**
 * Statuses that a host, or one odd node, can bring about: they settle only in the last fallback window before the deadline,
 * so that another node can still answer.
 */
export function settlesLate(status: number): boolean {
  return LATE_STATUSES.has(status);
}

const signedStatus = uint8
  .min(AnswerStatus.ok)
  .max(AnswerStatus.programFailed)
  .refine((status) => status !== AnswerStatus.disagreed, { error: "no enclave signs this status" });

export const Answer = z.strictObject({
  requestId: bytes32,
  status: signedStatus,
  outputHash: bytes32,
  transcriptRoot: bytes32,
  stateBlockHash: bytes32,
  keysetId: bytes32,
  /** Seconds; `uint64` in the struct, and refused from 2^40. */
  answeredAt: uint40,
});
export type Answer = z.output<typeof Answer>;
export type AnswerWire = z.input<typeof Answer>;

export const ANSWER_TYPE =
  "Answer(bytes32 requestId,uint8 status,bytes32 outputHash,bytes32 transcriptRoot,bytes32 stateBlockHash," +
  "bytes32 keysetId,uint64 answeredAt)";
export const ANSWER_TYPEHASH = keccakText(ANSWER_TYPE);

export function answerStructHash(answer: Answer): Hex {
  return hashWords(ANSWER_TYPEHASH, [
    bytes32Word(answer.requestId),
    uintWord(answer.status),
    bytes32Word(answer.outputHash),
    bytes32Word(answer.transcriptRoot),
    bytes32Word(answer.stateBlockHash),
    bytes32Word(answer.keysetId),
    uintWord(answer.answeredAt),
  ]);
}

export function answerDigest(domain: Domain, answer: Answer): Hex {
  return typedDataDigest(domain, answerStructHash(answer));
}

/** The Ethereum address of an uncompressed secp256k1 public key (65 bytes, 0x04 first). */
export function addressOfPublicKey(publicKey: Uint8Array): Hex {
  return `0x${keccak(publicKey.subarray(1)).slice(-40)}`;
}

/** `r ‖ s ‖ v` with low s and v 27 or 28, as `ecrecover` wants it. */
export function signDigest(digest: Hex, privateKey: Uint8Array): Hex {
  const recovered = secp256k1.sign(fromHex(digest, 32), privateKey, { prehash: false, format: "recovered" });
  const v = recovered.subarray(0, 1).map((recoveryBit) => 27 + recoveryBit);
  return toHex(concatBytes(recovered.subarray(1), v));
}

/**
 * The address that signed `digest`.
 *
 * @throws {EvidenceError} EVIDENCE_SIGNATURE_INVALID for high s, another v, or a signature of no key
 */
export function recoverSigner(digest: Hex, signature: Hex): Hex {
  const bytes = fromHex(signature, 65);
  const v = bytes[64];
  try {
    if (v !== 27 && v !== 28) throw new RangeError("v is neither 27 nor 28");
    const parsed = secp256k1.Signature.fromBytes(bytes.subarray(0, 64), "compact");
    if (parsed.hasHighS()) throw new RangeError("s is in the upper half of the order");
    const point = parsed.addRecoveryBit(v - 27).recoverPublicKey(fromHex(digest, 32));
    return addressOfPublicKey(point.toBytes(false));
  } catch (cause) {
    throw new EvidenceError({
      code: "EVIDENCE_SIGNATURE_INVALID",
      message: "the answer's signature is not a valid low-s secp256k1 signature",
      cause,
    });
  }
}

/** A signature in two words (EIP-2098): `vs` is s with `v - 27` in its top bit. */
export interface CompactSignature {
  readonly r: Hex;
  readonly vs: Hex;
}

const PARITY_BIT = 0x80;

/** @param signature of `signDigest`: low s, so that its top bit is free */
export function toCompactSignature(signature: Hex): CompactSignature {
  const bytes = fromHex(signature, 65);
  const parity = bytes[64] === 28 ? PARITY_BIT : 0;
  const vs = bytes.subarray(32, 64).map((byte, index) => (index === 0 ? byte | parity : byte));
  return { r: toHex(bytes.subarray(0, 32)), vs: toHex(vs) };
}

export function fromCompactSignature({ r, vs }: CompactSignature): Hex {
  const bytes = fromHex(vs, 32);
  const v = bytes.subarray(0, 1).map((byte) => 27 + (byte >> 7));
  const s = bytes.map((byte, index) => (index === 0 ? byte & ~PARITY_BIT : byte));
  return toHex(concatBytes(fromHex(r, 32), s, v));
}
