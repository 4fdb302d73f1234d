/** The signed statement: this request, this status, this output, on the word of this keyset. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import * as z from "zod";
import { concatBytes, fromHex, toHex, type Hex } from "./bytes.ts";
import { typedDataDigest, type Domain } from "./domain.ts";
import { EvidenceError } from "./errors.ts";
import { bytes32, uint64, uint8 } from "./fields.ts";
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
} as const;
export type AnswerStatusName = keyof typeof AnswerStatus;
export type AnswerStatus = (typeof AnswerStatus)[AnswerStatusName];

const STATUS_NAMES = Object.keys(AnswerStatus) as readonly AnswerStatusName[];

/** The name of a status number; `undefined` for a number that names none. */
export function answerStatusName(status: number): AnswerStatusName | undefined {
  return STATUS_NAMES.find((name) => AnswerStatus[name] === status);
}

/** Statuses that a host can bring about: they earn nothing and settle only after the fallback window. */
export function isHostCausable(status: number): boolean {
  return status === AnswerStatus.upstreamFailed || status === AnswerStatus.clockUnknown;
}

export const Answer = z.strictObject({
  requestId: bytes32,
  status: uint8.min(AnswerStatus.ok).max(AnswerStatus.clockUnknown),
  outputHash: bytes32,
  transcriptRoot: bytes32,
  stateBlockHash: bytes32,
  keysetId: bytes32,
  answeredAt: uint64,
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
